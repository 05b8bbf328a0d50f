/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/takeover.c - the beginning of a worker's service (device.h): allocate, attach, and
 * either begin a device's life or go on where an earlier worker stopped. Main thread of
 * vduse-worker. The state file of an earlier worker is hostile: it may have been taken over.
 *
 * Going on: check the state file; finish the reset that it says is owed, and then nothing is in
 * flight; set kick fds; take the rings' addresses, find what was in flight; answer the messages
 * that wait (a reset among them discards it all); let the queues run, which first execute again
 * what was in flight, in its old order; raise every interrupt once. What cannot be believed fails
 * the queue until the driver resets the device: never replay in doubt.
 *
 * Fail mode executes nothing, and needs no word of an earlier worker. It takes counters, features
 * offered, the size announced, and what was in flight where that fits the rings.
 */
#include "worker/device/takeover.h"

#include <errno.h>
#include <linux/virtio_config.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "common/blkconf.h"
#include "common/err.h"
#include "common/fd.h"
#include "worker/channel/link.h"
#include "worker/crash.h"
#include "worker/device/capacity.h"
#include "worker/device/deferred.h"
#include "worker/device/device.h"
#include "worker/device/engines.h"
#include "worker/device/queues.h"
#include "worker/jail/syscalls.h"
#include "worker/ring/shm.h"
#include "worker/ring/sigbus.h"
#include "worker/ring/virtq_split.h"

#define START_MS 5000
#define PENDING_MAX 64 /* messages answered before the queues run; more can only be malice */
#define STATUS_RUNNING                                                                                                 \
	(VIRTIO_CONFIG_S_ACKNOWLEDGE | VIRTIO_CONFIG_S_DRIVER | VIRTIO_CONFIG_S_FEATURES_OK | VIRTIO_CONFIG_S_DRIVER_OK)

/* ---- before the jail closes ---- */

static int get_region(void *ctx, struct vduse_iotlb_entry *e)
{
	struct vduse *v = ctx;

	return v->ops->region(v, e);
}

static int prepare_queue(struct device *d, uint32_t index)
{
	struct queue *q = &d->queue[index];
	int rc;

	q->index = index;
	q->notify_fd = d->notify_fd;
	q->vduse = &d->vduse;
	q->blk = &d->blk;
	q->fail_mode = (d->setup.flags & WORK_F_FAIL) != 0;
	q->stops = (d->setup.flags & WORK_F_STOP) && !(d->setup.flags & WORK_F_FAIL);
	q->faults = sigbus_count();
	q->mem.map = &d->map;
	q->vq.ops = &virtq_split;
	q->vq.mem = &q->mem;
	rc = engines_prepare(d, &q->engine);
	return rc < 0 ? rc : queue_create(q);
}

int device_prepare(struct device *d)
{
	struct iova_source src = { .get = get_region, .ctx = &d->vduse };
	int rc = iova_init(&d->map, &src);

	if (rc == 0)
		rc = -pthread_mutex_init(&d->backend.flushing, NULL);
	if (rc < 0)
		return rc;
	d->blk.capacity = d->setup.capacity;
	d->blk.seg_max = blk_seg_max(d->setup.queue_size);
	d->blk.read_only = (d->setup.flags & WORK_F_READ_ONLY) != 0;
	d->backend.direct = (d->setup.flags & WORK_F_DIRECT) != 0;
	d->backend.is_block = (d->setup.flags & WORK_F_BLOCK_DEV) != 0;
	memcpy(d->blk.serial, d->setup.serial, sizeof(d->blk.serial));
	d->notify_fd = eventfd(0, EFD_CLOEXEC);
	if (d->notify_fd < 0)
		return -errno;
	d->queue = calloc(d->setup.queues, sizeof(*d->queue));
	if (!d->queue)
		return -ENOMEM;
	for (uint32_t i = 0; i < d->setup.queues && rc == 0; i++)
		rc = prepare_queue(d, i);
	if (rc == 0)
		engines_add_threads(d);
	return rc < 0 ? rc : queues_hold(d, START_MS);
}

/* ---- the state file ---- */

/* All but the queues. */
static void state_begin_head(struct device *d)
{
	struct state_file *s = d->state;

	s->version = STATE_VERSION;
	s->size = sizeof(*s);
	msg_set_string(s->name, sizeof(s->name), d->setup.name);
	s->queues = d->setup.queues;
	s->reserved = 0;
	shm_put64(&s->offered, d->offered);
	device_set_state(d, 0, 0);
	shm_put32_release(&s->reset_owed, 0);
	__atomic_store_n(&s->magic, STATE_MAGIC, __ATOMIC_RELEASE);
}

static void state_begin_queue(struct state_queue *q, bool keep_log)
{
	if (!keep_log)
		inflight_clear(q);
	q->failed = 0;
}

/* The counters stay: they count since the device was created. */
static void state_begin(struct device *d)
{
	for (uint32_t i = 0; i < d->setup.queues; i++)
		state_begin_queue(&d->state->queue[i], false);
	state_begin_head(d);
}

/*
 * What the kernel offers was decided when the device was made. vdused computes it anew for each
 * worker, and another version of it may come to something else. The file's word can do no harm:
 * what it may add are features that we can serve.
 */
static void load_offered(struct device *d, bool believed)
{
	uint64_t f = believed ? shm_get64(&d->state->offered) & blk_features_known() : 0;
	uint64_t needed = blk_features_needed();

	d->offered = (f & needed) == needed ? f : d->setup.features;
}

/* Whoever wrote it: NULL, or why it is not a file of this device. */
static const char *state_check_file(const struct device *d)
{
	const struct state_file *s = d->state;
	char name[VD_NAME_SIZE];

	shm_copy_in(name, s->name, sizeof(name));
	if (s->magic != STATE_MAGIC || s->version != STATE_VERSION || s->size != sizeof(*s))
		return "of another version";
	if (memcmp(name, d->setup.name, sizeof(name)) != 0 || s->queues != d->setup.queues || s->reserved != 0)
		return "of another device";
	return NULL;
}

/*
 * The same for the driver's part: NULL, or what cannot be right. *status and *features are checked
 * copies.
 */
static const char *state_check_driver(struct device *d, uint8_t *status, uint64_t *features)
{
	uint32_t st = shm_get32(&d->state->driver_status);
	uint64_t f = shm_get64(&d->state->features), now;

	if (st > 0xff || ((st & VIRTIO_CONFIG_S_DRIVER_OK) && !(st & VIRTIO_CONFIG_S_FEATURES_OK)))
		return "with a status that no device has";
	if (!(st & VIRTIO_CONFIG_S_FEATURES_OK))
		f = 0; /* its writer died on the way up or down, see device_set_state() */
	else if (f == 0)
		return "with features that do not fit its status";
	if (f != 0 && (d->vduse.ops->features(&d->vduse, &now) < 0 || f != now))
		return "with features that the kernel does not confirm";
	if ((f & ~blk_features_known()) != 0)
		return "with features that this worker does not know";
	*status = (uint8_t)st;
	*features = f;
	return NULL;
}

static bool is_enabled(struct device *d, uint32_t queue)
{
	struct vduse_vq_info info;

	return d->vduse.ops->queue_info(&d->vduse, queue, &info) == 0 && info.ready;
}

static bool any_enabled(struct device *d)
{
	for (uint32_t i = 0; i < d->setup.queues; i++)
		if (is_enabled(d, i))
			return true;
	return false;
}

/*
 * The state file says nothing that can be believed. Where the driver has rings, their queues fail
 * until it resets the device.
 */
static void distrust(struct device *d, const char *why)
{
	link_log(d->link, LINK_ERROR, "the state file is one %s: nothing is taken from it", why);
	state_begin(d);
	if (!any_enabled(d))
		return;
	for (uint32_t i = 0; i < d->setup.queues; i++)
		queue_fail(&d->queue[i], "its state was lost");
}

/*
 * Fail mode: where the driver has rings, it may wait for what is in them. Logs of a file that is of
 * this device are left to the queues, which look at them (queue_ready.c). Before the messages that
 * wait are answered: when a reset is among them, the kernel clears its rings only after our answer.
 */
static void load_rings(struct device *d)
{
	bool logs = state_check_file(d) == NULL && shm_get32(&d->state->reset_owed) == 0;
	uint64_t features;

	for (uint32_t i = 0; i < d->setup.queues; i++)
		state_begin_queue(&d->state->queue[i], logs && is_enabled(d, i));
	state_begin_head(d);
	if (any_enabled(d) && d->vduse.ops->features(&d->vduse, &features) == 0)
		device_set_state(d, STATUS_RUNNING, features);
}

/*
 * The reset that an earlier worker owed. What the driver's part of the file says is of before it,
 * and the kernel's features and rings may be another driver's by now, so nothing is checked or
 * taken over. All queues are held since they were made.
 */
static void finish_reset(struct device *d)
{
	link_log(d->link, LINK_NOTE, "an earlier worker did not finish a reset: it is done now");
	deferred_reset(d);
	(void)deferred_settle(d, DEVICE_DRAIN_MS);
}

/*
 * The file knows a driver, and the kernel has none any more: needed features are missing only after
 * a reset.
 */
static bool reset_was_lost(struct device *d)
{
	uint64_t features;

	return (shm_get32(&d->state->driver_status) & VIRTIO_CONFIG_S_FEATURES_OK) &&
	       d->vduse.ops->features(&d->vduse, &features) == 0 && features == 0;
}

static void load_state(struct device *d)
{
	uint8_t status;
	uint64_t features;
	const char *why;

	if (d->state->magic == 0) { /* the one before us died before it began */
		state_begin(d);
		return;
	}
	why = state_check_file(d);
	if (!why && shm_get32(&d->state->reset_owed) != 0) {
		finish_reset(d);
		return;
	}
	if (!why && reset_was_lost(d)) {
		device_lost_reset(d);
		return;
	}
	if (!why)
		why = state_check_driver(d, &status, &features);
	if (why) {
		distrust(d, why);
		return;
	}
	d->offered |= features; /* what an earlier worker accepted */
	shm_put64(&d->state->offered, d->offered);
	device_set_state(d, status, features);
	for (uint32_t i = 0; i < d->setup.queues; i++)
		if (d->queue[i].state->failed)
			queue_fail(&d->queue[i], "an earlier worker found so");
}

/* ---- taking over ---- */

static void take_over(struct device *d)
{
	int rc = 0;

	load_offered(d, state_check_file(d) == NULL);
	if (d->setup.flags & WORK_F_FAIL)
		load_rings(d);
	else
		load_state(d);
	crash_point(K13_STATE_CHECKED);
	if (d->status & VIRTIO_CONFIG_S_DRIVER_OK) {
		(void)queues_start(d); /* a queue that cannot be served is logged, the others run */
	}
	for (int i = 0; i < PENDING_MAX && rc == 0; i++)
		rc = device_message(d);
	crash_point(K17_MESSAGES_ANSWERED);
	queues_release(d);
	crash_point(K20_INTERRUPTS);
	queues_interrupt_all(d);
}

int device_take_over(struct device *d)
{
	/* nobody knows for how long what comes now has waited already */
	d->patience_ms = DEVICE_DRAIN_MS;
	for (uint32_t i = 0; i < d->setup.queues; i++)
		d->queue[i].state = &d->state->queue[i];
	d->backend.flush_failed = d->backend.direct ? NULL : &d->state->flush_failed;
	if (d->setup.generation == 1) {
		d->offered = d->setup.features;
		state_begin(d);
		d->state->capacity = d->setup.capacity;
	} else {
		take_over(d);
		capacity_take_over(d);
	}
	d->state->generation = d->setup.generation;
	engines_say(d);
	d->patience_ms = DEVICE_PATIENCE_MS;
	return d->broken ? -EPERM : 0;
}

static uint32_t mask_of(uint32_t align)
{
	return (align ? align : WORK_ALIGN_MAX) - 1; /* 0: an earlier vdused does not say */
}

void device_set_align(struct device *d, const struct work_device *m)
{
	d->backend.mem_mask = mask_of(m->mem_align);
	d->backend.len_mask = mask_of(m->len_align);
}

int device_attach(struct device *d, const struct work_device *m, const struct vduse_ops *ops)
{
	int state_fd = FD_TRANSIENT;
	uint64_t features;
	void *p = mmap(NULL, sizeof(*d->state), PROT_READ | PROT_WRITE, MAP_SHARED, state_fd, 0);
	int rc = p == MAP_FAILED ? -errno : 0;

	fd_close(&state_fd);
	if (rc < 0)
		return rc;
	d->state = p;
	sigbus_set_state(p, sizeof(*d->state));
	d->vduse = (struct vduse){ .ops = ops, .fd = FD_DEVICE };
	d->backend.fd = FD_BACKEND;
	device_set_align(d, m);
	engines_choose(d, (m->flags & WORK_D_AIO) != 0);
	rc = ops->set_nonblocking(&d->vduse);
	if (rc == 0)
		rc = ops->features(&d->vduse, &features);
	return rc < 0 ? rc : device_take_over(d);
}
