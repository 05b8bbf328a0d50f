/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/disk_users.h - who uses a disk: mounts, swap, and block devices on top. Runs in the
 * detach helper.
 */
#ifndef CONTROL_STEPS_DISK_USERS_H
#define CONTROL_STEPS_DISK_USERS_H

#include <sys/types.h>

#include "common/err.h"

/*
 * Who uses the disk of that number, a partition of it, or a loop device on it? rc is what came of
 * taking it exclusively: 0,
 * -EBUSY, or another error, whose text is in e. Returns 0 when that worked and nobody is found,
 * else -EBUSY, with those who are found and the remedy in e, where node is what it is called.
 */
int disk_users(dev_t disk, const char *node, int rc, struct err *e);

#endif
