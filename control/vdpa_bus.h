/*
 * control/vdpa_bus.h - putting a VDUSE device on the vdpa bus, binding it to virtio_vdpa, and the way back.
 * Runs in helpers: binding waits for the worker (status messages, partition scan), unbinding too.
 *
 * Attaching is split in two because VDPA_CMD_DEV_NEW holds locks of the whole host: with automatic
 * probing off (control/autoprobe.h) it returns at once, and the long part, the bind, holds up nobody else.
 */
#ifndef CONTROL_VDPA_BUS_H
#define CONTROL_VDPA_BUS_H

#include <stdbool.h>

#include "control/helper.h"

struct bus_arg {
	char name[VD_NAME_SIZE];
	char node[VD_NODE_SIZE]; /* detach: the disk's node, "" when it never had one */
	bool force;              /* detach: also when in use */
};

struct bus_node { /* result of bus_bind */
	char node[VD_NODE_SIZE];
};

/* helper_fn: check that the drivers are there, then VDPA_CMD_DEV_NEW. CAP_NET_ADMIN. */
int bus_add(const void *arg, struct helper_out *out);

/* helper_fn: driver_override, bind, wait for the node. Result: bus_node. No capability. */
int bus_bind(const void *arg, struct helper_out *out);
#define BUS_NODE_WAIT_MS 10000

/*
 * helper_fn: take the node O_EXCL (unless forced), keep it across unbind and VDPA_CMD_DEV_DEL. -EBUSY names
 * mounts, swap and holders. Whatever is already undone is fine. CAP_NET_ADMIN.
 */
int bus_detach(const void *arg, struct helper_out *out);

#endif
