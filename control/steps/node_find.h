/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/node_find.h - the node that a device has become: its number by sysfs, and where it
 * is in /dev. Runs in the bind and detach helpers. A path proves nothing: nodes are renamed and
 * removed, and something else may lie at their place.
 */
#ifndef CONTROL_STEPS_NODE_FIND_H
#define CONTROL_STEPS_NODE_FIND_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "proto/ctl_msg.h"

struct node {
	/* its name in sysfs, and in /dev where nobody has renamed it */
	char leaf[VD_NODE_SIZE - 8];
	mode_t kind; /* S_IFBLK or S_IFCHR */
	dev_t number;
};

#define NODE_PATH_SIZE 128U

/* What the device has become; false when it is nothing yet, or nothing any more. */
bool node_of_device(const char *name, uint32_t bus, struct node *n);

/* Of a disk in /sys/block: "loop0". */
bool node_of_disk(const char *leaf, struct node *n);

/*
 * A node of that kind and number in /dev, whatever it is called, to path[NODE_PATH_SIZE]. 0 or
 * -ENOENT.
 */
int node_path(const struct node *n, char *path);

/*
 * True, with the path in node, once sysfs names it and /dev has it with the same number under the
 * same name.
 */
bool node_ready(const char *name, uint32_t bus, char *node, size_t size);

#endif
