/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/stable_name.h - a path of a backing file that is right after the next boot, too. Runs
 * as the tool's caller.
 */
#ifndef CONTROL_CTL_STABLE_NAME_H
#define CONTROL_CTL_STABLE_NAME_H

#include <stdbool.h>
#include <stddef.h>

/*
 * The path of a regular file is its own name. A block device, which path calls as the kernel does
 * (/dev/dm-3, /dev/sdb), has one in /dev/mapper or /dev/disk/by-id. False: there is none.
 */
bool stable_name(const char *path, char *name, size_t size);

#endif
