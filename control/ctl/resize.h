/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/resize.h - vduse-ctl resize. Runs as the tool's caller.
 */
#ifndef CONTROL_CTL_RESIZE_H
#define CONTROL_CTL_RESIZE_H

#include "control/ctl/command.h"

tool_command_fn tool_resize;

#endif
