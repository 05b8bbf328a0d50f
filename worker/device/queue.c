/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/queue.c - see queue.h. The loop of the data path. Runs in a queue thread of
 * vduse-worker on a hostile ring.
 *
 * Budget, to be kept: per wake-up one read(eventfd); per request one preadv or pwritev; per batch
 * at most one ioctl(VDUSE_VQ_INJECT_IRQ), and none where the driver does not want it. No lock, no
 * allocation, no other copy of data, unless direct I/O refuses its buffers (transfer.h). (The lock
 * of iova.c is taken once per region.) A driver without FLUSH costs one fdatasync per batch.
 */
#include "worker/device/queue.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "worker/crash.h"
#include "worker/device/queue_halt.h"
#include "worker/device/queue_ready.h"
#include "worker/ring/shm.h"

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

static bool hold_wanted(const struct queue *q)
{
	return atomic_load_explicit(&q->want, memory_order_acquire) & 1;
}

static void do_asked(struct queue *q)
{
	uint32_t todo = atomic_exchange_explicit(&q->todo, 0, memory_order_relaxed);

	if (todo & QUEUE_DO_SWEEP)
		iova_sweep(q->mem.map);
	if (todo & QUEUE_DO_READY)
		q->ready = queue_ready(q);
}

/* Called with nothing in execution: true when the thread must not touch the queue now. */
static bool held(struct queue *q)
{
	uint32_t w = atomic_load_explicit(&q->want, memory_order_acquire), old;

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

/* ---- one batch ---- */

static void free_slot(struct queue *q, struct blk_req *r)
{
	r->next = q->free;
	q->free = r;
}

static void complete(struct queue *q, struct blk_req *r)
{
	if (r->error < 0 || r->bad) {
		atomic_store_explicit(&q->last_error, r->error, memory_order_relaxed);
		atomic_store_explicit(&q->last_bad, r->bad, memory_order_relaxed);
		queue_note(q, QUEUE_N_ERROR);
	}
	q->done[q->ndone++] = r->done;
	free_slot(q, r);
}

/*
 * An error that no repair of the disk ends: the driver's memory is gone, the backend does not take
 * such a range (one that is not aligned as it wants, with O_DIRECT or to be discarded), or has no
 * discard.
 */
static bool is_hopeless(const struct io *io)
{
	return io->result == -EFAULT || io->result == -EINVAL || blk_cannot(io);
}

/*
 * It waits for the disk to be repaired instead of being completed. Never a FLUSH: a second one
 * would succeed without what the first one lost.
 */
static bool stops(const struct queue *q, const struct io *io)
{
	return q->stops && io->result < 0 && !is_hopeless(io) && io->op != IO_FLUSH;
}

/* The engine is done with it. */
static void finish(struct queue *q, struct blk_req *r)
{
	crash_point(K4_IO_DONE);
	if (stops(q, &r->io)) {
		q->stopped_by = r->io.result;
		free_slot(q, r);
		return;
	}
	blk_finish(r, &q->state->counters);
	complete(q, r);
}

/* Wait for everything that was submitted. */
static void reap_all(struct queue *q)
{
	while (q->pending > 0) {
		struct io *io = q->engine.ops->reap(&q->engine);
		struct blk_req *r = (struct blk_req *)(void *)((char *)io - offsetof(struct blk_req, io));

		q->pending--;
		finish(q, r);
	}
}

/* Stop at a request that cannot be completed now, or answer it where that will not change. */
static enum blk_begun unreached(struct queue *q, struct blk_req *r)
{
	bool for_good = queue_gives_up(q, r->error);

	if (for_good && r->done.status_at) {
		blk_refuse(r, &q->state->counters);
		return BLK_DONE;
	}
	q->unreached = r->bad;
	q->unreached_by = for_good ? 0 : r->error;
	return BLK_UNREACHED;
}

/* Execute the request in q->chain; returns how many bytes it moves. */
static uint64_t execute(struct queue *q)
{
	struct blk_req *r = q->free;
	enum blk_begun begun;

	q->free = r->next;
	begun = blk_begin(q->blk, &q->mem, &q->chain, r, &q->state->counters);
	/* before a system call, which would take a page of zeros for data */
	if (queue_faulted(q)) {
		free_slot(q, r);
		return 0;
	}
	if (begun == BLK_UNREACHED)
		begun = unreached(q, r);
	if (begun == BLK_UNREACHED) {
		free_slot(q, r);
		return 0;
	}
	if (begun == BLK_DONE) {
		complete(q, r);
		return 0;
	}
	if (r->io.op == IO_FLUSH)
		reap_all(q); /* it must cover the writes before it */
	crash_point(K3_SUBMIT);
	if (q->engine.ops->submit(&q->engine, &r->io) == ENGINE_PENDING)
		q->pending++;
	else
		finish(q, r);
	return r->io.ranges > 0 ? r->io.range[0].len : 0;
}

/*
 * The driver has no FLUSH: what it wrote must be durable before it hears of it. Nothing is pending.
 */
static void make_durable(struct queue *q)
{
	struct io *io = &q->free->io;
	bool wrote = false;

	for (uint32_t i = 0; i < q->ndone; i++)
		wrote = wrote || (q->done[i].wrote && q->done[i].status == VIRTIO_BLK_S_OK);
	if (!wrote)
		return;
	io->op = IO_FLUSH;
	io->ranges = 0;
	if (q->engine.ops->submit(&q->engine, io) == ENGINE_PENDING)
		(void)q->engine.ops->reap(&q->engine);
	if (io->result == 0)
		return;
	atomic_store_explicit(&q->last_error, io->result, memory_order_relaxed);
	atomic_store_explicit(&q->last_bad, NULL, memory_order_relaxed);
	queue_note(q, QUEUE_N_ERROR);
	for (uint32_t i = 0; i < q->ndone; i++) {
		if (!q->done[i].wrote || q->done[i].status != VIRTIO_BLK_S_OK)
			continue;
		q->done[i].status = VIRTIO_BLK_S_IOERR;
		blk_count(&q->state->counters.errors, 1);
	}
}

/*
 * Not after a fault, be it one of the stores here: what would be published may have come of zeros.
 */
static void publish(struct queue *q)
{
	int rc;

	if (queue_fail_on_fault(q) || q->ndone == 0)
		return;
	for (uint32_t i = 0; i < q->ndone; i++) {
		blk_store_status(&q->done[i]);
		q->vq.ops->push(&q->vq, q->done[i].head, q->done[i].len);
	}
	q->ndone = 0;
	atomic_store_explicit(&q->waits, 0, memory_order_relaxed);
	if (queue_fail_on_fault(q) || !q->vq.ops->publish(&q->vq))
		return;
	rc = q->vduse->ops->inject_irq(q->vduse, q->index);
	if (rc < 0)
		queue_note(q, QUEUE_N_NO_IRQ);
}

/* ---- serving ---- */

static bool is_full(const struct queue *q, uint64_t bytes)
{
	return q->ndone + q->pending >= QUEUE_BATCH || bytes >= QUEUE_BATCH_BYTES;
}

/* Take, execute and publish what is there, up to a batch. Returns the number of requests. */
static uint32_t run_batch(struct queue *q)
{
	uint64_t bytes = 0;
	uint32_t n = 0;
	int rc = 1;

	while (!is_full(q, bytes) && !q->stopped_by && !q->unreached && !hold_wanted(q) && !queue_faulted(q)) {
		if (!q->free) {
			reap_all(q);
			continue;
		}
		q->mem.moves = 0;
		rc = q->vq.ops->pop(&q->vq, &q->chain);
		if (rc <= 0)
			break;
		bytes += execute(q);
		n++;
	}
	reap_all(q);
	if (blk_writethrough(q->blk))
		make_durable(q);
	publish(q);
	if (!queue_fail_on_fault(q) && rc < 0)
		queue_fail(q, q->vq.error);
	queue_halt(q);
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

/* Serve until the ring is empty, the queue fails or the thread is to be held. */
static void serve(struct queue *q)
{
	const struct virtq_ops *ops = q->vq.ops;

	if (queue_is_stopped(q) || !is_ready(q) || !queue_is_served(q))
		return;
	ops->disable_kicks(&q->vq);
	while (!hold_wanted(q)) {
		uint32_t n = run_batch(q);

		if (!queue_is_served(q))
			return;
		if (n > 0)
			continue;
		if (!ops->enable_kicks(&q->vq))
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
			if (!hold_wanted(q))
				break;
		}
		while (read(q->kick_fd, &kicks, sizeof(kicks)) < 0 && errno == EINTR)
			;
	}
	return NULL;
}

/* ---- creation ---- */

static int create_slots(struct queue *q)
{
	uint32_t depth = q->engine.ops->depth;
	struct blk_req *slot = calloc(depth, sizeof(*slot));

	if (!slot)
		return -ENOMEM;
	for (uint32_t i = 0; i < depth; i++)
		free_slot(q, &slot[i]);
	return 0;
}

int queue_create(struct queue *q)
{
	pthread_attr_t attr;
	int rc = create_slots(q);

	if (rc < 0)
		return rc;
	q->kick_fd = eventfd(0, EFD_CLOEXEC);
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
