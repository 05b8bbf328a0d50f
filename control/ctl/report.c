/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/report.c - see report.h. Runs in vduse-ctl, as its caller.
 */
#include "control/ctl/report.h"

#include <errno.h>
#include <stdio.h>

#include "control/ctl/args.h"

int tool_exit_status(int code)
{
	switch (code) {
	case 0:
		return TOOL_OK;
	case -EINVAL:
		return TOOL_INVALID;
	case -ENODEV:
		return TOOL_NOT_FOUND;
	case -EEXIST:
		return TOOL_EXISTS;
	case -EBUSY:
		return TOOL_BUSY;
	case -EACCES:
	case -EPERM:
		return TOOL_DENIED;
	case -EDQUOT:
		return TOOL_LIMIT;
	case -ENOTCONN:
	case -EPROTO:
		return TOOL_UNREACHABLE;
	}
	return TOOL_FAILED;
}

int tool_report(enum tool_command command, const char *name, const struct err *e)
{
	const char *word = tool_command_text(command);

	(void)fprintf(stderr, "vduse-ctl: %s%s%s%s", word, name ? " " : "", name ? name : "", word[0] ? ": " : "");
	if (e->step[0])
		(void)fprintf(stderr, "%s: ", e->step);
	(void)fprintf(stderr, "%s\n", e->text);
	return tool_exit_status(e->code);
}
