/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/waiting.c - see waiting.h. Main thread of vduse-worker.
 */
#include "worker/device/waiting.h"

#include <errno.h>

#include "common/fd.h"
#include "worker/channel/link.h"
#include "worker/device/deferred.h"
#include "worker/device/queues.h"

bool waiting_may(const struct vduse_dev_request *req)
{
	return req->type == VDUSE_UPDATE_IOTLB || req->type == VDUSE_GET_VQ_STATE;
}

/* Everything before the index we answer is completed. */
static int get_queue_state(struct device *d, uint32_t index, struct vduse_dev_response *resp)
{
	int rc;

	if (index >= d->setup.queues)
		return -EINVAL;
	rc = deferred_settle(d, 0);
	if (rc == 0)
		rc = queues_hold(d, 0);
	if (rc == 0)
		rc = queues_place(d, &d->queue[index], &resp->vq_state.split.avail_index);
	resp->vq_state.index = index;
	return rc;
}

static int update_iotlb(struct device *d, uint64_t start, uint64_t last)
{
	if (start > last)
		return -EINVAL;
	deferred_update(d, start, last);
	return deferred_settle(d, 0);
}

/* 0, -ETIMEDOUT (the queues are not held yet), or another negative errno. */
static int do_asked(struct device *d, struct vduse_dev_response *resp)
{
	const struct vduse_dev_request *req = &d->asked;

	return req->type == VDUSE_UPDATE_IOTLB ? update_iotlb(d, req->iova.start, req->iova.last)
					       : get_queue_state(d, req->vq_state.index, resp);
}

static void say_how_it_ended(struct device *d, int rc)
{
	long long s = (now_ms() - d->asked_since) / 1000;

	if (rc == -ETIMEDOUT && d->asked.type == VDUSE_UPDATE_IOTLB)
		link_log(d->link, LINK_ERROR,
			 "memory update: I/O has not ended after %lld s: the kernel takes all memory away from the "
			 "driver, and nothing is served before it changes its memory again",
			 s);
	else if (rc == -ETIMEDOUT)
		link_log(d->link, LINK_ERROR, "place in a queue: I/O has not ended after %lld s", s);
	else if (s >= DEVICE_DRAIN_MS / 1000)
		link_log(d->link, LINK_NOTE, "a message of the kernel waited %lld s for I/O to end", s);
}

/* in_time: it may wait longer. */
static int try_now(struct device *d, bool in_time)
{
	struct vduse_dev_response resp = { 0 };
	int rc = do_asked(d, &resp);

	if (rc == -ETIMEDOUT && in_time && now_ms() < d->asked_until)
		return 0;
	say_how_it_ended(d, rc);
	if (rc < 0 && d->asked.type == VDUSE_UPDATE_IOTLB) { /* the kernel does the same */
		deferred_update(d, 0, UINT64_MAX);
		(void)deferred_settle(d, 0);
	}
	d->asked_until = 0;
	return device_answer(d, &d->asked, &resp, rc);
}

/*
 * Where we stood still ourselves (in a frozen cgroup, say), nobody knows when the message came. The
 * queues then get the time that those that are idle need: it may have come just now.
 */
static long long patient_until(const struct device *d)
{
	long long end = d->asked_since + d->patience_ms;
	long long least = now_ms() + (d->patience_ms < DEVICE_DRAIN_MS ? d->patience_ms : DEVICE_DRAIN_MS);

	return end > least ? end : least;
}

int waiting_begin(struct device *d, const struct vduse_dev_request *req)
{
	/* who sent the one before was killed, see waiting.h */
	if (d->asked_until)
		(void)try_now(d, false);
	d->asked = *req;
	d->asked_since = d->unread_since ? d->unread_since : now_ms();
	d->asked_until = patient_until(d);
	return try_now(d, true);
}

void waiting_retry(struct device *d)
{
	if (d->asked_until)
		(void)try_now(d, true);
}

void waiting_give_up(struct device *d)
{
	if (d->asked_until)
		(void)try_now(d, false);
}

int waiting_ms(const struct device *d)
{
	long long left = d->asked_until - now_ms();

	return d->asked_until == 0 ? -1 : left > 1 ? (int)left : 1;
}
