/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/device_file.h - vdused.device(5): a file that describes one device. Runs as the
 * tool's caller; a file is believed when it is root's or the caller's and nobody else can write it.
 */
#ifndef CONTROL_CTL_DEVICE_FILE_H
#define CONTROL_CTL_DEVICE_FILE_H

#include <limits.h>
#include <stdio.h>

#include "control/ctl/args.h"
#include "proto/ctl_msg.h"

#define DEVICE_DIR "/etc/vdused.d"
#define DEVICE_SUFFIX ".conf"

struct device_file {
	char name[VD_NAME_SIZE];
	bool no_users; /* owner is not looked up */
	char path[PATH_MAX]; /* of the backing file */
	char serial[VD_SERIAL_SIZE]; /* "" = not said */
	uint32_t owner; /* uid */
	uint32_t bus, queues, queue_size, block_size; /* as in struct tool_args */
	bool read_only, direct, probe, stop;
};

/*
 * Read DIR/NAME.conf. no_users: without a look at the user database, for when there may be none
 * yet. 0, or a negative errno with a text that names the file, and the line where it has one.
 */
int device_file_read(const char *dir, const char *name, bool no_users, struct device_file *f, struct err *e);

/*
 * Is that the path of a device node: one in /dev, which is root's and full of symbolic links? What
 * anybody can write there is not meant.
 */
bool device_file_is_node(const char *path);

/* The same as what "vduse-ctl create" would be called with; its strings point into f. */
void device_file_args(const struct device_file *f, const char *socket, struct tool_args *a);

/*
 * Print a file that describes the device as it is, a disk by a name that it has at the next boot,
 * too. 0, or -EINVAL where one cannot be written: its path is too long to be known, or has
 * characters that such a file cannot hold, or the disk has no such name.
 */
int device_file_print(const struct ctl_info *i, FILE *to, struct err *e);

#endif
