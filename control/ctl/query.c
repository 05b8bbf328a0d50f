/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/query.c - vduse-ctl list, show and version: they only ask. Runs as the tool's caller.
 */
#include "control/ctl/query.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "control/ctl/args.h"
#include "control/ctl/ask.h"
#include "control/ctl/command.h"
#include "control/ctl/conn.h"
#include "control/ctl/device_file.h"
#include "control/ctl/json.h"
#include "control/ctl/print.h"
#include "control/ctl/report.h"

int tool_list(const struct tool_args *a, const struct tool_env *env)
{
	struct ctl_info *list = NULL;
	struct err e = { 0 };
	struct tool_conn c;
	int status = TOOL_OK;
	int n;

	n = tool_connect(&c, a->socket, env, &e);
	if (n == 0)
		n = tool_ask_list(&c, &list, &e);
	tool_disconnect(&c);
	if (n < 0)
		return tool_report(TOOL_LIST, NULL, &e);
	if (a->json)
		status = print_list_json(list, (size_t)n);
	else
		print_list(list, (size_t)n);
	free(list);
	return status;
}

int tool_show(const struct tool_args *a, const struct tool_env *env)
{
	struct ctl_info info;
	struct err e = { 0 };
	struct tool_conn c;
	int rc;

	rc = tool_connect(&c, a->socket, env, &e);
	if (rc == 0)
		rc = tool_ask_device(&c, a->name, &info, &e);
	tool_disconnect(&c);
	if (rc < 0)
		return tool_report(TOOL_SHOW, a->name, &e);
	if (a->config)
		return device_file_print(&info, stdout, &e) < 0 ? tool_report(TOOL_SHOW, a->name, &e) : TOOL_OK;
	if (a->json)
		return print_device_json(&info);
	print_device(&info);
	return TOOL_OK;
}

static void print_version_json_members(struct json_object *o, const struct ctl_version_is *v, const struct err *e)
{
	struct json_object *supervisor = e->code ? NULL : json_object_new_object();

	json_text(o, "version", VDUSED_VERSION);
	json_number(o, "protocol", MSG_PROTO_VERSION);
	if (supervisor) {
		json_text(supervisor, "version", v->version);
		json_number(supervisor, "pid", v->pid);
		json_number(supervisor, "devices", v->devices);
	}
	(void)json_object_object_add(o, "supervisor", supervisor);
	json_text(o, "supervisor_error", e->text);
}

static int print_version_json(const struct ctl_version_is *v, const struct err *e)
{
	struct json_object *o = json_object_new_object();

	if (o)
		print_version_json_members(o, v, e);
	return print_json(o);
}

/* That no vdused answers is an answer, too. */
int tool_version(const struct tool_args *a, const struct tool_env *env)
{
	struct ctl_version_is v = { 0 };
	struct err e = { 0 };
	int rc = tool_ask_version(a->socket, env, &v, &e);

	if (a->json)
		return print_version_json(&v, &e);
	(void)puts("vduse-ctl " VDUSED_VERSION);
	if (rc < 0)
		(void)printf("vdused    not reached: %s\n", e.text);
	else
		(void)printf("vdused    %s (pid %" PRIu32 ", %" PRIu32 " device%s)\n", v.version, v.pid, v.devices,
			     v.devices == 1 ? "" : "s");
	return TOOL_OK;
}
