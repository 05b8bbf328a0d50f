/*
 * control/ctl/disk_openers.h - who has a device node open, as far as the caller may see. Runs as the
 * caller of vduse-ctl; trusts /proc and /sys.
 */
#ifndef CONTROL_CTL_DISK_OPENERS_H
#define CONTROL_CTL_DISK_OPENERS_H

#include <stdio.h>

/*
 * Print a line for each other process that has node ("/dev/vdb"), or a partition of it, open, as found
 * under /proc; processes of others are seen by root only. Returns their number, 0 also when
 * nothing can be seen.
 */
int users_print(const char *node, FILE *out);

#endif
