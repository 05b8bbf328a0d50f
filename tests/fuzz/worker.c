/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/worker.c - see worker.h. Runs in the targets device and state.
 */
#include "tests/fuzz/worker.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <sanitizer/asan_interface.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include "common/blkconf.h"
#include "worker/blk/slow.h"
#include "worker/channel/link.h"
#include "worker/device/queues.h"
#include "worker/device/takeover.h"
#include "worker/ring/sigbus.h"

#define EVENTS 32
#define EVENT_FD 2000000 /* numbers that no descriptor has */
#define HEAP (2U << 20)
#define REDZONE 64U
#define RING_SIZE 64U
#define DEPTH 4U
#define POLLS_MAX 1000U

struct device worker;
struct state_file worker_state;
struct guest worker_guest[WORKER_QUEUES];
struct worker_control worker_control;

static struct checked *checks[WORKER_QUEUES];
static struct link link;
static uint64_t event[EVENTS];
static int nevents;
static uint8_t heap[HEAP] __attribute__((aligned(64)));
static size_t heap_used;
static long long clock_ms;
static uint32_t polls;
static jmp_buf killed, asleep;
static bool alive, in_thread;

static struct {
	void *(*run)(void *);
	struct queue *queue;
	bool started;
} thread[WORKER_QUEUES];
static uint32_t nthreads;

/* ---- the system ---- */

static bool refused(void)
{
	return worker_control.refuse_in > 0 && --worker_control.refuse_in == 0;
}

int fuzz_eventfd(unsigned count, int flags)
{
	(void)flags;
	if (refused()) {
		errno = EMFILE;
		return -1;
	}
	PROMISE(nevents < EVENTS, "a worker has few descriptors");
	event[nevents] = count;
	return EVENT_FD + nevents++;
}

static uint64_t *event_of(int fd)
{
	PROMISE(fd >= EVENT_FD && fd < EVENT_FD + nevents, "only our own eventfds are used");
	return &event[fd - EVENT_FD];
}

ssize_t fuzz_write(int fd, const void *buf, size_t len)
{
	uint64_t v;

	PROMISE(len == sizeof(v), "an eventfd takes 8 bytes");
	memcpy(&v, buf, sizeof(v));
	*event_of(fd) += v;
	return sizeof(v);
}

static bool end_one(uint64_t *e);

/*
 * A thread that finds nothing waits for the disk. Where that has nothing to do it would sleep:
 * leave it. Begun again, it goes on as after the read().
 */
ssize_t fuzz_read(int fd, void *buf, size_t len)
{
	uint64_t *e = event_of(fd);

	PROMISE(len == sizeof(*e), "an eventfd gives 8 bytes");
	if (*e == 0 && in_thread && !end_one(e))
		longjmp(asleep, 1);
	memcpy(buf, e, sizeof(*e));
	*e = 0;
	return sizeof(*e);
}

int fuzz_poll(struct pollfd *p, nfds_t n, int ms)
{
	int ready = 0;

	PROMISE(ms > 0, "no wait is without end");
	PROMISE(++polls < POLLS_MAX, "a wait comes to an end");
	if (worker_control.stalled > 0) {
		worker_control.stalled--;
		clock_ms += ms;
		return 0;
	}
	worker_run_threads();
	for (nfds_t i = 0; i < n; i++) {
		p[i].revents = p[i].fd >= 0 && *event_of(p[i].fd) > 0 ? POLLIN : 0;
		ready += p[i].revents != 0;
	}
	return ready;
}

void worker_sleep(int ms)
{
	clock_ms += ms;
}

long long fuzz_now_ms(void)
{
	return clock_ms;
}

int fuzz_prctl(int what, ...)
{
	(void)what;
	return 0;
}

int fuzz_pthread_create(pthread_t *t, const pthread_attr_t *a, void *(*run)(void *), void *arg)
{
	(void)a;
	if (refused())
		return EAGAIN;
	memset(t, 0, sizeof(*t));
	PROMISE(nthreads < WORKER_QUEUES, "one thread for each queue");
	thread[nthreads].run = run;
	thread[nthreads].queue = arg;
	thread[nthreads].started = false;
	nthreads++;
	return 0;
}

void *fuzz_calloc(size_t n, size_t size)
{
	size_t len = (n * size + REDZONE - 1) / REDZONE * REDZONE;
	void *p = heap + heap_used;

	if (refused())
		return NULL;
	PROMISE(len + REDZONE <= HEAP - heap_used, "a worker needs little memory");
	heap_used += len + REDZONE;
	ASAN_UNPOISON_MEMORY_REGION((volatile char *)p, n * size);
	memset(p, 0, n * size);
	return p;
}

void fuzz_free(void *p)
{
	(void)p;
}

/* ---- other parts of the worker ---- */

void link_log(struct link *l, enum link_level level, const char *fmt, ...)
{
	char text[VD_LOG_SIZE];
	va_list ap;

	(void)level;
	PROMISE(l == &link, "there is one channel");
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
}

void link_serve(struct link *l)
{
	PROMISE(l->fd >= 0, "a closed channel is not served");
}

int link_halted(struct link *l, uint32_t queue, int error)
{
	PROMISE(l == &link && queue < worker.setup.queues && error < 0, "a queue that halts says why");
	PROMISE(worker.setup.flags & WORK_F_STOP, "no queue halts unless it is to");
	return -ENOTCONN;
}

int link_resumed(struct link *l)
{
	PROMISE(l == &link, "one channel");
	return -ENOTCONN;
}

unsigned sigbus_count(void)
{
	return 0;
}

void sigbus_set_state(const void *addr, size_t len)
{
	PROMISE(addr == &worker_state && len == sizeof(worker_state), "the state file is known to the handler");
}

/* ---- dying ---- */

static void die(void)
{
	in_thread = false;
	longjmp(killed, 1);
}

static void step(void)
{
	if (alive && worker_control.kill_in > 0 && --worker_control.kill_in == 0)
		die();
}

/* ---- the engine, by the name of the real one ---- */

static uint8_t disk[WORKER_CAPACITY];
static struct {
	struct io *io[DEPTH];
	uint32_t n;
} pending[WORKER_QUEUES], ended[WORKER_QUEUES];

static uint32_t queue_of(const struct engine *e)
{
	for (uint32_t i = 0; i < worker.setup.queues; i++)
		if (e == &worker.queue[i].engine)
			return i;
	abort();
}

static void transfer(const struct io *io)
{
	uint64_t at = io->range[0].offset;

	for (uint32_t i = 0; i < io->niov; at += io->iov[i].iov_len, i++) {
		PROMISE(io->iov[i].iov_len <= WORKER_CAPACITY - at, "data and range are of one length");
		if (io->op == IO_READ)
			memcpy(io->iov[i].iov_base, disk + at, io->iov[i].iov_len);
		else
			memcpy(disk + at, io->iov[i].iov_base, io->iov[i].iov_len);
	}
	PROMISE(at == io->range[0].offset + io->range[0].len, "data and range are of one length");
}

static void check_io(const struct io *io)
{
	bool changes = io->op == IO_WRITE || io->op == IO_DISCARD || io->op == IO_ZERO;

	PROMISE(worker.status & VIRTIO_CONFIG_S_DRIVER_OK, "nothing is executed before DRIVER_OK");
	PROMISE(!changes || !(worker.setup.flags & WORK_F_READ_ONLY), "a read-only device is not written");
	for (uint32_t i = 0; i < io->ranges; i++)
		PROMISE(io->range[i].offset <= WORKER_CAPACITY &&
				io->range[i].len <= WORKER_CAPACITY - io->range[i].offset,
			"a range is inside of the device");
}

static void finish(struct io *io)
{
	if (io->op == IO_READ || io->op == IO_WRITE)
		transfer(io);
	io->result = worker_control.fails || (io->op == IO_FLUSH && worker_control.flush_fails) ? -EIO : 0;
}

static enum engine_answer submit(struct engine *e, struct io *io)
{
	uint32_t q = queue_of(e);

	step();
	check_io(io);
	if (worker_control.async && !io->now) {
		PROMISE(pending[q].n + ended[q].n < DEPTH, "no more is pending than the engine takes");
		pending[q].io[pending[q].n++] = io;
		return ENGINE_PENDING;
	}
	finish(io);
	step();
	return ENGINE_DONE;
}

static void start(struct engine *e)
{
	PROMISE(pending[queue_of(e)].n + ended[queue_of(e)].n > 0, "nothing is begun for nothing");
	step();
}

/* The last one first. */
static bool end_one(uint64_t *e)
{
	for (uint32_t q = 0; q < worker.setup.queues; q++) {
		if (pending[q].n == 0 || event_of(worker.queue[q].engine.wake_fd) != e)
			continue;
		step();
		ended[q].io[ended[q].n++] = pending[q].io[--pending[q].n];
		finish(ended[q].io[ended[q].n - 1]);
		*e = 1;
		return true;
	}
	return false;
}

static struct io *poll_ended(struct engine *e)
{
	uint32_t q = queue_of(e);

	PROMISE(pending[q].n + ended[q].n > 0, "only what is pending is asked for");
	return ended[q].n > 0 ? ended[q].io[--ended[q].n] : NULL;
}

const struct engine_ops engine_pread = {
	.name = "pread", .depth = DEPTH, .submit = submit, .start = start, .poll = poll_ended
};

const struct engine_ops engine_aio = {
	.name = "aio", .depth = DEPTH, .submit = submit, .start = start, .poll = poll_ended
};

const struct engine_ops engine_cache = {
	.name = "cache", .depth = DEPTH, .submit = submit, .start = start, .poll = poll_ended
};

/* None of these engines wants any. */
int slow_create(struct slow **s, uint32_t threads)
{
	(void)s;
	(void)threads;
	return -EAGAIN;
}

/* ---- threads ---- */

static bool runnable(uint32_t i)
{
	return !thread[i].started || *event_of(thread[i].queue->kick_fd) > 0;
}

static void run_thread(uint32_t i)
{
	thread[i].started = true;
	in_thread = true;
	if (setjmp(asleep) == 0)
		(void)thread[i].run(thread[i].queue);
	in_thread = false;
}

/* Request slots that are not in use. */
static uint32_t free_slots(const struct queue *q)
{
	uint32_t n = 0;

	for (const struct blk_req *r = q->free; r; r = r->next)
		n++;
	return n;
}

/* An idle thread has finished what it took. */
static void check_idle(uint32_t i)
{
	const struct queue *q = thread[i].queue;

	PROMISE(q->ndone == 0 && q->pending == 0 && free_slots(q) == q->engine.ops->depth,
		"an idle queue executes nothing");
	if (checks[i]->started && !q->failed && queues_can_run(q) && !(q->want & 1) && q->halted == 0)
		PROMISE(checks[i]->ntaken == 0, "an idle queue has completed everything");
}

void worker_run_threads(void)
{
	PROMISE(!in_thread, "a thread does not wait for threads");
	for (uint32_t i = 0; i < nthreads; i++) {
		uint32_t times = 0;

		for (; runnable(i); times++) {
			PROMISE(times < POLLS_MAX, "a thread goes to sleep");
			run_thread(i);
			check_idle(i);
		}
	}
}

void worker_kick(uint32_t queue)
{
	if (kernel.kick_fd[queue])
		++*event_of(kernel.kick_fd[queue]);
}

/* ---- a device and its workers ---- */

static void set_up(uint32_t queues, uint32_t flags)
{
	struct blk_params p = { .capacity = WORKER_CAPACITY,
				.queues = queues,
				.queue_size = 256,
				.block_size = 512,
				.read_only = flags & WORK_F_READ_ONLY,
				.unmap = { .discard_max = WORKER_CAPACITY, .granularity = 4096, .by_zeroing = 1 } };

	memset(&worker, 0, sizeof(worker));
	msg_init(&worker.setup, WORK_SETUP, sizeof(worker.setup));
	worker.setup.name[0] = 'd';
	worker.setup.capacity = WORKER_CAPACITY;
	worker.setup.features = blk_features(&p);
	worker.setup.flags = flags;
	worker.setup.queues = queues;
	worker.setup.queue_size = p.queue_size;
	worker.setup.block_size = p.block_size;
}

static void set_ring(uint32_t i)
{
	struct guest *g = &worker_guest[i];

	guest_init(g, i, RING_SIZE);
	kernel.info[i] = (struct vduse_vq_info){
		.desc_addr = g->desc, .driver_addr = g->avail, .device_addr = g->used, .num = g->num, .ready = 1
	};
}

/* Only the part that a device with few queues has. */
static void clear_state(void)
{
	memset(&worker_state, 0, offsetof(struct state_file, queue) + WORKER_QUEUES * sizeof(worker_state.queue[0]));
}

void worker_new_device(uint32_t queues, uint32_t flags)
{
	memset(&worker_control, 0, sizeof(worker_control));
	memset(&kernel, 0, sizeof(kernel));
	set_up(queues, flags);
	clear_state();
	checked_init();
	mem_init();
	mem_set_state(&worker_state, sizeof(worker_state));
	kernel.queues = queues;
	kernel.features = worker.setup.features;
	kernel.hook = step;
	for (uint32_t i = 0; i < queues; i++) {
		set_ring(i);
		checks[i] = checked_add(NULL);
		checks[i]->state = &worker_state.queue[i];
		checks[i]->hook = step;
		checks[i]->answers = true;
	}
	alive = false;
	link = (struct link){ .fd = -1 };
}

static void new_process(void)
{
	struct work_setup setup = worker.setup;

	memset(&worker, 0, offsetof(struct device, map));
	memset((char *)&worker + offsetof(struct device, state), 0, sizeof(worker) - offsetof(struct device, state));
	worker.setup = setup;
	worker.setup.generation++;
	worker_control.stalled = 0;
	worker.link = &link;
	nevents = 0;
	nthreads = 0;
	heap_used = 0;
	clock_ms = 0;
	ASAN_POISON_MEMORY_REGION(heap, sizeof(heap));
	memset(pending, 0, sizeof(pending));
	memset(ended, 0, sizeof(ended));
	kernel_worker_died();
}

static bool prepare(void)
{
	bool asked = worker_control.refuse_in > 0;
	struct iova_source src;
	int rc = device_prepare(&worker);

	PROMISE(rc == 0 || (rc < 0 && asked && worker_control.refuse_in == 0), "a worker can be prepared");
	worker_control.refuse_in = 0;
	if (rc < 0)
		return false;
	src = worker.map.source;
	mem_new_process(&worker.map);
	worker.map.source = src;
	for (uint32_t i = 0; i < worker.setup.queues; i++) {
		worker.queue[i].vq.ops = &checked_split;
		checked_follow(checks[i], &worker.queue[i].vq, !worker_control.state_changed);
	}
	worker_control.state_changed = false;
	return true;
}

static int attached;

static void attach(void)
{
	const struct work_device any = { .mem_align = 1, .len_align = 1 };

	attached = device_attach(&worker, &any, &kernel_ops);
}

bool worker_start(void)
{
	new_process();
	alive = false;
	alive = prepare();
	if (!alive || !worker_do(attach))
		return false;
	alive = attached == 0;
	for (uint32_t i = 0; i < worker.setup.queues; i++)
		PROMISE(!checks[i]->resuming, "an honest log is believed");
	return alive;
}

bool worker_do(void (*what)(void))
{
	if (!alive)
		return false;
	polls = 0;
	if (setjmp(killed) == 0) {
		what();
		return true;
	}
	alive = false;
	return false;
}

void worker_check(void)
{
	if (worker.map.ndropped > 0)
		worker_run_threads();
	mem_check(&worker.map);
	PROMISE(worker.status == worker_state.driver_status && worker.features == worker_state.features,
		"the state file has the status and the features");
	PROMISE(worker.reset_owed == (worker_state.reset_owed != 0), "the state file knows of a reset that is owed");
	PROMISE(!(worker.status & VIRTIO_CONFIG_S_DRIVER_OK) || (worker.status & VIRTIO_CONFIG_S_FEATURES_OK),
		"no driver is ready without features");
	PROMISE((worker.features & ~worker.offered) == 0 || (worker.setup.flags & WORK_F_FAIL),
		"only offered features are negotiated");
	PROMISE((worker.offered & ~blk_features_known()) == 0, "only features that can be served are offered");
	for (uint32_t i = 0; i < worker.setup.queues; i++) {
		const struct queue *q = &worker.queue[i];

		PROMISE(!q->mapped || q->known, "only a known ring is mapped");
		PROMISE(!q->known || virtq_check(&q->vq.conf, worker.setup.queue_size) == NULL,
			"a known ring has passed its checks");
		PROMISE(!q->failed || worker_state.queue[i].failed == 1, "the state file knows what failed");
		PROMISE(!(worker.reset_owed || worker.remap_owed || worker.asked_until) || (q->want & 1),
			"no queue is released while something is owed");
	}
}

static void quiesce(void)
{
	PROMISE(device_quiesce(&worker) == 0, "a worker can be stopped");
}

void worker_end(void)
{
	worker_control.stalled = 0;
	worker_control.kill_in = 0;
	if (!worker_do(quiesce))
		return;
	worker_check();
	(void)iova_drop(&worker.map, 0, UINT64_MAX);
	iova_sweep(&worker.map);
	mem_check(&worker.map);
}
