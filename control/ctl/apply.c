/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/apply.c - see apply.h. Runs in vduse-ctl, as its caller. All files are read before
 * anything is done: one with a mistake changes nothing.
 */
#include "control/ctl/apply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

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

#define AGAIN_MS 200

struct run {
	const struct tool_args *a;
	const struct tool_env *env;
	struct json_object *array; /* NULL: lines for a person */
	bool alone; /* no vdused is reached: there is no going on */
};

/* A device that is not there is no failure: *there says so. */
static int ask(struct run *r, const char *name, struct ctl_info *now, bool *there, struct err *e)
{
	struct tool_conn c;
	int rc = tool_connect(&c, r->a->socket, r->env, e);

	*there = false;
	r->alone = rc < 0;
	if (rc < 0)
		return rc;
	rc = tool_ask_device(&c, name, now, e);
	tool_disconnect(&c);
	*there = rc == 0;
	if (rc == 0 || e->class != CTL_E_NOT_FOUND)
		return rc;
	*e = (struct err){ 0 };
	return 0;
}

/*
 * At boot all devices of an owner are made at the same time, and an owner may have a few
 * connections only.
 */
static int create_in_turn(const struct run *r, const struct tool_args *args, int fd, char *node, struct err *e)
{
	const struct timespec pause = { .tv_nsec = AGAIN_MS * 1000000L };
	int rc;

	for (long long left = r->env->change_ms;; left -= AGAIN_MS) {
		rc = create_device(args, r->env, fd, node, VD_NODE_SIZE, e);
		if (rc == 0 || left <= 0 || e->class != CTL_E_LIMIT || strcmp(e->step, CTL_STEP_CONNECT) != 0)
			return rc;
		*e = (struct err){ 0 };
		(void)nanosleep(&pause, NULL);
	}
}

static int create(const struct run *r, const struct device_file *f, char *node, struct err *e)
{
	struct tool_args args;
	int rc = owner_become(f->owner, e), fd;

	if (rc < 0)
		return rc;
	device_file_args(f, r->a->socket, &args);
	fd = create_open(&args, e);
	owner_paths_are_mine(); /* root has the device made, and so may connect for its owner */
	rc = fd < 0 ? fd : 0;
	if (rc == 0 && !r->a->dry_run)
		rc = create_in_turn(r, &args, fd, node, e);
	owner_back();
	fd_close(&fd);
	return rc;
}

static int resize(const struct run *r, const char *name, uint64_t *size, struct err *e)
{
	struct tool_conn c;
	int rc = tool_connect(&c, r->a->socket, r->env, e);

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

/* What the plan says is done; when dry, looked at as far as that can be done. */
static int act(const struct run *r, const struct device_file *f, struct plan *p, struct err *e)
{
	switch (p->action) {
	case PLAN_CREATE:
		return create(r, f, p->now.node, e);
	case PLAN_RESIZE:
		return r->a->dry_run ? 0 : resize(r, f->name, &p->size, e);
	case PLAN_CONFLICT:
		return conflict(p, e);
	case PLAN_LATER:
		return err_class(e, CTL_E_BUSY, "it is being made or deleted: try again when that is over");
	case PLAN_NONE:
		break;
	}
	return 0;
}

/* Returns an exit status, what there is to say said. */
static int apply_one(struct run *r, const struct device_file *f, struct plan *p)
{
	struct ctl_info now;
	struct err e = { 0 };
	bool there, planned = ask(r, f->name, &now, &there, &e) == 0;

	if (planned) {
		plan_make(p, f, there ? &now : NULL);
		(void)act(r, f, p, &e);
	}
	if (r->array)
		apply_print_json(r->array, f, planned ? p : NULL, r->a->dry_run, &e);
	else if (!e.code)
		apply_print(f, p, r->a->dry_run);
	if (e.code)
		return tool_report(TOOL_APPLY, f->name, &e);
	return p->action == PLAN_NONE ? TOOL_OK : TOOL_CHANGED;
}

/* The first error; else whether anything was changed, or would be. */
static int worse(int status, int other)
{
	return status == TOOL_OK || (status == TOOL_CHANGED && other != TOOL_OK) ? other : status;
}

/* One failure does not keep the others from being made. */
static int apply_all(struct run *r, const struct device_dir *dir)
{
	struct plan *p = calloc(1, sizeof(*p));
	int status = TOOL_OK;
	struct err e = { 0 };

	if (!p) {
		(void)err_set(&e, -ENOMEM, "out of memory");
		return tool_report(TOOL_APPLY, NULL, &e);
	}
	for (size_t i = 0; i < dir->n && !r->alone; i++)
		status = worse(status, apply_one(r, &dir->entries[i].file, p));
	free(p);
	return status;
}

/* Programs are told of mistakes in the same form; nothing was done then. */
static void mistakes(struct run *r, const struct device_dir *dir)
{
	for (size_t i = 0; r->array && i < dir->n; i++)
		if (dir->entries[i].mistake.code)
			apply_print_json(r->array, &dir->entries[i].file, NULL, true, &dir->entries[i].mistake);
}

int tool_apply(const struct tool_args *a, const struct tool_env *env)
{
	struct run r = { .a = a, .env = env };
	struct device_dir dir;
	int status = device_dir_read(&dir, a), printed = TOOL_OK;

	r.array = a->json ? json_object_new_array() : NULL;
	if (a->units)
		status = worse(status, apply_units(&dir, a->units));
	else if (status == TOOL_OK)
		status = apply_all(&r, &dir);
	else
		mistakes(&r, &dir);
	device_dir_free(&dir);
	if (a->json)
		printed = print_json(r.array);
	return printed == TOOL_OK ? status : printed;
}
