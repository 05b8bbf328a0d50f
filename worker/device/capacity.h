/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/capacity.h - the size of the disk: it can grow while a driver uses it. Main thread
 * of vduse-worker; queue threads read blk.capacity at any time. Trusts vdused, which has grown the
 * backing file and the limit on it before.
 */
#ifndef WORKER_DEVICE_CAPACITY_H
#define WORKER_DEVICE_CAPACITY_H

#include "worker/device/device.h"

/*
 * WORK_RESIZE. 0, or a negative errno and nothing has changed (-EINVAL: smaller than now, or not
 * whole blocks).
 */
int capacity_grow(struct device *d, uint64_t bytes);

/*
 * A worker of a later generation takes over: when the one before may have died before the driver
 * was told of a new size, tell it. What the state file says may be anybody's word and is only
 * compared.
 */
void capacity_take_over(struct device *d);

/* Again, where the driver was not ready to be told. True: call again soon. */
bool capacity_retry(struct device *d);

#endif
