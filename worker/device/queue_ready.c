/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/queue_ready.c - a queue finds its place: maps the rings that the driver named, and
 * begins where they and the log say. Runs in the queue's thread of vduse-worker, held or just
 * released; rings and an earlier worker's log are hostile. The memory of the rings can be of a kind
 * that never comes, and then this does not end.
 */
#include "worker/device/queue_ready.h"

#include <errno.h>

#include "worker/device/queue.h"
#include "worker/ring/sigbus.h"

bool queue_faulted(const struct queue *q)
{
	return sigbus_count() != q->faults;
}

bool queue_fail_on_fault(struct queue *q)
{
	if (!queue_faulted(q))
		return false;
	q->ndone = 0;
	if (!q->failed)
		queue_fail(q, "a page of its memory is gone");
	return true;
}

static int refuse(struct queue *q, int rc, const char *why)
{
	atomic_store_explicit(&q->refusal, why, memory_order_relaxed);
	return rc;
}

static int fail(struct queue *q, const char *why)
{
	queue_fail(q, why);
	return -EPROTO;
}

/*
 * What is in flight. In doubt about an earlier worker's log the queue fails: never replay in doubt.
 * In fail mode nothing is executed, and neither the log nor the driver's start index matters:
 * everything that is not in the used ring is completed with an error. That is exact as long as
 * engines complete in order.
 */
static int load_log(struct queue *q, uint16_t used)
{
	struct virtq *vq = &q->vq;

	if (!q->fail_mode && q->state->desc_num != 0)
		return inflight_recover(&vq->log, q->state, vq->conf.num, used) < 0
			       ? fail(q, "its log of requests in flight cannot be right")
			       : 0;
	if (!q->fail_mode && vq->conf.base != used)
		return refuse(q, -EINVAL, "its used index is not where the driver says it starts");
	inflight_start(&vq->log, q->state, vq->conf.num, used);
	return 0;
}

static int begin(struct queue *q)
{
	uint16_t used = q->vq.ops->used_idx(&q->vq);
	int rc;

	if (queue_fail_on_fault(q))
		return -EPROTO;
	rc = load_log(q, used);
	if (rc < 0)
		return rc;
	rc = q->vq.ops->start(&q->vq, used);
	if (queue_fail_on_fault(q))
		return -EPROTO;
	if (rc < 0)
		return fail(q, q->vq.error);
	q->begun = true;
	return 0;
}

int queue_ready(struct queue *q)
{
	int rc;

	if (!q->mapped) {
		rc = q->vq.ops->map(&q->vq);
		if (rc < 0)
			return refuse(q, rc, "its rings are not in mapped memory");
		q->mapped = true;
	}
	return q->begun ? 0 : begin(q);
}
