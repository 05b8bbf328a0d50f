/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/memory_wait.h - queues that wait for memory of their driver (queue.h): when they
 * try again, and room in the map. Main thread of vduse-worker. A queue tries again
 *   - when memory was changed (UPDATE_IOTLB);
 *   - every MEMORY_RETRY_MS, since the driver need not kick again;
 *   - when the map was full: as soon as all queues were held and all regions forgotten, as if
 *     UPDATE_IOTLB had said so; at once, but where it was full again for the same request, only
 *     after MEMORY_RETRY_MS. So nothing that a request or a ring uses is ever unmapped, and looking
 *     up a region takes no lock.
 */
#ifndef WORKER_DEVICE_MEMORY_WAIT_H
#define WORKER_DEVICE_MEMORY_WAIT_H

#include "worker/device/device.h"

#define MEMORY_RETRY_MS 50

/* QUEUE_N_WAITS: logged, once per request. */
void memory_noted(struct device *d, const struct queue *q);

/* QUEUE_N_FULL: from now on it is owed that all memory is forgotten (deferred.h). */
void memory_full(struct device *d);

/*
 * Once per round of the main loop. Returns after how many ms to be called again, -1 = no queue
 * waits.
 */
int memory_tend(struct device *d);

#endif
