/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/create.c - create as a transaction. Runs in vdused's main process; every step that
 * can block is a helper. See control/device/operation.h for how one step follows another, state.h
 * there for the states, and create.h for the contract.
 */
#include "control/ops/create.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/device/access.h"
#include "control/device/equip.h"
#include "control/device/saved.h"
#include "control/ops/delete.h"
#include "control/steps/backing.h"
#include "control/steps/vdpa_bus.h"
#include "control/steps/vduse_control.h"
#include "control/sys/autoprobe.h"
#include "control/sys/log_limit.h"
#include "control/watch/bind_watch.h"

static step_begin check_begin, kernel_begin, worker_begin, attach_begin, bind_begin;
static step_take check_take, kernel_take, attach_take, bind_take;
static void create_end(struct device *d, struct err *e);
static void create_failed(struct device *d, const struct err *e);

static const struct step steps[] = {
	/* undone by, in delete.c: the close of path_fd */
	{ STEP_CHECK_FILE, check_begin, check_take, STEP_SHOWN | STEP_CLIENT },
	/* "destroy device" */
	{ "create device", kernel_begin, kernel_take, STEP_SHOWN | STEP_CLIENT },
	/* "stop worker" */
	{ "start worker", worker_begin, NULL, STEP_SHOWN | STEP_CLIENT | STEP_WORKER },
	/* "detach" */
	{ "attach", attach_begin, attach_take, STEP_SHOWN | STEP_CLIENT | STEP_WORKER },
	{ "bind", bind_begin, bind_take, STEP_SHOWN | STEP_CLIENT | STEP_WORKER },
};

const struct operation op_create = {
	.name = "create",
	.steps = steps,
	.nsteps = sizeof(steps) / sizeof(steps[0]),
	.end = create_end,
	.failed = create_failed,
	.undo = &op_delete,
};

int create_run(struct device *d, int client_fd, void (*file_taken)(struct device *d), device_done *done, struct err *e)
{
	d->client_fd = client_fd;
	return op_begin(d, &op_create, file_taken, done, e);
}

/* ---- check file ------------------------------------------------------------------------------ */

static int check_begin(struct device *d, struct err *e)
{
	struct backing_check_arg a = { 0 };
	struct helper_call call = { .arg = &a, .fds = { d->client_fd }, .nfds = 1 };

	a.how.block_size = d->block_size;
	a.how.read_only = d->flags & CTL_F_READ_ONLY;
	a.how.direct = d->flags & CTL_F_DIRECT;
	a.owner = d->owner;
	return op_helper(d, HELPER_CHECK_FILE, &call, e);
}

static int check_take(struct device *d, struct helper_result *r, struct err *e)
{
	struct device *other;

	if (r->err.code)
		return op_result(r, e);
	if (r->nfds != 1)
		return err_set(e, -EIO, "the check ended without a file");
	d->path_fd = fd_take(&r->fds[0]);
	memcpy(&d->backing, r->data, sizeof(d->backing));
	d->backing.path[sizeof(d->backing.path) - 1] = '\0';
	other = device_conflict(d);
	if (other && !access_sees(other, &d->owner))
		return err_class(e, CTL_E_BUSY, "%s is already in use by a device of somebody else's: use another file",
				 d->backing.path);
	if (other)
		return err_class(e, CTL_E_BUSY,
				 "%s is already in use by device \"%s\": use another file, or delete that device",
				 d->backing.path, other->name);
	return access_size(d, e);
}

/* ---- create device --------------------------------------------------------------------------- */

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
		return err_class(e, CTL_E_EXISTS, "%s \"%s\" that is not ours: choose another name", what, d->name);
	*flag = true;
	if (saved_write(d) == 0)
		return 0;
	*flag = false;
	return err_set(e, -EIO, "its record cannot be written to %s/device: make room there", d->svc->opt->runtime_dir);
}

static int kernel_begin(struct device *d, struct err *e)
{
	struct vduse_arg a = { 0 };

	memcpy(a.name, d->name, sizeof(a.name));
	device_blk_params(d, &a.blk);
	a.bounce_size = d->bounce_size;
	if (intend(d, "/sys/class/vduse", "the kernel already has a VDUSE device", &d->has_kernel_dev, e))
		return e->code;
	return op_helper(d, HELPER_CREATE_DEVICE, &(struct helper_call){ .arg = &a }, e);
}

static int kernel_take(struct device *d, struct helper_result *r, struct err *e)
{
	/* A helper that died or was given up may have made it; one that says no has not. */
	d->has_kernel_dev = r->err.code == 0 || r->err.code == -ETIMEDOUT || r->err.code == -EIO;
	(void)saved_write(d);
	return op_result(r, e);
}

/* ---- start worker ---------------------------------------------------------------------------- */

static int worker_begin(struct device *d, struct err *e)
{
	d->worker_uid = uid_pool_take(&d->svc->uids);
	if (!d->worker_uid)
		return err_class(e, CTL_E_LIMIT,
				 "all worker uids are taken: delete a device, or widen vdused --worker-uids");
	if (device_state_create(d, e))
		return e->code;
	return equip_start(d, d->worker, false, op_step_ended, e);
}

/* ---- attach: onto the vdpa bus --------------------------------------------------------------- */

static void autoprobe_path(const struct device *d, char *buf, size_t size)
{
	(void)snprintf(buf, size, "%s/autoprobe", d->svc->opt->runtime_dir);
}

static void let_autoprobe(struct device *d)
{
	char path[PATH_MAX];

	if (!d->autoprobe_is_off)
		return;
	d->autoprobe_is_off = false;
	autoprobe_path(d, path, sizeof(path));
	autoprobe_on(path);
}

static int attach_begin(struct device *d, struct err *e)
{
	struct bus_arg a = { 0 };
	char path[PATH_MAX];

	autoprobe_path(d, path, sizeof(path));
	if (intend(d, "/sys/bus/vdpa/devices", "the vdpa bus already has a device", &d->attached, e) ||
	    device_mark_probe(d, e) || autoprobe_off(path, e)) {
		d->attached = false;
		return e->code;
	}
	d->autoprobe_is_off = true;
	memcpy(a.name, d->name, sizeof(a.name));
	a.bus = d->bus;
	return op_helper(d, HELPER_ATTACH, &(struct helper_call){ .arg = &a }, e);
}

static int attach_take(struct device *d, struct helper_result *r, struct err *e)
{
	let_autoprobe(d);
	if (r->err.code == -EEXIST) {
		d->attached = false; /* somebody else's: not ours to remove */
		(void)saved_write(d);
	}
	return op_result(r, e);
}

/* ---- bind: virtio_vdpa takes the device, the disk appears ------------------------------------ */

static int bind_begin(struct device *d, struct err *e)
{
	struct bus_arg a = { 0 };

	memcpy(a.name, d->name, sizeof(a.name));
	a.bus = d->bus;
	a.uid = d->owner.uid;
	a.gid = d->owner.gid;
	return bind_watch_helper(d, HELPER_BIND, &a, e);
}

static int bind_take(struct device *d, struct helper_result *r, struct err *e)
{
	const struct err *why = &d->op.cut;
	struct bus_node found;

	bind_watch_stop(d);
	memcpy(&found, r->data, sizeof(found));
	found.node[sizeof(found.node) - 1] = '\0';
	if (!r->err.code)
		memcpy(d->node, found.node, sizeof(d->node));
	/* when no worker stayed alive, that is the reason, not that the kernel waited for one */
	if (why->code && (r->err.code || d->fail_mode)) {
		*e = *why;
		return err_reword(e, "no worker stays alive: %.300s: see the log of vdused", why->text);
	}
	/* that came while the kernel looked for partitions */
	if (!r->err.code && d->fail_mode)
		return err_set(e, -EIO, "no worker stays alive: see the log of vdused");
	(void)op_result(r, e);
	if (e->code == -ETIMEDOUT && (d->respawn.tries || d->worker->phase != WORKER_SERVING))
		return err_reword(e, "%.300s, as no worker stays alive: see the log of vdused", r->err.text);
	return e->code;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void create_end(struct device *d, struct err *e)
{
	(void)e;
	device_move(d, DEV_LIVE, "it is bound");
	log_note("%s: live as %s, serving %s (worker %d, uid %u)", d->name, d->node, d->backing.path,
		 (int)d->worker->pid, d->worker_uid);
}

static void create_failed(struct device *d, const struct err *e)
{
	if (log_limit_allows(d->owner.uid))
		log_warn("%s: create: %s: %s", d->name, e->step, e->text);
	let_autoprobe(d);
	if (d->attached)
		device_fail_mode(d); /* whose workers only help the device to go */
	d->force = true;
}
