/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/vduse.h - what the worker asks of /dev/vduse/NAME, typed. Runs in vduse-worker:
 * messages in the main thread, irq in any, region under the lock of iova.c. The kernel is trusted,
 * what it passes on from a driver is not. Source: include/uapi/linux/vduse.h, API version 0.
 */
#ifndef WORKER_DEVICE_VDUSE_H
#define WORKER_DEVICE_VDUSE_H

#include <linux/vduse.h>
#include <stdint.h>

#define VDUSE_CONFIG_PART 8U

struct vduse;

/*
 * All return 0 (region: a descriptor) or a negative errno; -EPERM means that the kernel gave the
 * device up after a message timeout. An ops table, so that tests can be the kernel.
 */
struct vduse_ops {
	/*
	 * Make reads of the descriptor return -EAGAIN instead of waiting: a message can vanish
	 * after poll().
	 */
	int (*set_nonblocking)(struct vduse *v);
	/* Features the driver acknowledged; valid from FEATURES_OK on. */
	int (*features)(struct vduse *v, uint64_t *features);
	int (*queue_info)(struct vduse *v, uint32_t index, struct vduse_vq_info *info);
	int (*set_kick_fd)(struct vduse *v, uint32_t index, int eventfd);
	/* -EINVAL: the driver is not running (DRIVER_OK not recorded, or reset). */
	int (*inject_irq)(struct vduse *v, uint32_t index);
	/*
	 * Change len bytes (at most VDUSE_CONFIG_PART) of the configuration that the driver reads.
	 */
	int (*set_config)(struct vduse *v, uint32_t offset, const void *bytes, uint32_t len);
	/* Make the driver read it. -EINVAL as for inject_irq. */
	int (*config_irq)(struct vduse *v);
	/*
	 * Region around e->start. The descriptor returned is not close-on-exec and may do more than
	 * e->perm says.
	 */
	int (*region)(struct vduse *v, struct vduse_iotlb_entry *e);
	/* -EAGAIN: no message. -EBADMSG: not a whole one. */
	int (*read)(struct vduse *v, struct vduse_dev_request *req);
	/* -ENOENT: nobody waits for the answer any more. */
	int (*reply)(struct vduse *v, const struct vduse_dev_response *resp);
};

struct vduse {
	const struct vduse_ops *ops;
	int fd;
};

/* The real kernel. */
extern const struct vduse_ops vduse_kernel;

#endif
