/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/report.c - see report.h. Runs in vduse-ctl, as its caller.
 */
#include "control/ctl/report.h"

#include <stdio.h>

#include "control/ctl/args.h"

int tool_report(enum tool_command command, const char *name, const struct err *e)
{
	const char *word = tool_command_text(command);

	(void)fprintf(stderr, "vduse-ctl: %s%s%s%s", word, name ? " " : "", name ? name : "", word[0] ? ": " : "");
	if (e->step[0])
		(void)fprintf(stderr, "%s: ", e->step);
	(void)fprintf(stderr, "%s\n", e->text);
	return (int)e->class;
}
