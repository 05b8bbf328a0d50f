/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/args.h - the command line of vduse-ctl. Runs as whoever calls the tool; what it
 * reads is the caller's own. Pure but for getopt's own state.
 */
#ifndef CONTROL_CTL_ARGS_H
#define CONTROL_CTL_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/err.h"

#define TOOL_SOCKET_DEFAULT "/run/vdused/control.sock"

enum tool_command {
	TOOL_NONE = 0, /* only --help or --version was given */
	TOOL_CREATE,
	TOOL_LIST,
	TOOL_SHOW,
	TOOL_DELETE,
	TOOL_RECOVER,
	TOOL_RESUME,
	TOOL_RESIZE,
	TOOL_UPGRADE,
	TOOL_APPLY,
	TOOL_CHECK,
	TOOL_VERSION,
	TOOL_LAST = TOOL_VERSION,
};

struct tool_args {
	enum tool_command command;
	const char *socket; /* --socket, else $VDUSED_SOCKET, else TOOL_SOCKET_DEFAULT */
	const char *name; /* NULL where the command has none; a valid name otherwise */
	char **names; /* of apply; valid ones, nnames of them */
	size_t nnames;
	const char *file;
	const char *serial; /* NULL = not given */
	uint32_t queues, queue_size, block_size; /* 0 = not given */
	uint32_t bus; /* enum ctl_bus */
	uint64_t size; /* bytes; 0 = not given */
	const char *config_dir; /* NULL = not given */
	const char *units; /* directory; NULL = not given */
	bool json, read_only, direct, probe, stop, force, all;
	bool if_absent, config, dry_run;
	bool no_links; /* of create: no symbolic link may be on the way to file; never an option */
	bool help, version; /* --help, --version: nothing else is to be done */
};

/*
 * Understand and check the whole command line; the strings in a point into argv or the environment,
 * and argv itself holds the names of apply afterwards.
 * Returns 0, or -EINVAL with a text that says what is wrong and where to look. Not reentrant
 * (getopt).
 */
int tool_args_parse(int argc, char **argv, struct tool_args *a, struct err *e);

/* The word for a command, "" for TOOL_NONE. */
const char *tool_command_text(enum tool_command command);

#endif
