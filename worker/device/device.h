/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/device.h - the virtio device: its status, its features, its queues. Main thread of
 * vduse-worker; the queue threads see only their struct queue. Messages come from the kernel but
 * say what a driver wants, which on vhost_vdpa may be anything. Source: virtio 1.2, 2.1, 3.1;
 * kernel: Documentation/userspace-api/vduse.rst.
 *
 * Life of a queue as the main thread sees it:
 *   off     not known; its thread is held. A kick makes us look whether the driver has enabled it
 *           meanwhile.
 *   known   VQ_GET_INFO was taken once and passed its checks
 *   running known and its thread released. The thread sees to the rest before it serves
 *           (queue_ready.c), at DRIVER_OK and when a worker takes over while it is still held:
 *             mapped  its rings are translated; lost again by UPDATE_IOTLB
 *             begun   positions and in-flight log are set, once
 *   failed  malformed; stays so until the driver resets the device
 *   halted  running, but a request waits for the disk to be repaired (queue.h)
 *   waiting running, but a request waits for memory of its driver (queue.h, memory_wait.h)
 *
 * The main thread never touches the driver's memory, nor maps or unmaps it, and waits for threads
 * that do for a bounded time only. So it answers vdused and the kernel whatever the memory is made
 * of. What threads did not let it do in time is owed (deferred.h), and all queues stop until it is
 * done.
 */
#ifndef WORKER_DEVICE_DEVICE_H
#define WORKER_DEVICE_DEVICE_H

#include "proto/worker_msg.h"
#include "worker/device/queue.h"

/* for requests in execution to end: while we wait, others may wait behind the kernel */
#define DEVICE_DRAIN_MS 2000
#define DEVICE_LATE_MS 500 /* the same when it was too short the last time */
/*
 * For a message that nobody else waits behind: less than the kernel's 30 s, after which the device
 * is lost for good, by so much that a worker which hangs meanwhile is replaced before that. It is
 * counted from when the message may have come, as the kernel does, which is not when it is read: a
 * turn of the main loop can take DEVICE_DRAIN_MS, and get no processor time.
 */
#define DEVICE_PATIENCE_MS 22000

struct link;

struct device {
	struct work_setup setup;
	struct link *link;
	struct vduse vduse;
	struct backend backend;
	struct blk_dev blk;
	struct iova_map map;
	struct state_file *state; /* in the state file */
	int notify_fd; /* queue threads have notes */
	int no_more; /* negative errno: why not all queues can have more than one request at once */
	const char *lacks; /* what there is not enough of then */
	int refused; /* the same, where they should have it; else 0 */
	struct queue *queue; /* setup.queues of them */
	/* driver */
	uint8_t status; /* VIRTIO_CONFIG_S_*, what we accepted */
	uint64_t features; /* negotiated, 0 before FEATURES_OK */
	uint64_t offered; /* by the kernel, since the device was made */
	bool reset_owed; /* a reset could not be finished in time; deferred.h */
	bool remap_owed; /* memory that could not be forgotten in time: */
	uint64_t remap_start, remap_last;
	bool memory_changed; /* ... and not only for the map to have room */
	struct vduse_dev_request asked; /* a message that waits until queues are held; waiting.h */
	/* now_ms(): when it came and when it is answered with FAILED; 0 = there is none */
	long long asked_since, asked_until;
	int patience_ms; /* for the next one */
	/* now_ms() since when a message that is read now may be there; 0 = it came just now */
	long long unread_since;
	bool late; /* queues were not held in time, and not since then */
	bool broken; /* the kernel gave the device up */
	bool said_flush_failed; /* see struct backend; logged once */
	/*
	 * WORK_F_HOST: a queue is lost, no reset has healed it: whoever waits for its requests
	 * waits for ever
	 */
	bool hopeless;
	uint32_t irqs_owed; /* bit per queue: an interrupt that the kernel refused */
	/* bit per queue: the driver may have enabled it while something else was owed */
	uint32_t kicks_owed;
	uint32_t halts_owed; /* bit per queue: vdused does not know yet that it halted */
	/* now_ms() at which queues that wait for memory try again, 0 = not known yet */
	long long retry_at;
	bool resumed_owed; /* vdused does not know yet that its WORK_RESUME was done */
	/* the driver does not know yet that the disk has grown: tries left to tell it */
	uint32_t config_owed;
};

/*
 * Read one message and answer it, now or, where it waits for queues to be held, in device_notes().
 * 0, -EAGAIN (none), or another negative errno (logged, go on unless d->broken).
 */
int device_message(struct device *d);

/*
 * Look after the queues' notes, and the message that waits. Returns after how many ms it wants to
 * be called again, -1 = when there are new notes.
 */
int device_notes(struct device *d);

/*
 * Between device.c and waiting.c: answer the kernel; result is 0 or a negative errno. 0, or a
 * negative errno: -ENOENT, nobody waits for it any more, is not logged.
 */
int device_answer(struct device *d, const struct vduse_dev_request *req, struct vduse_dev_response *resp, int result);

/* Let everything in execution end and stop. 0 or -ETIMEDOUT. */
int device_quiesce(struct device *d);

/*
 * Between device.c, deferred.c and takeover.c: accept a status and features, here and in the state
 * file.
 */
void device_set_state(struct device *d, uint8_t status, uint64_t features);

/*
 * Between device.c and takeover.c: the kernel's rings are gone though no message said so, since its
 * sender was killed. It is known by the kernel's features, which are then 0; not by queues that are
 * not ready, since a driver may disable any of them.
 */
void device_lost_reset(struct device *d);

#endif
