/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/report.h - exit statuses of vduse-ctl, and its error messages. Runs as the tool's
 * caller.
 */
#ifndef CONTROL_CTL_REPORT_H
#define CONTROL_CTL_REPORT_H

#include "common/err.h"
#include "control/ctl/args.h"

/* Exit statuses; part of the interface, documented in vduse-ctl(8). */
enum tool_exit {
	TOOL_OK = 0,
	TOOL_FAILED = 1,
	TOOL_INVALID = 2,
	TOOL_NOT_FOUND = 3,
	TOOL_EXISTS = 4,
	TOOL_BUSY = 5,
	TOOL_DENIED = 6,
	TOOL_LIMIT = 7,
	TOOL_UNREACHABLE = 8, /* or speaks another protocol */
};

/*
 * Exit status for an error: -EINVAL, -ENODEV, -EEXIST, -EBUSY, -EACCES/-EPERM, -EDQUOT and
 * -ENOTCONN/-EPROTO have one of their own, everything else is TOOL_FAILED.
 */
int tool_exit_status(int code);

/*
 * Print "vduse-ctl: COMMAND [NAME]: [STEP: ]TEXT" on stderr; returns the exit status. name may be
 * NULL.
 */
int tool_report(enum tool_command command, const char *name, const struct err *e);

#endif
