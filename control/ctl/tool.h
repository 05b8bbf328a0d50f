/*
 * control/ctl/tool.h - vduse-ctl as a function, its exit statuses, and what its commands share.
 * Runs as whoever calls the tool.
 */
#ifndef CONTROL_CTL_TOOL_H
#define CONTROL_CTL_TOOL_H

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

/* What the tests replace. */
struct tool_env {
	long long query_ms; /* how long vdused may take to answer a question */
	long long change_ms; /* ... to create, delete or change a device */
	long long note_ms; /* after that, tell a person at a terminal what we wait for */
	const char *root; /* directory under which check looks for sys, proc, dev and lib */
	const char *release; /* kernel release for check; NULL = uname(2) */
};

extern const struct tool_env tool_env_default;

/* The whole tool: returns an exit status; prints to stdout and stderr. Not reentrant (getopt). */
int tool_run(int argc, char **argv, const struct tool_env *env);

/*
 * Exit status for an error: -EINVAL, -ENODEV, -EEXIST, -EBUSY, -EACCES/-EPERM, -EDQUOT and
 * -ENOTCONN/-EPROTO have one of their own, everything else is TOOL_FAILED.
 */
int tool_exit_status(int code);

/* Print "vduse-ctl: COMMAND [NAME]: [STEP: ]TEXT" on stderr; returns the exit status. name may be NULL. */
int tool_report(enum tool_command command, const char *name, const struct err *e);

/* The commands. Each prints its result or its error and returns an exit status. */
int tool_create(const struct tool_args *a, const struct tool_env *env);
int tool_list(const struct tool_args *a, const struct tool_env *env);
int tool_show(const struct tool_args *a, const struct tool_env *env);
int tool_version(const struct tool_args *a, const struct tool_env *env);
int tool_change(const struct tool_args *a, const struct tool_env *env); /* delete, recover, resume, upgrade */
int tool_resize(const struct tool_args *a, const struct tool_env *env);
int tool_check(const struct tool_args *a, const struct tool_env *env);

#endif
