/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/command.h - what the commands of vduse-ctl get. Runs as the tool's caller.
 */
#ifndef CONTROL_CTL_COMMAND_H
#define CONTROL_CTL_COMMAND_H

#include "control/ctl/args.h"

/* What the tests replace. */
struct tool_env {
	long long query_ms; /* how long vdused may take to answer a question */
	long long change_ms; /* ... to create, delete or change a device */
	long long note_ms; /* after that, tell a person at a terminal what we wait for */
	const char *root; /* directory under which check looks for sys, proc, dev and lib */
	const char *release; /* kernel release for check; NULL = uname(2) */
};

/* One command: prints its result or its error and returns an exit status (report.h). */
typedef int tool_command_fn(const struct tool_args *a, const struct tool_env *env);

#endif
