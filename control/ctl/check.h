/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/check.h - vduse-ctl check: what this host has and lacks. Runs as the tool's caller
 * and needs no vdused.
 */
#ifndef CONTROL_CTL_CHECK_H
#define CONTROL_CTL_CHECK_H

#include "control/ctl/command.h"

tool_command_fn tool_check;

#endif
