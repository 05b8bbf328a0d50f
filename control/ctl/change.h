/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/change.h - vduse-ctl delete, recover, resume and upgrade. Runs as the tool's caller.
 */
#ifndef CONTROL_CTL_CHANGE_H
#define CONTROL_CTL_CHANGE_H

#include "control/ctl/command.h"

tool_command_fn tool_change;

#endif
