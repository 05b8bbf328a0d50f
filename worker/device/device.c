/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/device.c - see device.h. Answers the kernel's messages. Main thread of
 * vduse-worker.
 *
 * The status is written to the state file before the answer is given: a worker that dies in between
 * is followed by one that gets the message again (the kernel repeats what is unanswered) and finds
 * nothing left to do. If the answer finds that nobody waits any more (ENOENT), the kernel has not
 * recorded the status, and we go back to the old one. A reset is never taken back: the kernel
 * clears its rings whatever we answer.
 */
#include "worker/device/device.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <poll.h>
#include <string.h>

#include "common/blkconf.h"
#include "common/err.h"
#include "worker/channel/link.h"
#include "worker/crash.h"
#include "worker/device/capacity.h"
#include "worker/device/deferred.h"
#include "worker/device/error_stop.h"
#include "worker/device/memory_wait.h"
#include "worker/device/queue_halt.h"
#include "worker/device/queues.h"
#include "worker/device/waiting.h"
#include "worker/ring/shm.h"

#define IRQ_RETRY_MS 10
#define HALT_RETRY_MS 100

/*
 * Features count only with FEATURES_OK: on the way up they come before it, on the way down they go
 * after it.
 */
void device_set_state(struct device *d, uint8_t status, uint64_t features)
{
	bool up = (status & VIRTIO_CONFIG_S_FEATURES_OK) != 0;

	d->status = status;
	d->features = features;
	d->blk.features = features;
	if (up)
		shm_put64(&d->state->features, features);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	shm_put32(&d->state->driver_status, status);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	if (!up)
		shm_put64(&d->state->features, features);
}

/* ---- SET_STATUS ---- */

/* Everything the driver set up is forgotten. */
static int reset(struct device *d)
{
	deferred_reset(d);
	return deferred_settle(d, DEVICE_DRAIN_MS);
}

/* Features that we offered, with all those that we cannot do without. */
static int check_features(struct device *d, uint64_t *features)
{
	uint64_t needed = blk_features_needed();
	int rc = d->vduse.ops->features(&d->vduse, features);

	if (rc < 0)
		return rc;
	if ((*features & ~d->offered) != 0 || (*features & needed) != needed) {
		link_log(d->link, LINK_WARN,
			 "the driver's features 0x%llx are refused: offered are 0x%llx, needed 0x%llx",
			 (unsigned long long)*features, (unsigned long long)d->offered, (unsigned long long)needed);
		return -EINVAL;
	}
	return 0;
}

/* FEATURES_OK is or was set: what the driver acknowledged must be fit, and stay the same. */
static int accept_features(struct device *d, bool first)
{
	uint64_t features;
	int rc = check_features(d, &features);

	if (rc < 0)
		return rc;
	if (!first && features != d->features) {
		link_log(d->link, LINK_WARN, "the driver changed its features after FEATURES_OK");
		return -EINVAL;
	}
	d->features = d->blk.features = features;
	return 0;
}

static int advance_status(struct device *d, uint8_t status)
{
	uint8_t more = status & (uint8_t)~d->status;
	int rc = 0;

	if (d->status & (uint8_t)~status)
		return -EINVAL; /* only a reset takes bits back */
	if ((more & VIRTIO_CONFIG_S_DRIVER_OK) && !(status & VIRTIO_CONFIG_S_FEATURES_OK))
		return -EINVAL;
	if (more & (VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK))
		rc = accept_features(d, (more & VIRTIO_CONFIG_S_FEATURES_OK) != 0);
	if (rc == 0 && (more & VIRTIO_CONFIG_S_DRIVER_OK)) {
		rc = queues_start(d);
		if (rc == -ETIMEDOUT)
			deferred_reset(d); /* a thread still has to do with the rings */
		else if (rc < 0)
			queues_off(d);
	}
	return rc;
}

static int set_status(struct device *d, uint8_t status)
{
	uint8_t old_status;
	uint64_t old_features;
	int rc;

	if (status == 0)
		return reset(d);
	rc = deferred_settle(d, DEVICE_DRAIN_MS);
	if (rc < 0)
		return rc;
	old_status = d->status;
	old_features = d->features;
	rc = advance_status(d, status);
	if (rc < 0) {
		link_log(d->link, LINK_WARN, "status 0x%02x after 0x%02x is refused: %s", status, old_status,
			 err_str(rc));
		device_set_state(d, old_status, old_features);
		return rc;
	}
	device_set_state(d, status, d->features);
	return 0;
}

/*
 * The answer found nobody: what the message did, as far as it is not a reset, is undone. Queues are
 * not released yet. /
 */
static void take_back_status(struct device *d, uint8_t old_status, uint64_t old_features)
{
	if (d->status == 0 || d->status == old_status)
		return;
	if ((d->status & ~old_status) & VIRTIO_CONFIG_S_DRIVER_OK)
		queues_off(d);
	device_set_state(d, old_status, old_features);
	link_log(d->link, LINK_NOTE, "a status message was abandoned by its sender: back to 0x%02x", old_status);
}

/* ---- messages and answers ---- */

static int handle(struct device *d, const struct vduse_dev_request *req)
{
	if (req->type == VDUSE_SET_STATUS)
		return set_status(d, req->s.status);
	link_log(d->link, LINK_WARN, "a message of unknown type %u from the kernel", req->type);
	return -EOPNOTSUPP;
}

static void note_broken(struct device *d, int rc)
{
	if (rc == -EPERM)
		d->broken = true;
}

int device_answer(struct device *d, const struct vduse_dev_request *req, struct vduse_dev_response *resp, int result)
{
	int rc;

	crash_point(K10_MESSAGE);
	note_broken(d, result);
	resp->request_id = req->request_id;
	resp->result = result == 0 ? VDUSE_REQ_RESULT_OK : VDUSE_REQ_RESULT_FAILED;
	rc = d->vduse.ops->reply(&d->vduse, resp);
	if (rc < 0 && rc != -ENOENT)
		link_log(d->link, LINK_ERROR, "answering the kernel: %s", err_str(rc));
	note_broken(d, rc);
	return rc;
}

/* At once, as others wait behind it. */
static int answer_now(struct device *d, const struct vduse_dev_request *req)
{
	struct vduse_dev_response resp = { 0 };
	uint8_t old_status = d->status;
	uint64_t old_features = d->features;
	bool owed = d->reset_owed;
	int rc = handle(d, req);

	if (owed && !d->reset_owed) { /* the reset of before is done now, and never taken back */
		old_status = 0;
		old_features = 0;
	}
	rc = device_answer(d, req, &resp, rc);
	if (rc == -ENOENT)
		take_back_status(d, old_status, old_features);
	return rc;
}

int device_message(struct device *d)
{
	struct vduse_dev_request req;
	int rc = d->vduse.ops->read(&d->vduse, &req);

	if (rc < 0) {
		if (rc != -EAGAIN)
			link_log(d->link, LINK_ERROR, "reading a message of the kernel: %s", err_str(rc));
		note_broken(d, rc);
		return rc;
	}
	crash_point(K10_MESSAGE);
	if (waiting_may(&req))
		rc = waiting_begin(d, &req);
	else
		rc = answer_now(d, &req);
	/* Only now, so that the kernel takes interrupts of a driver that just became ready. */
	queues_release(d);
	return rc == -ENOENT ? 0 : rc;
}

/* ---- notes of the queue threads ---- */

void device_lost_reset(struct device *d)
{
	link_log(d->link, LINK_NOTE, "the driver was reset without a message");
	(void)reset(d);
}

/*
 * Interrupts that the kernel refused: the driver is not recorded as running yet, or not any more.
 */
static void retry_irqs(struct device *d)
{
	uint64_t features;
	int rc;

	if (d->irqs_owed == 0)
		return;
	rc = d->vduse.ops->features(&d->vduse, &features);
	note_broken(d, rc);
	if (rc < 0)
		return;
	if (features == 0) {
		device_lost_reset(d);
		return;
	}
	for (uint32_t i = 0; i < d->setup.queues; i++)
		if ((d->irqs_owed & (1U << i)) && d->vduse.ops->inject_irq(&d->vduse, i) == 0)
			d->irqs_owed &= ~(1U << i);
}

static void late_kick(struct device *d, struct queue *q)
{
	if (deferred_any(d)) {
		d->kicks_owed |= 1U << q->index;
		return;
	}
	d->kicks_owed &= ~(1U << q->index);
	if (!(d->status & VIRTIO_CONFIG_S_DRIVER_OK) || q->failed || queues_can_run(q) || !queue_is_held(q))
		return;
	(void)queues_learn(d, q);
	if (queues_can_run(q))
		queue_release(q);
}

static void log_error(struct device *d, struct queue *q)
{
	int code = atomic_load_explicit(&q->last_error, memory_order_relaxed);
	const char *bad = atomic_load_explicit(&q->last_bad, memory_order_relaxed);

	link_log(d->link, LINK_WARN, "queue %u: a request failed: %s", q->index, bad ? bad : err_str(code));
	if (d->said_flush_failed || !d->backend.flush_failed || shm_get32(d->backend.flush_failed) == 0)
		return;
	d->said_flush_failed = true;
	link_log(d->link, LINK_ERROR,
		 "queue %u: a flush failed: what was written before it may be lost; every flush fails until the device "
		 "is deleted "
		 "and made again",
		 q->index);
}

static void handle_notes(struct device *d, struct queue *q)
{
	uint32_t notes = queue_take_notes(q);

	if (notes & QUEUE_N_ERROR)
		log_error(d, q);
	if (notes & QUEUE_N_FAILED)
		link_log(d->link, LINK_ERROR,
			 "queue %u is malformed and not served until the driver resets the device: %s", q->index,
			 atomic_load_explicit(&q->failure, memory_order_relaxed));
	if ((notes & QUEUE_N_FAILED) && q->failed && (d->setup.flags & WORK_F_HOST) && !(d->setup.flags & WORK_F_FAIL))
		d->hopeless = true;
	if (notes & QUEUE_N_HALTED)
		error_stop_noted(d, q->index);
	if (notes & QUEUE_N_REFUSED)
		queues_log_refusal(d, q);
	if (notes & QUEUE_N_WAITS)
		memory_noted(d, q);
	if ((notes & QUEUE_N_FULL) && queue_waits(q))
		memory_full(d);
	if (notes & QUEUE_N_NO_IRQ)
		d->irqs_owed |= 1U << q->index;
	if ((notes & QUEUE_N_KICKED) || (d->kicks_owed & (1U << q->index)))
		late_kick(d, q);
}

/* What could not be done because queues were not held. */
static void catch_up(struct device *d)
{
	bool late = d->late;

	if (!deferred_any(d))
		return;
	waiting_retry(d);
	if ((d->reset_owed || d->remap_owed) && deferred_settle(d, 0) == 0 && late)
		link_log(d->link, LINK_NOTE, "I/O has ended: what the kernel asked for meanwhile is done");
	queues_release(d);
}

static int sooner(int a, int b)
{
	return a < 0 || (b >= 0 && b < a) ? b : a;
}

int device_notes(struct device *d)
{
	int ms;

	catch_up(d);
	for (uint32_t i = 0; i < d->setup.queues; i++)
		handle_notes(d, &d->queue[i]);
	if ((d->status & VIRTIO_CONFIG_S_DRIVER_OK) && !d->reset_owed)
		retry_irqs(d);
	else
		d->irqs_owed = 0;
	ms = memory_tend(d);
	catch_up(d); /* the map may be full */
	if (error_stop_tell(d))
		ms = sooner(ms, HALT_RETRY_MS);
	if (capacity_retry(d) || d->irqs_owed)
		ms = sooner(ms, IRQ_RETRY_MS);
	return sooner(ms, waiting_ms(d));
}

int device_quiesce(struct device *d)
{
	return queues_hold(d, DEVICE_DRAIN_MS);
}
