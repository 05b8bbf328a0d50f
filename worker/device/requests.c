/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/requests.c - see requests.h. Runs in a queue thread of vduse-worker on a hostile
 * ring.
 *
 * Whatever ends the taking of requests (one that failed and waits, one that cannot be reached, a
 * malformed ring, a hold, a fault) lets those that are pending end first. They are published as
 * ever, except after a fault.
 */
#include "worker/device/requests.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#include "worker/crash.h"
#include "worker/device/queue_halt.h"
#include "worker/device/queue_ready.h"

/* ---- slots ---- */

int requests_create(struct queue *q)
{
	uint32_t depth = q->engine.ops->depth, many = depth < QUEUE_MANY ? depth : QUEUE_MANY;
	struct blk_req *slot = calloc(depth, sizeof(*slot));
	struct iovec *iov = calloc((size_t)many * IO_IOV_MAX, sizeof(*iov));

	if (!slot || !iov)
		return -ENOMEM;
	for (uint32_t i = 0; i < depth; i++) {
		slot[i].next = q->free;
		q->free = &slot[i];
	}
	for (uint32_t i = 0; i < many; i++)
		q->many[q->nmany++] = iov + (size_t)i * IO_IOV_MAX;
	return 0;
}

static uint64_t bytes_of(const struct io *io)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < io->ranges; i++)
		bytes += io->range[i].len;
	return bytes;
}

/* What blk_begin() is given: it can take `many`. */
static struct blk_req *lend_slot(struct queue *q)
{
	struct blk_req *r = q->free;

	q->free = r->next;
	r->io.many = q->many[q->nmany - 1];
	return r;
}

static void keep_many(struct queue *q, const struct blk_req *r)
{
	if (r->io.iov == r->io.many)
		q->nmany--;
}

static void free_slot(struct queue *q, struct blk_req *r)
{
	r->next = q->free;
	q->free = r;
}

/* With what keep_many() kept. */
static void free_all(struct queue *q, struct blk_req *r)
{
	if (r->io.iov == r->io.many)
		q->many[q->nmany++] = r->io.many;
	free_slot(q, r);
}

/* ---- the end of a request ---- */

static void complete(struct queue *q, const struct blk_req *r)
{
	if (r->error < 0 || r->bad) {
		atomic_store_explicit(&q->last_error, r->error, memory_order_relaxed);
		atomic_store_explicit(&q->last_bad, r->bad, memory_order_relaxed);
		queue_note(q, QUEUE_N_ERROR);
	}
	q->done[q->ndone++] = r->done;
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
	if (q->failed)
		return; /* it stays in the log, as if the worker had died */
	if (stops(q, &r->io)) {
		if (!q->stopped_by)
			q->stopped_by = r->io.result;
		return;
	}
	blk_finish(r, &q->state->counters);
	complete(q, r);
}

uint32_t requests_reap(struct queue *q)
{
	uint32_t n = 0;

	while (q->pending > 0 && q->ndone < QUEUE_BATCH) {
		struct io *io = q->engine.ops->poll(&q->engine);
		struct blk_req *r;

		if (!io)
			break;
		r = (struct blk_req *)(void *)((char *)io - offsetof(struct blk_req, io));
		q->pending--;
		q->pending_bytes -= r->bytes;
		q->pending_slow -= engine_is_slow(io);
		finish(q, r);
		free_all(q, r);
		n++;
	}
	return n;
}

/* ---- the beginning ---- */

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

static enum blk_begun begin(struct queue *q, struct blk_req *r)
{
	enum blk_begun begun = blk_begin(q->blk, &q->mem, &q->chain, r, &q->state->counters);

	/* before a system call, which would take a page of zeros for data */
	if (queue_faulted(q))
		return BLK_UNREACHED;
	if (begun == BLK_UNREACHED)
		begun = unreached(q, r);
	if (begun == BLK_DONE)
		complete(q, r);
	return begun;
}

/* Execute the request in q->chain; returns how many bytes it moves. */
static uint64_t execute(struct queue *q)
{
	struct blk_req *r = lend_slot(q);

	if (begin(q, r) != BLK_IO) {
		free_slot(q, r);
		return 0;
	}
	keep_many(q, r);
	r->bytes = bytes_of(&r->io);
	crash_point(K3_SUBMIT);
	if (q->engine.ops->submit(&q->engine, &r->io) == ENGINE_PENDING) {
		q->pending++;
		q->pending_bytes += r->bytes;
		q->pending_slow += engine_is_slow(&r->io);
		return r->bytes;
	}
	finish(q, r);
	free_all(q, r);
	return r->bytes;
}

static bool is_to_stop(const struct queue *q)
{
	return q->stopped_by || q->unreached || q->vq.error || queue_faulted(q);
}

/*
 * A hold waits for all that is pending, and memory of the kernel's is in use for it. One request
 * may be of any size.
 */
static bool is_enough(const struct queue *q)
{
	return q->pending_bytes >= QUEUE_PENDING_BYTES || q->pending_slow >= QUEUE_PENDING_SLOW;
}

bool requests_may_take(const struct queue *q)
{
	return q->free && q->nmany > 0 && !is_enough(q) && !is_to_stop(q) && !queue_hold_wanted(q);
}

uint32_t requests_take(struct queue *q)
{
	uint64_t bytes = 0;
	uint32_t n = 0;

	while (n < QUEUE_BATCH && q->ndone < QUEUE_BATCH && bytes < QUEUE_BATCH_BYTES && requests_may_take(q)) {
		q->mem.moves = 0;
		if (q->vq.ops->pop(&q->vq, &q->chain) <= 0)
			break;
		bytes += execute(q);
		n++;
	}
	if (q->pending > 0)
		q->engine.ops->start(&q->engine);
	return n;
}

/* ---- publishing ---- */

/* The driver has no FLUSH: what it wrote must be durable before it hears of it. */
static void make_durable(struct queue *q)
{
	struct io *io = &q->durable;
	bool wrote = false;

	for (uint32_t i = 0; i < q->ndone; i++)
		wrote = wrote || (q->done[i].wrote && q->done[i].status == VIRTIO_BLK_S_OK);
	if (!wrote)
		return;
	io->op = IO_FLUSH;
	io->now = true;
	(void)q->engine.ops->submit(&q->engine, io);
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

/* Not after a fault, be it one of the stores here: what is published may have come of zeros. */
void requests_publish(struct queue *q)
{
	int rc;

	if (q->ndone > 0 && blk_writethrough(q->blk))
		make_durable(q);
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
