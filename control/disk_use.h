/*
 * control/disk_use.h - who uses a disk: mounts, swap, and block devices on top. Runs in the detach helper.
 */
#ifndef CONTROL_DISK_USE_H
#define CONTROL_DISK_USE_H

#include "common/err.h"

/* Returns -EBUSY and fills e with what uses node ("/dev/vdb") or a partition of it, and the remedy. */
int disk_use_error(const char *node, struct err *e);

#endif
