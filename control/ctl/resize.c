/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/resize.c - vduse-ctl resize: a device gets a new size, of the caller's choice or of
 * its file. Runs as the tool's caller; the file itself is vdused's and the worker's business.
 */
#include "control/ctl/resize.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include "control/ctl/args.h"
#include "control/ctl/command.h"
#include "control/ctl/conn.h"
#include "control/ctl/json.h"
#include "control/ctl/print.h"
#include "control/ctl/report.h"

int resize_device(struct tool_conn *c, const char *name, uint64_t bytes, uint64_t *size, struct err *e)
{
	struct ctl_resize req = { 0 };
	union ctl_any answer;
	int rc;

	msg_init(&req, CTL_RESIZE, sizeof(req));
	msg_set_string(req.name, sizeof(req.name), name);
	req.size = bytes;
	tool_grant(c, c->env->change_ms, "resize", name);
	rc = tool_ask(c, &req, sizeof(req), CTL_RESIZED, &answer, e);
	if (rc < 0)
		return rc;
	*size = answer.resized.size;
	return 0;
}

int tool_resize(const struct tool_args *a, const struct tool_env *env)
{
	struct tool_conn c;
	struct err e = { 0 };
	uint64_t size = 0;
	char text[16];
	int rc;

	rc = tool_connect(&c, a->socket, env, &e);
	if (rc == 0)
		rc = resize_device(&c, a->name, a->size, &size, &e);
	tool_disconnect(&c);
	if (rc < 0)
		return tool_report(TOOL_RESIZE, a->name, &e);
	if (a->json)
		return print_resized_json(a->name, size);
	print_size(size, text);
	(void)printf("%" PRIu64 " (%s)\n", size, text);
	return TOOL_OK;
}
