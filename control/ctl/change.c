/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/change.c - vduse-ctl delete, recover, resume and upgrade: one named request answered
 * by a plain "done", for one device or for all of them. Runs as the tool's caller.
 */
#include "control/ctl/change.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/ctl/args.h"
#include "control/ctl/ask.h"
#include "control/ctl/command.h"
#include "control/ctl/conn.h"
#include "control/ctl/disk_openers.h"
#include "control/ctl/report.h"

static uint16_t request_type(enum tool_command command)
{
	switch (command) {
	case TOOL_DELETE:
		return CTL_DELETE;
	case TOOL_RECOVER:
		return CTL_RECOVER;
	case TOOL_RESUME:
		return CTL_RESUME;
	default:
		return CTL_UPGRADE;
	}
}

/*
 * vdused's text names mounts and holders; the processes are looked for here, with the caller's
 * eyes.
 */
static void name_users(struct tool_conn *c, const char *name)
{
	struct ctl_info info;
	struct err e = { 0 };

	tool_grant(c, c->env->query_ms, NULL, NULL);
	if (tool_ask_device(c, name, &info, &e) == 0)
		(void)users_print(name, info.node, stderr);
}

/* label: the name as a person who waits is told it. */
static int request(struct tool_conn *c, const struct tool_args *a, const char *name, const char *label, struct err *e)
{
	struct ctl_name req = { 0 };
	union ctl_any answer;

	msg_init(&req, request_type(a->command), sizeof(req));
	msg_set_string(req.name, sizeof(req.name), name);
	req.flags = a->force ? CTL_DELETE_FORCE : 0;
	tool_grant(c, c->env->change_ms, tool_command_text(a->command), label);
	return tool_ask(c, &req, sizeof(req), CTL_OK, &answer, e);
}

/* Returns an exit status, its message printed. */
static int change_one(struct tool_conn *c, const struct tool_args *a, const char *name, const char *label)
{
	struct err e = { 0 };
	int status;

	if (request(c, a, name, label, &e) == 0)
		return TOOL_OK;
	if (a->all && e.class == CTL_E_NOT_FOUND)
		return TOOL_OK; /* gone is gone */
	status = tool_report(a->command, name, &e);
	if (e.class == CTL_E_BUSY && a->command == TOOL_DELETE)
		name_users(c, name);
	return status;
}

/* One refusal does not save the others; but without vdused there is no going on. */
static int change_all(struct tool_conn *c, const struct tool_args *a)
{
	char label[VD_NAME_SIZE + 32];
	struct ctl_info *list = NULL;
	struct err e = { 0 };
	int n = tool_ask_list(c, &list, &e);
	int first = TOOL_OK;

	if (n < 0)
		return tool_report(a->command, NULL, &e);
	for (int i = 0; i < n; i++) {
		int status;

		(void)snprintf(label, sizeof(label), "%s (%d of %d)", list[i].name, i + 1, n);
		status = change_one(c, a, list[i].name, label);
		if (first == TOOL_OK)
			first = status;
		if (status == CTL_E_PROTOCOL)
			break;
	}
	free(list);
	return first;
}

int tool_change(const struct tool_args *a, const struct tool_env *env)
{
	struct err e = { 0 };
	struct tool_conn c;
	int status;

	if (tool_connect(&c, a->socket, env, &e) < 0)
		return tool_report(a->command, a->name, &e);
	status = a->all ? change_all(&c, a) : change_one(&c, a, a->name, a->name);
	tool_disconnect(&c);
	return status;
}
