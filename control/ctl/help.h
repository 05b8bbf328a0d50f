/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/help.h - what --help prints. Pure.
 */
#ifndef CONTROL_CTL_HELP_H
#define CONTROL_CTL_HELP_H

#include "control/ctl/args.h"

/* Help for a command, or for the tool (TOOL_NONE): at most 24 lines of 80 columns. */
const char *tool_help(enum tool_command command);

#endif
