/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/vdpa_bus.h - putting a VDUSE device on the vdpa bus, binding it to virtio_vdpa or
 * vhost_vdpa, and the way back.
 * Runs in helpers: binding waits for the worker (status messages, partition scan), unbinding too.
 *
 * Attaching is split in two because VDPA_CMD_DEV_NEW holds locks of the whole host: with automatic
 * probing off (control/sys/autoprobe.h) it returns at once, and the long part, the bind, holds up
 * nobody else.
 */
#ifndef CONTROL_STEPS_VDPA_BUS_H
#define CONTROL_STEPS_VDPA_BUS_H

#include <stdbool.h>

#include "control/helper/helper.h"

struct bus_arg {
	char name[VD_NAME_SIZE];
	bool force; /* detach: a disk also when in use */
	uint32_t bus; /* enum ctl_bus */
	uint32_t uid, gid; /* owner of a vhost node */
	/* detach: one before was cut short, perhaps when the node was root's; it is its owner's */
	bool interrupted;
};

struct bus_node { /* result of bus_bind */
	char node[VD_NODE_SIZE];
};

/* helper_fn: check that the drivers are there, then VDPA_CMD_DEV_NEW. */
int bus_add(const void *arg, struct helper_out *out);

/*
 * helper_fn: driver_override, bind, wait for the node, give a vhost node to its owner. Result:
 * bus_node. It must be patient: killed while the kernel waits for the worker's
 * answer to DRIVER_OK, the driver goes on, but VDUSE has not recorded that it runs and refuses
 * every interrupt, so that the partition scan, and this process with it, waits for ever. Seen on
 * 6.12.
 */
int bus_bind(const void *arg, struct helper_out *out);
#define BUS_NODE_WAIT_MS 10000

/* Is there a device of that name? Never blocks. */
bool bus_has(const char *name);

/*
 * Has it a driver? Not any more from the beginning of an unbind on, which may take long. Never
 * blocks.
 */
bool bus_is_bound(const char *name);

/*
 * helper_fn: take the disk's node O_EXCL (unless forced), keep it across unbind and
 * VDPA_CMD_DEV_DEL; -EBUSY names mounts, swap, holders and loop devices. A vhost node that is open
 * is refused always. Whatever is already undone is fine.
 */
int bus_detach(const void *arg, struct helper_out *out);

#endif
