/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/create.h - vduse-ctl create. Runs as the tool's caller.
 */
#ifndef CONTROL_CTL_CREATE_H
#define CONTROL_CTL_CREATE_H

#include <stddef.h>

#include "control/ctl/command.h"

tool_command_fn tool_create;

/*
 * Open the backing file of a with the effective uid's rights. A descriptor, or a negative errno
 * with a text.
 */
int create_open(const struct tool_args *a, struct err *e);

/*
 * Have vdused make the device, for the effective uid. fd is the caller's and may be negative: then
 * that is what is returned. 0 with its node in node[size], printable, or a negative errno with a
 * text.
 */
int create_device(const struct tool_args *a, const struct tool_env *env, int fd, char *node, size_t size,
		  struct err *e);

#endif
