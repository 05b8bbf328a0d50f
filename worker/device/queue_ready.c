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
 * In fail mode nothing is executed, and all that is not in the used ring is completed with an
 * error. What that is the rings do not say, as requests end in any order: an entry of the available
 * ring can be overwritten before an earlier one has ended. So the log is believed where it and the
 * rings agree, each head that the driver waits for being either in flight or still to be taken. It
 * gains nobody anything: whoever could spoil it could spoil the used ring. Where they do not agree,
 * what is not in the used ring is taken to be the end of the available ring; nor does the driver's
 * start index matter.
 */
static void load_log_to_fail(struct queue *q, uint16_t used)
{
	struct virtq *vq = &q->vq;

	if (q->state->desc_num == 0 || inflight_load(&vq->log, q->state, vq->conf.num, used) < 0 ||
	    !vq->ops->log_fits(vq, used))
		inflight_start(&vq->log, q->state, vq->conf.num, used);
}

/* In doubt about an earlier worker's log the queue fails: never replay in doubt. */
static int load_log(struct queue *q, uint16_t used)
{
	struct virtq *vq = &q->vq;

	if (q->state->desc_num != 0)
		return inflight_load(&vq->log, q->state, vq->conf.num, used) < 0
			       ? fail(q, "its log of requests in flight cannot be right")
			       : 0;
	if (vq->conf.base != used)
		return refuse(q, -EINVAL, "its used index is not where the driver says it starts");
	inflight_start(&vq->log, q->state, vq->conf.num, used);
	return 0;
}

static int begin(struct queue *q)
{
	uint16_t used = q->vq.ops->used_idx(&q->vq);
	int rc = 0;

	if (queue_fail_on_fault(q))
		return -EPROTO;
	if (q->fail_mode)
		load_log_to_fail(q, used);
	else
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
