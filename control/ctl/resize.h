/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/resize.h - vduse-ctl resize. Runs as the tool's caller.
 */
#ifndef CONTROL_CTL_RESIZE_H
#define CONTROL_CTL_RESIZE_H

#include "control/ctl/command.h"
#include "control/ctl/conn.h"

tool_command_fn tool_resize;

/*
 * Give a device another size: bytes, or 0 for what its file has now. 0 with the new *size, or a
 * negative errno with a text.
 */
int resize_device(struct tool_conn *c, const char *name, uint64_t bytes, uint64_t *size, struct err *e);

#endif
