/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/apply_print.c - see apply_print.h. Runs in vduse-ctl, as its caller. The manual,
 * vduse-ctl(8), documents every member of the JSON: change both together, and only add.
 */
#include "control/ctl/apply_print.h"

#include "control/ctl/print.h"

static const char *const words[PLAN_LAST + 1] = {
	[PLAN_NONE] = "none",         [PLAN_CREATE] = "create", [PLAN_RESIZE] = "resize",
	[PLAN_CONFLICT] = "conflict", [PLAN_LATER] = "later",
};

/* What is no matter of its file, and yet not as it should be. */
static const char *but(const struct plan *p)
{
	if (p->now.state == CTL_DEV_FAILED)
		return ", but it has failed: see \"vduse-ctl show\"";
	if (p->now.state == CTL_DEV_STOPPED)
		return ", but it is stopped: see \"vduse-ctl show\"";
	return "";
}

void apply_print(const struct device_file *f, const struct plan *p, bool dry)
{
	char size[16];

	print_size(p->size, size);
	if (p->action == PLAN_CREATE && dry)
		(void)printf("%s: would be created\n", f->name);
	else if (p->action == PLAN_CREATE)
		(void)printf("%s: created: %s\n", f->name, p->now.node);
	else if (p->action == PLAN_RESIZE)
		(void)printf("%s: %s to %s: its file has grown\n", f->name, dry ? "would be resized" : "resized", size);
	else if (p->action == PLAN_NONE)
		(void)printf("%s: is as its file says%s\n", f->name, but(p));
}

static struct json_object *differences(const struct plan *p)
{
	struct json_object *array = json_object_new_array(), *o;

	for (size_t i = 0; array && p && i < p->n; i++) {
		o = json_object_new_object();
		if (!o)
			break;
		json_text(o, "setting", p->differ[i].setting);
		json_text(o, "is", p->differ[i].is);
		json_text(o, "wanted", p->differ[i].wanted);
		(void)json_object_array_add(array, o);
	}
	return array;
}

void apply_print_json(struct json_object *array, const struct device_file *f, const struct plan *p, bool dry,
		      const struct err *e)
{
	struct json_object *o = json_object_new_object();
	bool does = p && (p->action == PLAN_CREATE || p->action == PLAN_RESIZE);

	if (!o)
		return;
	json_text(o, "name", f->name);
	json_text(o, "action", p ? words[p->action] : NULL);
	json_flag(o, "changed", does && !dry && !e->code);
	json_text(o, "node", p ? p->now.node : NULL);
	json_text(o, "state", p && p->now.state ? ctl_state_text(p->now.state) : NULL);
	(void)json_object_object_add(o, "differences", differences(p));
	json_text(o, "error", e->text);
	(void)json_object_array_add(array, o);
}
