/*
 * worker/device/deferred.h - what the kernel asked for and queues that were not held in time have prevented: a reset, and memory that
 * is not to be used any more. Part of the device (device.h), main thread of vduse-worker.
 *
 * Rules:
 *   - The kernel is answered all the same, with FAILED. It may not care: its rings are cleared and its mappings changed
 *     whatever we answer. So what it asked for is not dropped but owed.
 *   - While something is owed no queue is released: those that are held already stay so, and the rest stop after the request
 *     that they execute. Nothing but that request, which is too late to stop, uses what the kernel took away.
 *   - It is done as soon as all queues are held: the last thread that stops wakes the main loop, which then does it without
 *     waiting. A message that comes sooner does it before it is answered.
 *   - A reset ends whatever else is owed, as it forgets all memory.
 *   - A reset is in the state file from before anything of it is done or answered until all of it is done (proto/state_file.h): the
 *     next worker does the whole of it. Memory need not be: the next worker has none mapped.
 */
#ifndef WORKER_DEVICE_DEFERRED_H
#define WORKER_DEVICE_DEFERRED_H

#include "worker/device/device.h"

/* From now on a reset is owed. Never taken back. */
void owed_reset(struct device *d);

/* From now on memory in [start, last] is to be forgotten. With what is owed already, all in between may be, too. */
void owed_remap(struct device *d, uint64_t start, uint64_t last);

/* No queue may be released. */
bool owed_any(const struct device *d);

/* Do what is owed; wait for the queues at most ms. 0 (also when nothing is), or -ETIMEDOUT (logged unless ms is 0). */
int owed_settle(struct device *d, int ms);

#endif
