/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/queue_halt.c - see queue_halt.h. Runs in the queue's thread of vduse-worker, on a
 * hostile ring, and where it says so in the main thread.
 */
#include "worker/device/queue_halt.h"

#include <errno.h>

#include "worker/device/queue_ready.h"

#define MISSES_MAX 20U /* MEMORY_RETRY_MS apart */
/* What is left of the map beside the rings of all queues. */
#define REGIONS_OF_ONE (IOVA_REGIONS_MAX - 3U * VD_QUEUES_MAX)

int queue_halted(const struct queue *q)
{
	int error = atomic_load_explicit(&q->halted, memory_order_acquire);

	return error < 0 ? error : 0;
}

bool queue_waits(const struct queue *q)
{
	return atomic_load_explicit(&q->halted, memory_order_acquire) == QUEUE_WAITS;
}

static void go_on(struct queue *q)
{
	atomic_store_explicit(&q->halted, QUEUE_GOES_ON, memory_order_release);
	queue_wake(q);
}

void queue_go_on(struct queue *q)
{
	if (queue_halted(q) < 0)
		go_on(q);
}

bool queue_wants_room(const struct queue *q)
{
	return queue_waits(q) && atomic_load_explicit(&q->refused_by, memory_order_relaxed) == -ENOSPC;
}

void queue_try_again(struct queue *q)
{
	if (queue_waits(q))
		go_on(q);
}

/* ---- its thread ---- */

void queue_wait(struct queue *q, int rc, const char *why)
{
	uint32_t waits = atomic_fetch_add_explicit(&q->waits, 1, memory_order_relaxed);
	bool full = rc == -ENOSPC;

	atomic_store_explicit(&q->refusal, why, memory_order_relaxed);
	atomic_store_explicit(&q->refused_by, rc, memory_order_relaxed);
	if (!full && !iova_passes(rc))
		atomic_fetch_add_explicit(&q->misses, 1, memory_order_relaxed);
	atomic_store_explicit(&q->halted, QUEUE_WAITS, memory_order_release);
	queue_note(q, full && waits == 0 ? QUEUE_N_FULL : QUEUE_N_WAITS);
}

bool queue_gives_up(const struct queue *q, int rc)
{
	switch (rc) {
	case 0:
	case -EPROTO: /* no permission, say: the kernel warns of that whenever it is asked */
		return true;
	case -ENOSPC:
		return q->mem.moves >= REGIONS_OF_ONE;
	default:
		return !iova_passes(rc) && atomic_load_explicit(&q->misses, memory_order_relaxed) >= MISSES_MAX;
	}
}

void queue_halt(struct queue *q)
{
	const char *why = q->unreached;
	int error = q->stopped_by;

	q->stopped_by = 0;
	q->unreached = NULL;
	if (q->failed)
		return;
	if (error < 0) { /* of a request before the other */
		atomic_store_explicit(&q->halted, error, memory_order_release);
		queue_note(q, QUEUE_N_HALTED);
	} else if (why && q->unreached_by == 0) {
		queue_fail(q, why);
	} else if (why) {
		queue_wait(q, q->unreached_by, why);
	}
}

/* What is taken and not completed comes first again, as after a crash. */
static void start_again(struct queue *q)
{
	struct virtq *vq = &q->vq;
	int rc = inflight_load(&vq->log, q->state, vq->conf.num, vq->used_idx);

	if (rc < 0) {
		queue_fail(q, "its log of requests in flight cannot be right");
		return;
	}
	rc = vq->ops->start(vq, vq->used_idx);
	if (!queue_fail_on_fault(q) && rc < 0)
		queue_fail(q, vq->error);
}

bool queue_is_stopped(const struct queue *q)
{
	return q->failed || queue_halted(q) < 0 || queue_waits(q);
}

bool queue_is_served(struct queue *q)
{
	if (queue_is_stopped(q))
		return false;
	if (atomic_load_explicit(&q->halted, memory_order_acquire) == QUEUE_GOES_ON) {
		atomic_store_explicit(&q->halted, 0, memory_order_release);
		start_again(q);
	}
	return !q->failed;
}
