/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/disk_openers.h - who has a device node open, as far as the caller may see. Runs as
 * the caller of vduse-ctl; trusts /proc and /sys.
 */
#ifndef CONTROL_CTL_DISK_OPENERS_H
#define CONTROL_CTL_DISK_OPENERS_H

#include <stdio.h>

/*
 * Print a line for each other process that has node ("/dev/vdb") of the device name, or a partition
 * of it, open, as found under /proc, by the device's number; and where a disk is mounted for
 * others. Processes of others are seen by root only. Returns the number of processes, 0 also when
 * nothing can be seen.
 */
int users_print(const char *name, const char *node, FILE *out);

#endif
