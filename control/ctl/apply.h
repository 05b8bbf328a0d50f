/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/apply.h - vduse-ctl apply: devices become what their files say (vdused.device(5)).
 * Runs as the tool's caller.
 */
#ifndef CONTROL_CTL_APPLY_H
#define CONTROL_CTL_APPLY_H

#include "control/ctl/command.h"

tool_command_fn tool_apply;

#endif
