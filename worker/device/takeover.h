/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/takeover.h - where a worker begins: afresh, or where the one before it ended. Main
 * thread of vduse-worker.
 */
#ifndef WORKER_DEVICE_TAKEOVER_H
#define WORKER_DEVICE_TAKEOVER_H

#include "worker/device/device.h"

/*
 * Before the jail closes: allocate everything, make all threads and wait until they are held.
 * *d is zeroed and has setup and link. 0 or a negative errno.
 */
int device_prepare(struct device *d);

/*
 * Descriptors FD_DEVICE, FD_BACKEND, FD_TRANSIENT (state file; closed here) have arrived with m,
 * checked. Generation 1 begins afresh, a later one resumes. vduse->ops is the kernel. 0 or a
 * negative errno: this worker is of no use.
 */
int device_attach(struct device *d, const struct work_device *m, const struct vduse_ops *ops);

/* What m says of the backend's buffers. For tests, too. */
void device_set_align(struct device *d, const struct work_device *m);

/*
 * The same without the descriptors: state is mapped already, vduse and backend are filled in. For
 * tests, too.
 */
int device_take_over(struct device *d);

#endif
