/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/disk_mounts.h - where a disk is mounted for others, as far as the caller may see.
 * Runs as the caller of vduse-ctl; trusts /proc.
 */
#ifndef CONTROL_CTL_DISK_MOUNTS_H
#define CONTROL_CTL_DISK_MOUNTS_H

#include <stdio.h>
#include <sys/types.h>

/*
 * Print a line for each mount of one of these n devices in another mount namespace than the
 * caller's, with a process that lives in it. Those in vdused's own are named by vdused.
 */
void mounts_print(const dev_t *dev, size_t n, FILE *out);

#endif
