/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/tool.h - vduse-ctl as a function.
 * Runs as whoever calls the tool.
 */
#ifndef CONTROL_CTL_TOOL_H
#define CONTROL_CTL_TOOL_H

#include "control/ctl/command.h"

extern const struct tool_env tool_env_default;

/* The whole tool: returns an exit status; prints to stdout and stderr. Not reentrant (getopt). */
int tool_run(int argc, char **argv, const struct tool_env *env);

#endif
