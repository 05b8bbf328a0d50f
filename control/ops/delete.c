/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/delete.c - removing a device, or what a failed create left of it. Runs in vdused's
 * main process.
 *
 * Detaching needs a worker that answers: without one the kernel waits for its message timeout, and
 * with I/O in flight for ever. So a dead worker is replaced first. And its file is its owner's
 * again only when nothing that a worker began can reach it any more (control/sys/fence.h).
 */
#include "control/ops/delete.h"

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "common/err.h"
#include "common/fd.h"
#include "common/log.h"
#include "control/device/saved.h"
#include "control/helper/close_elsewhere.h"
#include "control/steps/vdpa_bus.h"
#include "control/steps/vduse_control.h"
#include "control/sys/fence.h"
#include "control/watch/bind_watch.h"
#include "control/watch/respawn.h"

#define LOOK_AGAIN_MS 50
#define LAST_IO_MS 30000
/* a spawn step has ended by then, or was killed */
#define SPAWNED_MS (helper_kinds[HELPER_SPAWN].deadline_ms + 1000U)

static void delete_start(struct device *d);
static step_begin worker_begin, detach_begin, stop_begin, io_begin, close_begin, destroy_begin;
static step_take worker_take, detach_take, close_take, destroy_take;
static void delete_end(struct device *d, struct err *e);

static const struct step steps[] = {
	{ "get worker", worker_begin, worker_take, STEP_SHOWN | STEP_AS_NEXT },
	{ "detach", detach_begin, detach_take, STEP_SHOWN },
	{ "stop worker", stop_begin, NULL, STEP_SHOWN },
	{ "wait for I/O", io_begin, NULL, STEP_SHOWN },
	{ "close file", close_begin, close_take, STEP_SHOWN },
	{ "destroy device", destroy_begin, destroy_take, STEP_SHOWN },
};

const struct operation op_delete = {
	.name = "delete",
	.steps = steps,
	.nsteps = sizeof(steps) / sizeof(steps[0]),
	.start = delete_start,
	.end = delete_end,
	.frees = true,
};

void delete_run(struct device *d, bool force, device_done *done)
{
	d->force = force;
	op_start(d, &op_delete, done);
}

static void delete_start(struct device *d)
{
	d->detach.again_until = now_ms() + SPAWNED_MS;
	d->detach.io_since = 0;
	device_move(d, DEV_DELETING, "it is to go");
}

/* ---- get worker ------------------------------------------------------------------------------ */

static int worker_begin(struct device *d, struct err *e)
{
	(void)e;
	if (!d->attached && !d->adopting)
		return STEP_SKIP;
	if (device_needs_worker(d) && !device_has_worker(d))
		respawn_now(d);
	return respawn_wait(d);
}

/* Detaching would wait for a worker that answers later, and break the device before. */
static int worker_take(struct device *d, struct helper_result *served, struct err *e)
{
	if (!d->attached) /* there was something to wait for all the same */
		return 0;
	if (served->err.code && (d->respawn.frozen || (d->respawn.io_since && !d->force)))
		return op_result(served, e);
	if (!d->force && cgroup_frozen(d->name))
		return err_class(
			e, CTL_E_BUSY,
			"its worker is in a frozen cgroup: write 0 to cgroup.freeze there, or delete it with --force "
			"and lose what is unwritten");
	if (served->err.code)
		log_warn("%s: detaching without a worker: %s", d->name, served->err.text);
	return 0;
}

/* ---- detach ---------------------------------------------------------------------------------- */

static bool somebody_spawns(const struct service *svc)
{
	const struct device *d;

	TAILQ_FOREACH(d, &svc->devices, link)
		if (d->slot[0].phase == WORKER_SPAWNING || d->slot[1].phase == WORKER_SPAWNING)
			return true;
	return false;
}

static int detach_begin(struct device *d, struct err *e)
{
	struct bus_arg a = { 0 };

	if (!d->attached)
		return STEP_SKIP;
	memcpy(a.name, d->name, sizeof(a.name));
	a.force = d->force;
	a.bus = d->bus;
	a.uid = d->owner.uid;
	a.gid = d->owner.gid;
	a.interrupted = d->detach.cut;
	d->detach.beside_spawn = somebody_spawns(d->svc);
	return bind_watch_helper(d, HELPER_DETACH, &a, e);
}

/*
 * A worker's jail begins as a copy of our mounts (control/steps/spawn.c), and so for a moment one
 * that was just unmounted holds the disk. What was busy while such a step ran is looked at again,
 * when those that ran have ended at the latest.
 */
static bool looks_again(const struct device *d, int code)
{
	return code == -EBUSY && d->bus == CTL_BUS_VIRTIO && d->detach.beside_spawn && now_ms() < d->detach.again_until;
}

static int detach_take(struct device *d, struct helper_result *r, struct err *e)
{
	int code = r->err.code;

	bind_watch_stop(d);
	/* killed, not ended */
	d->detach.cut = code == -ETIMEDOUT || code == -EIO;
	if (looks_again(d, code) && op_again(d, LOOK_AGAIN_MS) == STEP_ELSEWHERE)
		return STEP_ELSEWHERE;
	if (code == -ETIMEDOUT)
		op_leaves_behind(d); /* takes the node away once it can */
	if (code == -ETIMEDOUT && !d->force)
		return err_class(
			e, CTL_E_BUSY,
			"it did not let go within %u s: I/O is still under way, or its worker does not serve; the disk "
			"goes when that has ended: delete it again then, or with --force and lose what is unwritten",
			helper_kinds[HELPER_DETACH].deadline_ms / 1000);
	if (code)
		return op_result(r, e);
	d->attached = false;
	memset(d->node, 0, sizeof(d->node));
	(void)saved_write(d);
	return 0;
}

/* ---- stop worker ----------------------------------------------------------------------------- */

static int stop_begin(struct device *d, struct err *e)
{
	(void)e;
	respawn_cancel(d);
	worker_stop(d->worker, op_step_over);
	return 0;
}

/* ---- wait for I/O ---------------------------------------------------------------------------- */

static int say_why(const struct device *d, int rc, struct err *e)
{
	if (rc != FENCE_HELD)
		return err_set(e, rc, "its state file: %s", err_str(rc));
	return err_class(e, CTL_E_BUSY,
			 "I/O that its worker began has not ended, and may still change %.200s: wait for that disk, "
			 "then delete it again",
			 d->backing.path);
}

/* By force as well: that loses what is unwritten, but nothing is written after the answer. */
static int io_begin(struct device *d, struct err *e)
{
	char path[PATH_MAX];
	long long waited;
	int rc;

	device_state_path(d, path);
	rc = fence_look(path);
	if (rc == 0)
		return STEP_SKIP;
	if (!d->detach.io_since)
		d->detach.io_since = now_ms();
	waited = now_ms() - d->detach.io_since;
	if (waited < LAST_IO_MS && op_step_again(d, (unsigned)fence_pause_ms(waited)) == STEP_ELSEWHERE)
		return STEP_ELSEWHERE;
	return say_why(d, rc, e);
}

/* ---- close file ------------------------------------------------------------------------------ */

/* Whoever deletes a device may unmount what its file lies on. */
static int close_begin(struct device *d, struct err *e)
{
	(void)e;
	if (d->path_fd < 0 || close_elsewhere_and_tell(d->svc->base, &d->path_fd, d->owner.uid, op_helper_ended, d))
		return STEP_SKIP;
	return 0;
}

/* It may be anything that takes so long: no reason not to go on. */
static int close_take(struct device *d, struct helper_result *r, struct err *e)
{
	(void)d;
	(void)r;
	(void)e;
	return 0;
}

/* ---- destroy device -------------------------------------------------------------------------- */

static int destroy_begin(struct device *d, struct err *e)
{
	struct vduse_arg a = { 0 };

	if (!d->has_kernel_dev)
		return STEP_SKIP;
	memcpy(a.name, d->name, sizeof(a.name));
	return op_helper(d, HELPER_DESTROY_DEVICE, &(struct helper_call){ .arg = &a }, e);
}

static int destroy_take(struct device *d, struct helper_result *r, struct err *e)
{
	d->has_kernel_dev = r->err.code != 0;
	/*
	 * an attach that vdused gave up has come through after all: the next delete has to detach,
	 * with a worker for that only
	 */
	if (r->err.code == -EBUSY && bus_has(d->name)) {
		d->attached = true;
		device_fail_mode(d);
	}
	return op_result(r, e);
}

/* ---- the end --------------------------------------------------------------------------------- */

static void delete_end(struct device *d, struct err *e)
{
	/*
	 * As if nothing had been? Not when its driver is gone. The kernel hides the driver for as
	 * long as it lets go, though.
	 */
	bool whole = e->code == -EBUSY && (d->op.goes_on || bus_is_bound(d->name));

	if (!e->code)
		return;
	d->force = false;
	device_move(d, device_rest_state(d, whole), e->text);
}
