/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/vdpa_node.h - the node that a device has become: giving it to its owner, keeping
 * others from it while it goes. Runs in the bind and detach helpers.
 */
#ifndef CONTROL_STEPS_VDPA_NODE_H
#define CONTROL_STEPS_VDPA_NODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"
#include "control/steps/node_find.h"

/*
 * Hand a vhost node to uid and gid, mode 0600. Waits for udev first (NODE_UDEV_MS at most), which
 * would set the ids back. Needs CAP_CHOWN unless both are 0.
 */
int node_give(const char *node, uint32_t uid, uint32_t gid, struct err *e);
#define NODE_UDEV_MS 3000
/* longer than from the permission check of an open to its mark in the kernel */
#define NODE_LOOK_AGAIN_MS 20

/*
 * Disk: open it O_EXCL so that nobody mounts it while it is unbound; *hold keeps it, -1 where there
 * is none. -EBUSY, unless forced, names those who use it, or says why nobody can know whether
 * somebody does.
 */
int node_open_exclusive(const struct node *n, bool force, int *hold, struct err *e);

struct node_taken {
	int fd; /* O_PATH, -1 = none */
	uint32_t uid, gid; /* whose it was */
};

/*
 * vhost: -EBUSY while somebody has it open (unbinding would wait for that, unkillable, and hold up
 * the whole host), or when there is no node by which that can be known; the node is its owner's
 * again then. Else it is root's, so that no one else opens it any more, and t says whose it was:
 * the caller closes t->fd, or gives the node back. A node that is root's counts as t->uid's and
 * t->gid's, which are filled in before. CAP_DAC_OVERRIDE, CAP_CHOWN.
 */
int node_take_vhost(const struct node *n, struct node_taken *t, struct err *e);

/*
 * Undo that. e has the error that made it necessary, and keeps its text unless this fails as well.
 * Closes t->fd.
 */
void node_give_back(struct node_taken *t, struct err *e);

#endif
