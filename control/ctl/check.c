/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/check.c - vduse-ctl check: runs every probe, prints the findings. Runs as the tool's
 * caller; see check.h.
 */
#include "control/ctl/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>

#include "common/fd.h"
#include "control/ctl/args.h"
#include "control/ctl/ask.h"
#include "control/ctl/check_host.h"
#include "control/ctl/check_netlink.h"
#include "control/ctl/command.h"
#include "control/ctl/findings.h"
#include "control/ctl/json.h"
#include "control/ctl/report.h"

static const char *status_text(enum check_status status)
{
	switch (status) {
	case CHECK_OK:
		return "ok";
	case CHECK_WARNING:
		return "warning";
	case CHECK_MISSING:
		break;
	}
	return "missing";
}

static void check_supervisor(struct check_list *l, const char *socket, const struct tool_env *env)
{
	struct ctl_version_is v;
	struct check_item *i;
	struct err e = { 0 };

	if (tool_ask_version(socket, env, &v, &e) < 0) {
		/* whoever may not ask cannot know */
		(void)check_add(l, "vdused", e.class == CTL_E_DENIED ? CHECK_WARNING : CHECK_MISSING, "%s", e.text);
		return;
	}
	i = check_add(l, "vdused", CHECK_OK, "answers: version %s, pid %u, devices: %u", v.version, v.pid, v.devices);
	if (strcmp(v.version, VDUSED_VERSION) != 0) {
		i->status = CHECK_WARNING;
		check_remedy(i, "this tool is of version " VDUSED_VERSION ": restart vdused after an upgrade");
	}
}

static int run_probes(struct check_list *l, const struct tool_args *a, const struct tool_env *env, struct err *e)
{
	int root = open(env->root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	const char *release = env->release;
	struct utsname uts;

	if (root < 0)
		return err_set(e, -errno, "%s: %s", env->root, err_str(-errno));
	if (!release && uname(&uts) == 0)
		release = uts.release;
	check_kernel(l, release ? release : "");
	check_modules(l, root, release ? release : "");
	check_control_node(l, root);
	check_netlink(l);
	check_seccomp(l, root);
	check_cgroup(l, root);
	check_privileges(l, root);
	check_supervisor(l, a->socket, env);
	fd_close(&root);
	return 0;
}

static void print_items(const struct check_list *l)
{
	for (size_t n = 0; n < l->n; n++) {
		const struct check_item *i = &l->items[n];

		(void)printf("%-8s %-24s %s%s%s\n", status_text(i->status), i->item, i->detail,
			     i->remedy[0] ? "; remedy: " : "", i->remedy);
	}
}

static int print_items_json(const struct check_list *l)
{
	struct json_object *array = json_object_new_array();

	for (size_t n = 0; array && n < l->n; n++) {
		struct json_object *o = json_object_new_object();

		if (!o)
			break;
		json_text(o, "item", l->items[n].item);
		json_text(o, "status", status_text(l->items[n].status));
		json_text(o, "detail", l->items[n].detail);
		json_text(o, "remedy", l->items[n].remedy);
		(void)json_object_array_add(array, o);
	}
	return print_json(array);
}

int tool_check(const struct tool_args *a, const struct tool_env *env)
{
	struct check_list list = { 0 };
	struct err e = { 0 };
	int status = TOOL_OK;

	if (run_probes(&list, a, env, &e) < 0)
		return tool_report(TOOL_CHECK, NULL, &e);
	if (a->json)
		status = print_items_json(&list);
	else
		print_items(&list);
	for (size_t n = 0; n < list.n; n++)
		if (list.items[n].status == CHECK_MISSING)
			status = CTL_E_FAILED;
	return status;
}
