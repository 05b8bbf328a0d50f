/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/query.h - vduse-ctl list, show and version. Runs as the tool's caller.
 */
#ifndef CONTROL_CTL_QUERY_H
#define CONTROL_CTL_QUERY_H

#include "control/ctl/command.h"

tool_command_fn tool_list;
tool_command_fn tool_show;
tool_command_fn tool_version;

#endif
