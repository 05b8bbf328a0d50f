/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/queues.h - all queues of a device: hold, start, map again, release. Main thread of
 * vduse-worker; part of the device (device.h), which says what the states are.
 */
#ifndef WORKER_DEVICE_QUEUES_H
#define WORKER_DEVICE_QUEUES_H

#include "worker/device/device.h"

/*
 * Wait until every queue is held, at most ms (0: begin, and look once); vdused's pings are answered
 * meanwhile. 0 or -ETIMEDOUT, and then some are held and some not: either hold again or release.
 */
int queues_hold(struct device *d, int ms);

/* Release every queue that can run, unless something is owed (deferred.h). */
void queues_release(struct device *d);

/*
 * Take what the driver set up for a held queue, once. 0 (also when the driver has not enabled it),
 * or a negative errno: it cannot be served; logged. One that an earlier worker served counts as
 * enabled: nobody tells us when a driver disables a queue, so that worker would have gone on, and
 * its rings are where they were, as only a reset lets them move.
 */
int queues_learn(struct device *d, struct queue *q);

/*
 * All held: for every queue tell the kernel where to kick and learn; then let the threads make
 * themselves ready, at most DEVICE_DRAIN_MS. 0, the first error (logged; the others are ready), or
 * -ETIMEDOUT: not all are held any more.
 */
int queues_start(struct device *d);

/*
 * All held: forget every ring and what was noted about it, clear their logs and forget all memory;
 * a thread unmaps it.
 */
void queues_off(struct device *d);

/*
 * All held: forget memory that overlaps the range. The threads map again what they need when they
 * are released, and those that waited try again: for memory if the driver's has changed, for room
 * in any case.
 */
void queues_remap(struct device *d, uint64_t start, uint64_t last, bool changed);

/*
 * All held: where is it, as GET_VQ_STATE wants it: everything before *index is completed. 0, or a
 * negative errno: nobody knows, as its log cannot be believed, or there is none, as a request waits
 * (queue.h) that others ended before.
 */
int queues_place(struct device *d, const struct queue *q, uint16_t *index);

/* Raise an interrupt on every queue that can run: those of an earlier worker may have been lost. */
void queues_interrupt_all(struct device *d);

/*
 * Is it known and not failed: will it, when it is released, be served as soon as its rings are
 * ready?
 */
bool queues_can_run(const struct queue *q);

/* Log q->refusal. */
void queues_log_refusal(struct device *d, const struct queue *q);

#endif
