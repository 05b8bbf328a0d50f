/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/create.h - vduse-ctl create. Runs as the tool's caller.
 */
#ifndef CONTROL_CTL_CREATE_H
#define CONTROL_CTL_CREATE_H

#include "control/ctl/command.h"

tool_command_fn tool_create;

#endif
