/*
 * control/steps/vdpa_node.h - the node that a device has become: finding it, giving it to its owner, keeping others from it
 * while it goes. Runs in the bind and detach helpers.
 */
#ifndef CONTROL_STEPS_VDPA_NODE_H
#define CONTROL_STEPS_VDPA_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "proto/ctl_msg.h"

/* True, with the path in node, once sysfs names it and /dev has it with the same number. */
bool node_ready(const char *name, uint32_t bus, char *node, size_t size);

/*
 * Hand a vhost node to uid and gid, mode 0600. Waits for udev first (NODE_UDEV_MS at most), which would
 * set the ids back. Needs CAP_CHOWN unless both are 0.
 */
int node_give(const char *node, uint32_t uid, uint32_t gid, struct err *e);
#define NODE_UDEV_MS 3000
#define NODE_LOOK_AGAIN_MS 20 /* longer than from the permission check of an open to its mark in the kernel */

/*
 * Disk: open it O_EXCL so that nobody mounts it while it is unbound; *hold keeps it, -1 where there is
 * none. -EBUSY names the users, unless forced.
 */
int node_hold_disk(const char *node, bool force, int *hold, struct err *e);

/*
 * vhost: -EBUSY while somebody has it open (unbinding would wait for that, unkillable, and hold up
 * the whole host), and the node is its owner's again; else it is root's, so that no one else opens it any more.
 * CAP_DAC_OVERRIDE, CAP_CHOWN.
 */
int node_reclaim_vhost(const char *node, struct err *e);

#endif
