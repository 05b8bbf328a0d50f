/*
 * worker/queue_ready.c - a queue finds its place: maps the rings that the driver named, and begins where they and the log
 * say. Runs in the queue's thread of vduse-worker, held or just released; rings and an earlier worker's log are hostile. The
 * memory of the rings can be of a kind that never comes, and then this does not end.
 */
#include <errno.h>

#include "worker/queue.h"
#include "worker/sigbus.h"

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
 * What is in flight. In doubt about an earlier worker's log the queue fails: never replay in doubt. In fail mode nothing is
 * executed, and neither the log nor the driver's start index matters: everything that is not in the used ring is
 * completed with an error. That is exact as long as engines complete in order.
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
	static const char gone[] = "a page of its memory is gone";
	uint16_t used;
	int rc;

	q->faults = sigbus_count();
	used = q->vq.ops->used_idx(&q->vq);
	if (sigbus_count() != q->faults)
		return fail(q, gone);
	rc = load_log(q, used);
	if (rc < 0)
		return rc;
	rc = q->vq.ops->start(&q->vq, used);
	if (sigbus_count() != q->faults)
		return fail(q, gone);
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
