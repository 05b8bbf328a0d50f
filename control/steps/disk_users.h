/*
 * control/steps/disk_users.h - who uses a disk: mounts, swap, and block devices on top. Runs in the detach helper.
 */
#ifndef CONTROL_STEPS_DISK_USERS_H
#define CONTROL_STEPS_DISK_USERS_H

#include "common/err.h"

/* Returns -EBUSY and fills e with what uses node ("/dev/vdb") or a partition of it, and the remedy. */
int disk_use_error(const char *node, struct err *e);

#endif
