/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/ask.c - the questions that several commands put to vdused (conn.h). Runs in
 * vduse-ctl, as its caller; what vdused says is checked and made printable.
 */
#include "control/ctl/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/ctl/command.h"
#include "control/ctl/conn.h"
#include "proto/name.h"

static void make_printable(struct ctl_info *i)
{
	err_printable(i->name);
	err_printable(i->node);
	err_printable(i->serial);
	err_printable(i->file);
	err_printable(i->step);
}

int tool_ask_version(const char *path, const struct tool_env *env, struct ctl_version_is *v, struct err *e)
{
	struct ctl_plain req = { 0 };
	union ctl_any answer;
	struct tool_conn c;
	int rc;

	msg_init(&req, CTL_VERSION, sizeof(req));
	rc = tool_connect(&c, path, env, e);
	if (rc == 0)
		rc = tool_ask(&c, &req, sizeof(req), CTL_VERSION_IS, &answer, e);
	tool_disconnect(&c);
	if (rc < 0)
		return rc;
	*v = answer.version_is;
	err_printable(v->version);
	return 0;
}

int tool_ask_device(struct tool_conn *c, const char *name, struct ctl_info *info, struct err *e)
{
	struct ctl_name req = { 0 };
	union ctl_any answer;
	int rc;

	msg_init(&req, CTL_SHOW, sizeof(req));
	msg_set_string(req.name, sizeof(req.name), name);
	rc = tool_ask(c, &req, sizeof(req), CTL_DEVICE, &answer, e);
	if (rc < 0)
		return rc;
	if (strcmp(answer.device.info.name, name) != 0)
		return err_class(e, CTL_E_PROTOCOL, "vdused answered for another device than %s", name);
	*info = answer.device.info;
	make_printable(info);
	return 0;
}

/* Names must go up from page to page, or a confused server could keep us asking for ever. */
static int take_page(const struct ctl_list_page *page, char *after, struct ctl_info *into, struct err *e)
{
	for (uint32_t i = 0; i < page->count; i++) {
		const struct ctl_info *entry = &page->entry[i];

		if (!name_valid(entry->name) || strcmp(entry->name, after) <= 0)
			return err_class(e, CTL_E_PROTOCOL, "vdused sent a list that is not sorted by name");
		into[i] = *entry;
		make_printable(&into[i]);
		msg_set_string(after, VD_NAME_SIZE, entry->name);
	}
	return 0;
}

int tool_ask_list(struct tool_conn *c, struct ctl_info **list, struct err *e)
{
	struct ctl_list req = { 0 };
	struct ctl_info *grown;
	union ctl_any answer;
	size_t n = 0;
	int rc;

	*list = NULL;
	do {
		msg_init(&req, CTL_LIST, sizeof(req));
		rc = tool_ask(c, &req, sizeof(req), CTL_LIST_PAGE, &answer, e);
		if (rc < 0)
			break;
		grown = reallocarray(*list, n + CTL_PAGE, sizeof(*grown));
		if (!grown) {
			rc = err_set(e, -ENOMEM, "out of memory");
			break;
		}
		*list = grown;
		rc = take_page(&answer.page, req.after, *list + n, e);
		n += answer.page.count;
	} while (rc == 0 && answer.page.more);
	if (rc < 0) {
		free(*list);
		*list = NULL;
	}
	return rc < 0 ? rc : (int)n;
}
