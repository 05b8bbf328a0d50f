/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/create.c - create as a transaction. Runs in vdused's main process; every step that
 * can block is a helper. See control/device/state.h for the states and create.h for the contract.
 *
 *   check file -> create device -> start worker -> attach -> bind -> live
 *
 * Each step_*() starts one step, its on_*() gets the result and goes on; any failure, and a client
 * that has gone away, ends in fail(), which undoes what was done and reports the step by name.
 */
#include "control/ops/create.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/device/access.h"
#include "control/device/saved.h"
#include "control/ops/delete.h"
#include "control/steps/backing.h"
#include "control/steps/table.h"
#include "control/steps/vdpa_bus.h"
#include "control/steps/vduse_control.h"
#include "control/sys/autoprobe.h"
#include "control/sys/log_limit.h"
#include "control/watch/bind_watch.h"
#include "control/watch/respawn.h"

struct create { /* callbacks of the create that runs on a device */
	void (*file_taken)(struct device *d);
	device_done *done;
};

/* Both are the same for all devices: there is one caller, requests.c. */
static struct create calls;

static void autoprobe_path(const struct device *d, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s/autoprobe", d->svc->opt->runtime_dir);
}

static void let_autoprobe(struct device *d)
{
	char path[PATH_MAX];

	if (!d->holds_autoprobe)
		return;
	d->holds_autoprobe = false;
	autoprobe_path(d, path, sizeof(path));
	autoprobe_release(path);
}

static void on_undone(struct device *d, const struct err *e)
{
	if (e->code)
		log_error("%s: undoing a failed create: %s: %s: try \"vduse-ctl delete %s\"", d->name, e->step, e->text,
			  d->name);
	calls.done(d, &d->failure);
	if (!e->code)
		device_free(d);
}

static void fail(struct device *d, const struct err *e)
{
	d->failure = *e;
	if (!d->failure.step[0])
		msg_set_string(d->failure.step, sizeof(d->failure.step), d->step);
	if (quiet_may_log(d->owner.uid))
		log_warn("%s: create: %s: %s", d->name, d->failure.step, d->failure.text);
	let_autoprobe(d);
	if (d->attached)
		device_fail_mode(d); /* whose workers only help the device to go */
	teardown_run(d, true, on_undone);
}

/* Before each step: is there still somebody who wants the device, and a worker to serve it? */
static bool may_go_on(struct device *d, bool needs_worker)
{
	struct err e = { 0 };

	if (!d->client)
		(void)err_set(&e, -ECANCELED, "the client went away: cancelled");
	else if (needs_worker && d->worker->phase != WORKER_SERVING && !d->recovery.active)
		(void)err_set(&e, -EIO, "the worker died: see the log of vdused");
	if (e.code)
		fail(d, &e);
	return e.code == 0;
}

static void start(struct device *d, enum helper_id kind, struct helper_call *call, helper_done *done)
{
	struct err e = { 0 };

	device_step(d, helper_kinds[kind].name);
	call->uid = d->owner.uid;
	if (helper_start(d->svc->base, &helper_kinds[kind], call, done, d, &e))
		fail(d, &e);
}

/* ---- bind: virtio_vdpa takes the device, the disk appears ------------------------------------ */

/* When no worker stayed alive, that is the reason, and not that the kernel waited for one. */
static void bind_failed(struct device *d, const struct err *e)
{
	struct err why = *e;

	if (d->failure.code)
		(void)err_set(&why, d->failure.code, "no worker stays alive: %.300s: see the log of vdused",
			      d->failure.text);
	fail(d, &why);
}

static void on_bound(void *ctx, struct helper_result *res)
{
	struct device *d = ctx;
	struct err ok = { 0 };
	struct bus_node found;

	nudge_stop(d);
	memcpy(&found, res->data, sizeof(found));
	found.node[sizeof(found.node) - 1] = '\0';
	if (!res->err.code)
		memcpy(d->node, found.node, sizeof(d->node));
	if (res->err.code) {
		bind_failed(d, &res->err);
		return;
	}
	if (!may_go_on(d, true))
		return;
	if (d->fail_mode) { /* it came to that while the kernel looked for partitions */
		(void)err_set(&ok, -EIO, "no worker stays alive: see the log of vdused");
		bind_failed(d, &ok);
		return;
	}
	device_move(d, DEV_LIVE, "it is bound");
	log_note("%s: live as %s, serving %s (worker %d, uid %u)", d->name, d->node, d->backing.path,
		 (int)d->worker->pid, d->worker_uid);
	calls.done(d, &ok);
}

static void step_bind(struct device *d)
{
	struct bus_arg a = { 0 };
	struct helper_call call = { .arg = &a, .handle = &d->bus_helper };

	memcpy(a.name, d->name, sizeof(a.name));
	a.bus = d->bus;
	a.uid = d->owner.uid;
	a.gid = d->owner.gid;
	nudge_start(d);
	start(d, HELPER_BIND, &call, on_bound);
}

/*
 * Before a step makes what *flag stands for: the record says so already, so that a vdused after
 * this one would undo it. What is there under that name now is somebody else's, and must not get
 * into the record.
 */
static int intend(struct device *d, const char *dir, const char *what, bool *flag, struct err *e)
{
	char path[96];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, d->name);
	if (access(path, F_OK) == 0)
		return err_set(e, -EEXIST, "%s \"%s\" that is not ours: choose another name", what, d->name);
	*flag = true;
	if (record_save(d) == 0)
		return 0;
	*flag = false;
	return err_set(e, -EIO, "its record cannot be written to %s/device: make room there", d->svc->opt->runtime_dir);
}

/* ---- attach: onto the vdpa bus --------------------------------------------------------------- */

static void on_added(void *ctx, struct helper_result *res)
{
	struct device *d = ctx;

	let_autoprobe(d);
	if (res->err.code == -EEXIST) {
		d->attached = false; /* somebody else's: not ours to remove */
		(void)record_save(d);
	}
	if (res->err.code)
		fail(d, &res->err);
	else if (may_go_on(d, true))
		step_bind(d);
}

static void step_attach(struct device *d)
{
	struct bus_arg a = { 0 };
	struct helper_call call = { .arg = &a };
	struct err e = { 0 };
	char path[PATH_MAX];

	device_step(d, "attach");
	autoprobe_path(d, path, sizeof(path));
	if (intend(d, "/sys/bus/vdpa/devices", "the vdpa bus already has a device", &d->attached, &e) ||
	    device_mark_probe(d, &e) || autoprobe_hold(path, &e)) {
		d->attached = false;
		fail(d, &e);
		return;
	}
	d->holds_autoprobe = true;
	memcpy(a.name, d->name, sizeof(a.name));
	a.bus = d->bus;
	start(d, HELPER_ATTACH, &call, on_added);
}

/* ---- start worker ---------------------------------------------------------------------------- */

static void on_serving(struct device *d, const struct err *e)
{
	if (e->code)
		fail(d, e);
	else if (may_go_on(d, true))
		step_attach(d);
}

static void step_worker(struct device *d)
{
	struct err e = { 0 };

	device_step(d, "start worker");
	d->worker_uid = uids_take(&d->svc->uids);
	if (!d->worker_uid)
		(void)err_set(&e, -ENOSPC, "all worker uids are taken: delete a device, or widen vdused --worker-uids");
	else if (!device_state_create(d, &e))
		(void)worker_start(d->worker, false, on_serving, &e);
	if (e.code)
		fail(d, &e);
}

/* ---- create device --------------------------------------------------------------------------- */

static void on_created(void *ctx, struct helper_result *res)
{
	struct device *d = ctx;

	/* A helper that died or was given up may have made it; one that says no has not. */
	d->has_kernel_dev = res->err.code == 0 || res->err.code == -ETIMEDOUT || res->err.code == -EIO;
	(void)record_save(d);
	if (res->err.code)
		fail(d, &res->err);
	else if (may_go_on(d, false))
		step_worker(d);
}

static void step_create(struct device *d)
{
	struct vduse_arg a = { 0 };
	struct helper_call call = { .arg = &a };
	struct err e = { 0 };

	memcpy(a.name, d->name, sizeof(a.name));
	device_blk_params(d, &a.blk);
	a.bounce_size = d->bounce_size;
	device_step(d, "create device");
	if (intend(d, "/sys/class/vduse", "the kernel already has a VDUSE device", &d->has_kernel_dev, &e))
		fail(d, &e);
	else
		start(d, HELPER_CREATE_DEVICE, &call, on_created);
}

/* ---- check file ------------------------------------------------------------------------------ */

static int take_file(struct device *d, struct helper_result *res, struct err *e)
{
	struct device *other;

	if (res->err.code) {
		*e = res->err;
		return e->code;
	}
	if (res->nfds != 1)
		return err_set(e, -EIO, "the check ended without a file");
	d->path_fd = fd_take(&res->fds[0]);
	memcpy(&d->backing, res->data, sizeof(d->backing));
	d->backing.path[sizeof(d->backing.path) - 1] = '\0';
	other = device_conflict(d);
	if (other && !access_sees(other, &d->owner))
		return err_set(e, -EBUSY, "%s is already in use by a device of somebody else's: use another file",
			       d->backing.path);
	if (other)
		return err_set(e, -EBUSY,
			       "%s is already in use by device \"%s\": use another file, or delete that device",
			       d->backing.path, other->name);
	return access_size(d, e);
}

static void on_checked(void *ctx, struct helper_result *res)
{
	struct device *d = ctx;
	struct err e = { 0 };

	calls.file_taken(d);
	if (take_file(d, res, &e))
		fail(d, &e);
	else if (may_go_on(d, false))
		step_create(d);
}

int create_run(struct device *d, int client_fd, void (*file_taken)(struct device *d), device_done *done, struct err *e)
{
	struct backing_check_arg a = { 0 };
	struct helper_call call = { .arg = &a, .fds = { client_fd }, .nfds = 1, .uid = d->owner.uid };

	calls.file_taken = file_taken;
	calls.done = done;
	device_step(d, STEP_CHECK_FILE);
	a.how.block_size = d->block_size;
	a.how.read_only = d->flags & CTL_F_READ_ONLY;
	a.how.direct = d->flags & CTL_F_DIRECT;
	a.owner = d->owner;
	return helper_start(d->svc->base, &helper_kinds[HELPER_CHECK_FILE], &call, on_checked, d, e);
}
