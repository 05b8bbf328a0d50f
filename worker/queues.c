/*
 * worker/queues.c - see queues.h. Main thread of vduse-worker. What VQ_GET_INFO reports was chosen by the driver.
 */
#include "worker/queues.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/fd.h"
#include "worker/link.h"
#include "worker/sigbus.h"

bool queues_can_run(const struct queue *q)
{
	return q->begun && q->mapped && !q->failed;
}

/* ---- hold and release ---- */

static bool all_held(const struct device *d)
{
	for (uint32_t i = 0; i < d->setup.queues; i++)
		if (!queue_is_held(&d->queue[i]))
			return false;
	return true;
}

int queues_hold(struct device *d, int ms)
{
	long long end = now_ms() + ms;

	for (uint32_t i = 0; i < d->setup.queues; i++)
		queue_hold(&d->queue[i]);
	while (!all_held(d)) {
		struct pollfd p[2] = { { .fd = d->notify_fd, .events = POLLIN },
				       { .fd = d->link->fd, .events = POLLIN } };
		long long left = end - now_ms();
		uint64_t notes;

		if (left <= 0)
			return -ETIMEDOUT;
		/* WORK_STOP is acted on later: with it pending the channel would be readable all the time. */
		if (poll(p, d->link->stop ? 1 : 2, (int)left) <= 0)
			continue;
		if (p[0].revents)
			(void)!read(d->notify_fd, &notes, sizeof(notes));
		if (p[1].revents)
			link_serve(d->link);
	}
	return 0;
}

void queues_release(struct device *d)
{
	for (uint32_t i = 0; i < d->setup.queues; i++)
		if (queues_can_run(&d->queue[i]))
			queue_release(&d->queue[i]);
}

/* ---- one queue ---- */

static int refuse(struct device *d, struct queue *q, int rc, const char *why)
{
	link_log(d->link, LINK_ERROR, "queue %u cannot be served: %s", q->index, why);
	return rc;
}

/* Take the driver's set-up, once. 0, -EAGAIN (not enabled yet) or another negative errno. */
static int learn(struct device *d, struct queue *q)
{
	struct vduse_vq_info info;
	struct virtq_conf c;
	const char *why;
	int rc = d->vduse.ops->queue_info(&d->vduse, q->index, &info);

	if (rc < 0)
		return refuse(d, q, rc, err_str(rc));
	if (!info.ready)
		return -EAGAIN;
	if (info.num > UINT16_MAX)
		return refuse(d, q, -EINVAL, "its size is larger than the device allows");
	c = (struct virtq_conf){
		.num = (uint16_t)info.num,
		.base = info.split.avail_index,
		.desc_addr = info.desc_addr,
		.driver_addr = info.driver_addr,
		.device_addr = info.device_addr,
		.event_idx = (d->features >> VIRTIO_RING_F_EVENT_IDX) & 1,
		.indirect = (d->features >> VIRTIO_RING_F_INDIRECT_DESC) & 1,
	};
	why = virtq_check(&c, d->setup.queue_size);
	if (why)
		return refuse(d, q, -EINVAL, why);
	q->vq.conf = c;
	q->known = true;
	return 0;
}

/*
 * An earlier worker served this queue. In doubt about its log the queue fails, but in fail mode nothing
 * is executed anyway: everything that is not in the used ring is completed with an error. That is exact as long as
 * engines complete in order.
 */
static int take_over(struct device *d, struct queue *q, uint16_t used)
{
	int rc = inflight_recover(&q->vq.log, q->state, q->vq.conf.num, used);

	if (rc == 0 || !(d->setup.flags & WORK_F_FAIL))
		return rc;
	inflight_start(&q->vq.log, q->state, q->vq.conf.num, used);
	return 0;
}

static int fail(struct queue *q, const char *why)
{
	queue_fail(q, why);
	return -EPROTO;
}

/* Find our place in the rings. */
static int begin(struct device *d, struct queue *q)
{
	uint16_t used;
	int rc;

	q->faults = sigbus_count();
	used = q->vq.ops->used_idx(&q->vq);
	if (sigbus_count() != q->faults)
		return fail(q, "a page of its memory is gone");
	if (q->state->desc_num != 0) {
		if (take_over(d, q, used) < 0)
			return fail(q, "its log of requests in flight cannot be right");
	} else {
		if (q->vq.conf.base != used)
			return refuse(d, q, -EINVAL, "its used index is not where the driver says it starts");
		inflight_start(&q->vq.log, q->state, q->vq.conf.num, used);
	}
	rc = q->vq.ops->start(&q->vq, used);
	if (sigbus_count() != q->faults)
		return fail(q, "a page of its memory is gone");
	if (rc < 0)
		return fail(q, q->vq.error);
	q->begun = true;
	return 0;
}

int queues_examine(struct device *d, struct queue *q)
{
	int rc;

	if (q->failed || queues_can_run(q))
		return 0;
	rc = q->known ? 0 : learn(d, q);
	if (rc < 0)
		return rc == -EAGAIN ? 0 : rc;
	rc = q->vq.ops->map(&q->vq);
	if (rc < 0)
		return refuse(d, q, rc, "its rings are not in mapped memory");
	q->mapped = true;
	return q->begun ? 0 : begin(d, q);
}

/* ---- all of them ---- */

int queues_start(struct device *d)
{
	int first = 0;

	for (uint32_t i = 0; i < d->setup.queues; i++) {
		int rc = d->vduse.ops->set_kick_fd(&d->vduse, i, d->queue[i].kick_fd);

		if (rc < 0)
			(void)refuse(d, &d->queue[i], rc, err_str(rc));
		else
			rc = queues_examine(d, &d->queue[i]);
		if (first == 0)
			first = rc;
	}
	return first;
}

void queues_off(struct device *d)
{
	for (uint32_t i = 0; i < d->setup.queues; i++) {
		struct queue *q = &d->queue[i];

		q->known = q->begun = q->mapped = false;
		atomic_store_explicit(&q->failed, false, memory_order_relaxed);
		atomic_store_explicit(&q->halted, 0, memory_order_relaxed);
		inflight_clear(q->state);
		q->state->failed = 0;
	}
	d->irqs_owed = 0;
	iova_drop(&d->map, 0, UINT64_MAX);
}

void queues_remap(struct device *d, uint64_t start, uint64_t last)
{
	iova_drop(&d->map, start, last);
	for (uint32_t i = 0; i < d->setup.queues; i++) {
		struct queue *q = &d->queue[i];

		q->mapped = false;
		if (q->known)
			(void)queues_examine(d, q);
	}
}

void queues_interrupt_all(struct device *d)
{
	for (uint32_t i = 0; i < d->setup.queues; i++)
		if (queues_can_run(&d->queue[i]) && d->vduse.ops->inject_irq(&d->vduse, i) < 0)
			d->irqs_owed |= 1U << i;
}
