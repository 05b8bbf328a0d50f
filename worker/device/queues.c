/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/queues.c - see queues.h. Main thread of vduse-worker. What VQ_GET_INFO reports was
 * chosen by the driver.
 */
#include "worker/device/queues.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <poll.h>
#include <string.h>
#include <unistd.h>

#include "common/err.h"
#include "common/fd.h"
#include "worker/channel/link.h"
#include "worker/crash.h"
#include "worker/device/deferred.h"
#include "worker/device/queue_halt.h"
#include "worker/ring/shm.h"
#include "worker/ring/sigbus.h"

bool queues_can_run(const struct queue *q)
{
	return q->known && !q->failed;
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
	long long end = now_ms() + (d->late && ms > DEVICE_LATE_MS ? DEVICE_LATE_MS : ms);

	for (uint32_t i = 0; i < d->setup.queues; i++)
		queue_hold(&d->queue[i]);
	while (!all_held(d)) {
		struct pollfd p[2] = { { .fd = d->notify_fd, .events = POLLIN },
				       { .fd = d->link->fd, .events = POLLIN } };
		long long left = end - now_ms();
		uint64_t notes;

		if (left <= 0) {
			/* where it was only asked, they are not late */
			d->late = d->late || ms > 0;
			return -ETIMEDOUT;
		}
		/*
		 * WORK_STOP is acted on later: with it pending the channel would be readable all
		 * the time.
		 */
		if (poll(p, d->link->stop ? 1 : 2, (int)left) <= 0)
			continue;
		if (p[0].revents)
			(void)!read(d->notify_fd, &notes, sizeof(notes));
		if (p[1].revents)
			link_serve(d->link);
	}
	d->late = false;
	return 0;
}

void queues_release(struct device *d)
{
	if (deferred_any(d))
		return;
	for (uint32_t i = 0; i < d->setup.queues; i++)
		if (queues_can_run(&d->queue[i]))
			queue_release(&d->queue[i]);
}

/* ---- one queue ---- */

static int refuse(struct device *d, const struct queue *q, int rc, const char *why)
{
	link_log(d->link, LINK_ERROR, "queue %u cannot be served: %s", q->index, why);
	return rc;
}

void queues_log_refusal(struct device *d, const struct queue *q)
{
	(void)refuse(d, q, 0, atomic_load_explicit(&q->refusal, memory_order_relaxed));
}

/*
 * Enabled or not: without an address the driver has never set it up. A virtual machine enables all
 * queues that the device has, of which its guest may use some.
 */
static bool is_set_up(const struct vduse_vq_info *info)
{
	return info->ready && (info->desc_addr || info->driver_addr || info->device_addr);
}

int queues_learn(struct device *d, struct queue *q)
{
	struct vduse_vq_info info;
	struct virtq_conf c;
	const char *why;
	int rc;

	if (q->known || q->failed)
		return 0;
	rc = d->vduse.ops->queue_info(&d->vduse, q->index, &info);
	if (rc < 0)
		return refuse(d, q, rc, err_str(rc));
	if (!is_set_up(&info) && shm_get16(&q->state->desc_num) == 0)
		return 0;
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

int queues_place(struct device *d, const struct queue *q, uint16_t *index)
{
	struct vduse_vq_info info;
	int rc = 0;

	if (!q->failed && !inflight_is_tail(q->state)) {
		link_log(d->link, LINK_WARN, "queue %u has no place: requests wait that were not its last ones",
			 q->index);
		rc = -EBADMSG;
	} else if (q->begun) {
		*index = q->vq.used_idx;
	} else if (q->failed) {
		rc = -EBADMSG;
	} else if (shm_get16(&q->state->desc_num) != 0) { /* not reached since a takeover */
		*index = shm_get16(&q->state->used_idx);
	} else {
		rc = d->vduse.ops->queue_info(&d->vduse, q->index, &info);
		*index = info.split.avail_index; /* where the driver says that it begins */
	}
	return rc;
}

/* ---- all of them ---- */

static int learn_all(struct device *d)
{
	int first = 0;

	for (uint32_t i = 0; i < d->setup.queues; i++) {
		int rc = d->vduse.ops->set_kick_fd(&d->vduse, i, d->queue[i].kick_fd);

		crash_point(K14_KICK_FD);
		if (rc < 0)
			(void)refuse(d, &d->queue[i], rc, err_str(rc));
		else
			rc = queues_learn(d, &d->queue[i]);
		if (first == 0)
			first = rc;
	}
	return first;
}

/* Let the threads of all queues that are known do it, and wait. */
static int make_ready(struct device *d)
{
	int first = 0;

	for (uint32_t i = 0; i < d->setup.queues; i++)
		if (queues_can_run(&d->queue[i]))
			queue_ask(&d->queue[i], QUEUE_DO_READY);
	if (queues_hold(d, DEVICE_DRAIN_MS) < 0) {
		link_log(d->link, LINK_ERROR, "its rings cannot be reached within %d s", DEVICE_DRAIN_MS / 1000);
		return -ETIMEDOUT;
	}
	for (uint32_t i = 0; i < d->setup.queues; i++) {
		const struct queue *q = &d->queue[i];

		if (!q->known || q->ready == 0)
			continue;
		if (!q->failed)
			queues_log_refusal(d, q);
		if (!q->failed && iova_passes(q->ready))
			continue; /* a shortage of ours: its thread waits for the end of that */
		if (first == 0)
			first = q->ready;
	}
	return first;
}

int queues_start(struct device *d)
{
	int learnt = learn_all(d);
	int rc = make_ready(d);

	return rc == -ETIMEDOUT || learnt == 0 ? rc : learnt;
}

/* The first queue's thread unmaps for all. */
static void forget_memory(struct device *d, uint64_t start, uint64_t last)
{
	if (iova_drop(&d->map, start, last))
		queue_ask(&d->queue[0], QUEUE_DO_SWEEP);
}

void queues_off(struct device *d)
{
	for (uint32_t i = 0; i < d->setup.queues; i++) {
		struct queue *q = &d->queue[i];

		q->known = q->begun = q->mapped = false;
		q->ready = 0;
		atomic_store_explicit(&q->waits, 0, memory_order_relaxed);
		atomic_store_explicit(&q->misses, 0, memory_order_relaxed);
		/* the pages of zeros are forgotten with the rest, see below */
		q->faults = sigbus_count();
		atomic_store_explicit(&q->failed, false, memory_order_relaxed);
		atomic_store_explicit(&q->halted, 0, memory_order_relaxed);
		(void)atomic_fetch_and_explicit(&q->notes, ~QUEUE_N_OF_RING, memory_order_relaxed);
		inflight_clear(q->state);
		q->state->failed = 0;
	}
	d->irqs_owed = 0;
	forget_memory(d, 0, UINT64_MAX);
}

void queues_remap(struct device *d, uint64_t start, uint64_t last, bool changed)
{
	forget_memory(d, start, last);
	for (uint32_t i = 0; i < d->setup.queues; i++) {
		struct queue *q = &d->queue[i];

		q->mapped = false;
		if (changed)
			atomic_store_explicit(&q->misses, 0, memory_order_relaxed);
		if (changed || queue_wants_room(q))
			queue_try_again(q);
	}
}

void queues_interrupt_all(struct device *d)
{
	for (uint32_t i = 0; i < d->setup.queues; i++)
		if (queues_can_run(&d->queue[i]) && d->vduse.ops->inject_irq(&d->vduse, i) < 0)
			d->irqs_owed |= 1U << i;
}
