/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/queue.c - see queue.h. The loop of the data path. Runs in a queue thread of
 * vduse-worker on a hostile ring.
 *
 * Budget, to be kept. Inline engine: per wake-up one read(eventfd); per request one preadv or
 * pwritev; per batch at most one ioctl(VDUSE_VQ_INJECT_IRQ), and none where the driver does not
 * want it. No lock, no allocation, no other copy of data, unless direct I/O refuses its buffers
 * (transfer.h). (The lock of iova.c is taken once per region.) A driver without FLUSH costs one
 * fdatasync per batch. Asynchronous engine: the same, but one io_submit for all requests that are
 * begun together, and a read(eventfd) also where requests have ended. Page cache: one preadv2 for a
 * read that is cached, as inline.
 */
#include "worker/device/queue.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "worker/device/queue_halt.h"
#include "worker/device/queue_ready.h"
#include "worker/device/requests.h"

#define STACK_SIZE (128U << 10)

/* ---- notes and holding ---- */

static void signal_fd(int fd)
{
	uint64_t one = 1;

	/* Can fail only when the count is near 2^64, and then the reader is awake anyway. */
	while (write(fd, &one, sizeof(one)) < 0 && errno == EINTR)
		;
}

void queue_wake(struct queue *q)
{
	signal_fd(q->kick_fd);
}

void queue_note(struct queue *q, uint32_t bit)
{
	uint32_t old = atomic_fetch_or_explicit(&q->notes, bit, memory_order_acq_rel);

	if (!(old & bit))
		signal_fd(q->notify_fd);
}

uint32_t queue_take_notes(struct queue *q)
{
	return atomic_exchange_explicit(&q->notes, 0, memory_order_acq_rel);
}

void queue_hold(struct queue *q)
{
	uint32_t w = atomic_load_explicit(&q->want, memory_order_relaxed);

	if (w & 1)
		return;
	atomic_store_explicit(&q->want, w + 1, memory_order_release);
	queue_wake(q);
}

bool queue_is_held(const struct queue *q)
{
	uint32_t w = atomic_load_explicit(&q->want, memory_order_relaxed);

	return (w & 1) && atomic_load_explicit(&q->ack, memory_order_acquire) == w;
}

void queue_ask(struct queue *q, uint32_t todo)
{
	uint32_t w = atomic_load_explicit(&q->want, memory_order_relaxed);

	(void)atomic_fetch_or_explicit(&q->todo, todo, memory_order_relaxed);
	atomic_store_explicit(&q->want, w + 2, memory_order_release);
	queue_wake(q);
}

void queue_release(struct queue *q)
{
	uint32_t w = atomic_load_explicit(&q->want, memory_order_relaxed);

	if (!(w & 1))
		return;
	atomic_store_explicit(&q->want, w + 1, memory_order_release);
	queue_wake(q);
}

static void do_asked(struct queue *q)
{
	uint32_t todo = atomic_exchange_explicit(&q->todo, 0, memory_order_relaxed);

	if (todo & QUEUE_DO_SWEEP)
		iova_sweep(q->mem.map);
	if (todo & QUEUE_DO_READY)
		q->ready = queue_ready(q);
}

/* True when the thread must not touch the queue now. Never while something is pending. */
static bool held(struct queue *q)
{
	uint32_t w = atomic_load_explicit(&q->want, memory_order_acquire), old;

	if (q->pending > 0)
		return false;
	/* After the load of want, before the store of ack: what is acknowledged is done. */
	if (atomic_load_explicit(&q->todo, memory_order_relaxed))
		do_asked(q);
	if (!(w & 1))
		return false;
	old = atomic_load_explicit(&q->ack, memory_order_relaxed);
	if (old != w) {
		atomic_store_explicit(&q->ack, w, memory_order_release);
		signal_fd(q->notify_fd);
	}
	/*
	 * Held before: it is a kick, or the main thread asked for something and there may be a kick
	 * as well.
	 */
	if (old & 1)
		queue_note(q, QUEUE_N_KICKED);
	return true;
}

void queue_fail(struct queue *q, const char *why)
{
	atomic_store_explicit(&q->failed, true, memory_order_relaxed);
	__atomic_store_n(&q->state->failed, 1, __ATOMIC_RELEASE);
	atomic_store_explicit(&q->failure, why, memory_order_relaxed);
	queue_note(q, QUEUE_N_FAILED);
}

/* ---- serving ---- */

/*
 * Once nothing is pending: fail, or halt at what could not be completed. After a fault the queue
 * fails at once.
 */
static void stop_where_it_must(struct queue *q)
{
	bool faulted = queue_fail_on_fault(q);

	if (q->pending > 0)
		return;
	if (!faulted && q->vq.error)
		queue_fail(q, q->vq.error);
	queue_halt(q);
}

/* Take, execute, reap and publish what is there, up to a batch. Returns how many requests moved. */
static uint32_t run_batch(struct queue *q)
{
	uint32_t n = requests_take(q);

	n += requests_reap(q);
	requests_publish(q);
	stop_where_it_must(q);
	return n;
}

static bool is_ready(struct queue *q)
{
	int rc;

	if (__builtin_expect(q->mapped && q->begun, 1))
		return true;
	rc = queue_ready(q);
	if (rc == 0)
		return true;
	if (q->failed)
		return false;
	if (!q->mapped && (rc == -ENOSPC || iova_passes(rc)))
		queue_wait(q, rc, q->refusal);
	else
		queue_note(q, QUEUE_N_REFUSED);
	return false;
}

/*
 * Serve until the eventfd alone can bring more: the ring is empty, or no more can be taken before
 * something that is pending has ended.
 */
static void serve(struct queue *q)
{
	const struct virtq_ops *ops = q->vq.ops;

	if (q->pending == 0 && (queue_is_stopped(q) || !is_ready(q) || !queue_is_served(q)))
		return;
	ops->disable_kicks(&q->vq);
	for (;;) {
		uint32_t n = run_batch(q);

		if (q->pending == 0 && (queue_hold_wanted(q) || !queue_is_served(q)))
			return;
		if (n > 0)
			continue;
		if (!requests_may_take(q) || !ops->enable_kicks(&q->vq))
			break;
		ops->disable_kicks(&q->vq);
	}
	(void)queue_fail_on_fault(q);
}

static void *queue_main(void *arg)
{
	struct queue *q = arg;
	char name[16] = "queue-00";
	uint64_t kicks;

	name[6] = (char)('0' + q->index / 10);
	name[7] = (char)('0' + q->index % 10);
	(void)prctl(PR_SET_NAME, name);
	for (;;) {
		while (!held(q)) {
			serve(q);
			if (!queue_hold_wanted(q) || q->pending > 0)
				break;
		}
		while (read(q->kick_fd, &kicks, sizeof(kicks)) < 0 && errno == EINTR)
			;
	}
	return NULL;
}

/* ---- creation ---- */

int queue_create(struct queue *q)
{
	pthread_attr_t attr;
	int rc = requests_create(q);

	if (rc < 0)
		return rc;
	q->kick_fd = q->engine.wake_fd = eventfd(0, EFD_CLOEXEC);
	if (q->kick_fd < 0)
		return -errno;
	atomic_store(&q->want, 1);
	rc = pthread_attr_init(&attr);
	if (rc == 0)
		rc = pthread_attr_setstacksize(&attr, STACK_SIZE);
	if (rc == 0)
		rc = pthread_create(&q->thread, &attr, queue_main, q);
	(void)pthread_attr_destroy(&attr);
	return -rc;
}
