/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/deferred.h - what the kernel asked for and queues that are not held yet prevent: a
 * reset, and memory that is not to be used any more. Part of the device (device.h), main thread of
 * vduse-worker.
 *
 * What the kernel does with FAILED, and how long it may wait:
 *   - UPDATE_IOTLB (the mappings are the new ones already): it removes *every* mapping, tells most
 *     drivers nothing, and gives them back with the next change of the driver's memory. No lock of
 *     the host's is held meanwhile; where memory is mapped outside of a batch, that of the sender's
 *     address space is, for reading (mmap_lock): the VMM's own threads, and who looks into its
 *     memory (ps does), may wait with it. So the message waits unanswered (d->asked), the main loop
 *     goes on, and FAILED comes only after DEVICE_PATIENCE_MS. Then we forget all memory, too, and
 *     queues are served again after the next UPDATE_IOTLB.
 *   - GET_VQ_STATE: the driver does not learn where a queue is. Waits in the same way.
 *   - SET_STATUS: it is sent under a lock behind which others wait, so it is answered within
 *     DEVICE_DRAIN_MS. A reset clears the kernel's rings whatever we answer, and after FAILED the
 *     kernel refuses ring sizes (VHOST_SET_VRING_NUM is EINVAL) until another reset is answered
 *     with OK. That is what is wanted: OK would tell a driver that its memory is not written any
 *     more, and a read that ends late would land in whatever has started there since.
 *
 * Rules:
 *   - What was asked for and is answered with FAILED is not dropped but owed.
 *   - While something is owed, or a message waits, no queue is released: those that are held
 *     already stay so, and the rest stop after the request that they execute. Nothing but that
 *     request, which is too late to stop, uses what the kernel took away.
 *   - It is done as soon as all queues are held: the last thread that stops wakes the main loop,
 *     which then does it without waiting. A message that comes sooner does it before it is
 *     answered.
 *   - A reset ends whatever else is owed, as it forgets all memory.
 *   - A reset is in the state file from before anything of it is done or answered until all of it
 *     is done (proto/state_file.h): the next worker does the whole of it. Memory need not be: the
 *     next worker has none mapped.
 */
#ifndef WORKER_DEVICE_DEFERRED_H
#define WORKER_DEVICE_DEFERRED_H

#include "worker/device/device.h"

/* From now on a reset is owed. Never taken back. */
void deferred_reset(struct device *d);

/*
 * From now on memory in [start, last] is to be forgotten. With what is owed already, all in between
 * may be, too. deferred_update: as the driver has other memory there now.
 */
void deferred_update(struct device *d, uint64_t start, uint64_t last);
void deferred_remap(struct device *d, uint64_t start, uint64_t last);

/* Something is owed, or a message waits: no queue may be released. */
bool deferred_any(const struct device *d);

/*
 * Do what is owed; wait for the queues at most ms. 0 (also when nothing is), or -ETIMEDOUT (logged
 * unless ms is 0).
 */
int deferred_settle(struct device *d, int ms);

#endif
