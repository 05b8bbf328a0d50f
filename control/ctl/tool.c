/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/tool.c - see tool.h. Runs in vduse-ctl, as its caller.
 */
#include "control/ctl/tool.h"

#include <errno.h>
#include <stdio.h>

#include "control/ctl/apply.h"
#include "control/ctl/args.h"
#include "control/ctl/change.h"
#include "control/ctl/check.h"
#include "control/ctl/command.h"
#include "control/ctl/create.h"
#include "control/ctl/help.h"
#include "control/ctl/query.h"
#include "control/ctl/report.h"
#include "control/ctl/resize.h"

const struct tool_env tool_env_default = {
	.query_ms = 10000,
	.change_ms = 120000,
	.note_ms = 2000,
	.root = "/",
};

/* TOOL_NONE has no row: it comes with --help or --version, which need none. */
static tool_command_fn *const run[] = {
	[TOOL_CREATE] = tool_create, [TOOL_LIST] = tool_list,       [TOOL_SHOW] = tool_show,
	[TOOL_DELETE] = tool_change, [TOOL_RECOVER] = tool_change,  [TOOL_RESUME] = tool_change,
	[TOOL_RESIZE] = tool_resize, [TOOL_UPGRADE] = tool_change,  [TOOL_CHECK] = tool_check,
	[TOOL_APPLY] = tool_apply,   [TOOL_VERSION] = tool_version,
};

int tool_run(int argc, char **argv, const struct tool_env *env)
{
	struct err e = { 0 };
	struct tool_args a;
	int status = TOOL_OK;

	if (tool_args_parse(argc, argv, &a, &e) < 0)
		return tool_report(TOOL_NONE, NULL, &e);
	if (a.help)
		(void)fputs(tool_help(a.command), stdout);
	else if (a.version)
		(void)puts("vduse-ctl " VDUSED_VERSION);
	else
		status = run[a.command](&a, env);
	if ((fflush(stdout) != 0 || ferror(stdout)) && status == TOOL_OK) {
		(void)err_set(&e, -EIO, "the result cannot be written to standard output");
		return tool_report(a.command, a.name, &e);
	}
	return status;
}
