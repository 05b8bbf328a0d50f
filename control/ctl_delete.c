/*
 * control/ctl_delete.c - vduse-ctl delete, of one device or of all. Runs as the tool's caller.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/ctl_client.h"
#include "control/ctl_tool.h"
#include "control/ctl_users.h"

/* vdused's text names mounts and holders; the processes are looked for here, with the caller's eyes. */
static void name_users(struct tool_conn *c, const char *name)
{
	struct ctl_info info;
	struct err e = { 0 };

	tool_grant(c, c->env->query_ms, NULL, NULL);
	if (tool_ask_device(c, name, &info, &e) == 0)
		(void)users_print(info.node, stderr);
}

static int request(struct tool_conn *c, const char *name, bool force, struct err *e)
{
	struct ctl_name req = { 0 };
	union ctl_any answer;

	msg_init(&req, CTL_DELETE, sizeof(req));
	msg_set_string(req.name, sizeof(req.name), name);
	req.flags = force ? CTL_DELETE_FORCE : 0;
	tool_grant(c, c->env->change_ms, "delete", name);
	return tool_ask(c, &req, sizeof(req), CTL_OK, &answer, e);
}

/* Returns an exit status, its message printed. */
static int delete_one(struct tool_conn *c, const struct tool_args *a, const char *name)
{
	struct err e = { 0 };
	int rc = request(c, name, a->force, &e);
	int status;

	if (rc == 0 || (a->all && rc == -ENODEV)) /* gone is gone */
		return TOOL_OK;
	status = tool_report(TOOL_DELETE, name, &e);
	if (rc == -EBUSY)
		name_users(c, name);
	return status;
}

/* One refusal does not save the others; but without vdused there is no going on. */
static int delete_all(struct tool_conn *c, const struct tool_args *a)
{
	struct ctl_info *list = NULL;
	struct err e = { 0 };
	int n = tool_ask_list(c, &list, &e);
	int first = TOOL_OK;

	if (n < 0)
		return tool_report(TOOL_DELETE, NULL, &e);
	for (int i = 0; i < n; i++) {
		int status = delete_one(c, a, list[i].name);

		if (first == TOOL_OK)
			first = status;
		if (status == TOOL_UNREACHABLE)
			break;
	}
	free(list);
	return first;
}

int tool_delete(const struct tool_args *a, const struct tool_env *env)
{
	struct err e = { 0 };
	struct tool_conn c;
	int status;

	if (tool_connect(&c, a->socket, env, &e) < 0)
		return tool_report(TOOL_DELETE, a->name, &e);
	status = a->all ? delete_all(&c, a) : delete_one(&c, a, a->name);
	tool_disconnect(&c);
	return status;
}
