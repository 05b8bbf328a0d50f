/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/apply.c - see apply.h. Runs in vduse-ctl, as its caller. All files are read before
 * anything is done: one with a mistake changes nothing.
 */
#include "control/ctl/apply.h"

#include <errno.h>
#include <stdlib.h>

#include "common/fd.h"
#include "control/ctl/apply_print.h"
#include "control/ctl/apply_units.h"
#include "control/ctl/ask.h"
#include "control/ctl/create.h"
#include "control/ctl/device_dir.h"
#include "control/ctl/owner.h"
#include "control/ctl/plan.h"
#include "control/ctl/report.h"
#include "control/ctl/resize.h"

/* A device that is not there is no failure: *there says so. */
static int ask(const struct tool_args *a, const struct tool_env *env, const char *name, struct ctl_info *now,
	       bool *there, struct err *e)
{
	struct tool_conn c;
	int rc = tool_connect(&c, a->socket, env, e);

	if (rc == 0)
		rc = tool_ask_device(&c, name, now, e);
	tool_disconnect(&c);
	*there = rc == 0;
	if (rc == 0 || e->class != CTL_E_NOT_FOUND)
		return rc;
	*e = (struct err){ 0 };
	return 0;
}

static int create(const struct tool_args *a, const struct tool_env *env, const struct device_file *f, char *node,
		  struct err *e)
{
	struct tool_args args;
	int rc = owner_become(f->owner, e), fd;

	if (rc < 0)
		return rc;
	device_file_args(f, a->socket, &args);
	fd = create_open(&args, e);
	owner_paths_are_mine(); /* root has the device made, and so may connect for its owner */
	rc = create_device(&args, env, fd, node, VD_NODE_SIZE, e);
	owner_back();
	fd_close(&fd);
	return rc;
}

static int resize(const struct tool_args *a, const struct tool_env *env, const char *name, uint64_t *size,
		  struct err *e)
{
	struct tool_conn c;
	int rc = tool_connect(&c, a->socket, env, e);

	if (rc == 0)
		rc = resize_device(&c, name, 0, size, e);
	tool_disconnect(&c);
	return rc;
}

static int conflict(const struct plan *p, struct err *e)
{
	const struct difference *d = &p->differ[0];
	char more[32] = "";

	if (p->n > 1)
		(void)snprintf(more, sizeof(more), ", and %zu more", p->n - 1);
	return err_class(
		e, CTL_E_EXISTS,
		"%s is \"%.80s\" and its file says \"%.80s\"%s: that cannot be changed while it exists; delete "
		"it first, or change the file",
		d->setting, d->is, d->wanted, more);
}

/* What the plan says is done, unless it is only to be told. */
static int act(const struct tool_args *a, const struct tool_env *env, const struct device_file *f, struct plan *p,
	       struct err *e)
{
	if (p->action == PLAN_CONFLICT)
		return conflict(p, e);
	if (a->dry_run)
		return 0;
	if (p->action == PLAN_CREATE)
		return create(a, env, f, p->now.node, e);
	if (p->action == PLAN_RESIZE)
		return resize(a, env, f->name, &p->size, e);
	return 0;
}

/* Returns an exit status, what there is to say said. */
static int apply_one(const struct tool_args *a, const struct tool_env *env, const struct device_file *f, struct plan *p,
		     struct json_object *array)
{
	struct ctl_info now;
	struct err e = { 0 };
	bool there = false;

	plan_make(p, f, NULL);
	if (ask(a, env, f->name, &now, &there, &e) == 0) {
		plan_make(p, f, there ? &now : NULL);
		(void)act(a, env, f, p, &e);
	} else {
		p->action = PLAN_NONE;
	}
	if (array)
		apply_print_json(array, f, p, a->dry_run, &e);
	else if (!e.code)
		apply_print(f, p, a->dry_run);
	if (e.code)
		return tool_report(TOOL_APPLY, f->name, &e);
	return p->action == PLAN_NONE ? TOOL_OK : TOOL_CHANGED;
}

/* The first error; else whether anything was changed, or would be. */
static int worse(int status, int other)
{
	return status == TOOL_OK || (status == TOOL_CHANGED && other != TOOL_OK) ? other : status;
}

/* One failure does not keep the others from being made; but without vdused there is no going on. */
static int apply_all(const struct tool_args *a, const struct tool_env *env, const struct device_dir *dir)
{
	struct json_object *array = a->json ? json_object_new_array() : NULL;
	struct plan *p = calloc(1, sizeof(*p));
	int status = TOOL_OK, one = TOOL_OK;
	struct err e = { 0 };

	if (!p) {
		(void)err_set(&e, -ENOMEM, "out of memory");
		status = tool_report(TOOL_APPLY, NULL, &e);
	}
	for (size_t i = 0; p && i < dir->n && one != CTL_E_PROTOCOL; i++) {
		one = apply_one(a, env, &dir->files[i], p, array);
		status = worse(status, one);
	}
	free(p);
	one = a->json ? print_json(array) : TOOL_OK;
	return one == TOOL_OK ? status : one;
}

int tool_apply(const struct tool_args *a, const struct tool_env *env)
{
	struct device_dir dir;
	int status = device_dir_read(&dir, a);

	if (a->units)
		status = worse(status, apply_units(&dir, a->units));
	else if (status == TOOL_OK)
		status = apply_all(a, env, &dir);
	device_dir_free(&dir);
	return status;
}
