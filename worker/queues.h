/*
 * worker/queues.h - all queues of a device: hold, start, map again, release. Main thread of vduse-worker; part of
 * the device (device.h), which says what the states are.
 */
#ifndef WORKER_QUEUES_H
#define WORKER_QUEUES_H

#include "worker/device.h"

/*
 * Wait until every queue is held, at most ms; vdused's pings are answered meanwhile. 0 or -ETIMEDOUT, and then some are
 * held and some not: either hold again or release.
 */
int queues_hold(struct device *d, int ms);

/* Release every queue that can run. */
void queues_release(struct device *d);

/*
 * Bring a held queue as far as it goes: known, mapped, begun. 0 (also when the driver has not enabled it, or it failed
 * before), or a negative errno: it cannot be served; logged.
 */
int queues_examine(struct device *d, struct queue *q);

/* For every queue: tell the kernel where to kick, then examine. 0, or the first error. */
int queues_start(struct device *d);

/* All held: forget every ring, clear their logs and unmap everything. */
void queues_off(struct device *d);

/* All held: forget mappings that overlap the range, and map again what rings need. */
void queues_remap(struct device *d, uint64_t start, uint64_t last);

/* Raise an interrupt on every queue that runs: those of an earlier worker may have been lost. */
void queues_interrupt_all(struct device *d);

/* Is it (or will it be when released) served? */
bool queues_can_run(const struct queue *q);

#endif
