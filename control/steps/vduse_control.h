/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/vduse_control.h - making and removing VDUSE devices through /dev/vduse/control, and
 * opening /dev/vduse/NAME. Runs in helpers; sees no byte of a driver. Source: linux/vduse.h, API
 * version 0.
 */
#ifndef CONTROL_STEPS_VDUSE_CONTROL_H
#define CONTROL_STEPS_VDUSE_CONTROL_H

#include "common/blkconf.h"
#include "control/helper/helper.h"

struct vduse_arg {
	char name[VD_NAME_SIZE];
	struct blk_params blk;
	uint64_t bounce_size; /* bytes, of what virtio_vdpa's data is copied through */
};

/*
 * helper_fn with vduse_arg: VDUSE_CREATE_DEV, bounce memory, VDUSE_VQ_SETUP. Removes the device
 * again when it fails half-way.
 */
int vduse_create(const void *arg, struct helper_out *out);

/*
 * helper_fn with vduse_arg (name only): VDUSE_DESTROY_DEV; a device that is not there is fine.
 * Retries EBUSY for 2 s. /
 */
int vduse_destroy(const void *arg, struct helper_out *out);

/*
 * In a helper: open /dev/vduse/NAME; retries EBUSY (an older generation still closing) up to ms. Fd
 * or negative errno. /
 */
int vduse_open(const char *name, long long ms, struct err *e);

/* Of an opened one: has the kernel given it up, since a message was not answered in time? */
bool vduse_broken(int fd);

#endif
