/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/delete.c - removing a device, or what a failed create left of it. Runs in vdused's
 * main process.
 *
 *   (a serving worker) -> detach -> stop worker -> close file -> destroy
 *
 * Detaching needs a worker that answers: without one the kernel waits for its message timeout, and
 * with I/O in flight for ever. So a dead worker is replaced first.
 */
#include "control/ops/delete.h"

#include <errno.h>
#include <string.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/device/saved.h"
#include "control/helper/close_elsewhere.h"
#include "control/steps/table.h"
#include "control/steps/vdpa_bus.h"
#include "control/steps/vduse_control.h"
#include "control/watch/bind_watch.h"
#include "control/watch/respawn.h"

#define LOOK_AGAIN_MS 50
/* a spawn step has ended by then, or was killed */
#define SPAWNED_MS (helper_kinds[HELPER_SPAWN].deadline_ms + 1000U)

/* goes_on: what the kernel is still at, "" when nothing. */
static void end_at(struct device *d, const struct err *e, const char *goes_on)
{
	device_done *done = d->torn_down;
	struct err copy = *e;
	/*
	 * As if nothing had been? Not when its driver is gone. The kernel hides the driver for as
	 * long as it lets go, though.
	 */
	bool whole = copy.code == -EBUSY && (goes_on[0] || bus_is_bound(d->name));

	if (copy.code && !copy.step[0])
		msg_set_string(copy.step, sizeof(copy.step), d->step);
	d->torn_down = NULL;
	if (copy.code) {
		d->force = false;
		device_move(d, device_rest_state(d, whole), copy.text);
	}
	device_step(d, goes_on);
	done(d, &copy);
}

static void end(struct device *d, const struct err *e)
{
	end_at(d, e, "");
}

static void on_destroyed(void *ctx, struct helper_result *res)
{
	struct device *d = ctx;

	d->has_kernel_dev = res->err.code != 0;
	/*
	 * an attach that vdused gave up has come through after all: the next delete has to detach,
	 * with a worker for that only
	 */
	if (res->err.code == -EBUSY && bus_has(d->name)) {
		d->attached = true;
		device_fail_mode(d);
	}
	end(d, &res->err);
}

static void step_destroy(struct device *d)
{
	struct vduse_arg a = { 0 };
	struct helper_call call = { .arg = &a, .uid = d->owner.uid };
	struct err e = { 0 };

	if (!d->has_kernel_dev) {
		end(d, &e);
		return;
	}
	device_step(d, "destroy device");
	memcpy(a.name, d->name, sizeof(a.name));
	if (helper_start(d->svc->base, &helper_kinds[HELPER_DESTROY_DEVICE], &call, on_destroyed, d, &e))
		end(d, &e);
}

static void on_closed(void *ctx, struct helper_result *res)
{
	(void)res;
	step_destroy(ctx);
}

/* Whoever deletes a device may unmount what its file lies on. */
static void step_close(struct device *d)
{
	device_step(d, "close file");
	if (d->path_fd < 0 || closer_close_now(d->svc->base, &d->path_fd, d->owner.uid, on_closed, d))
		step_destroy(d);
}

static void step_stop(struct device *d)
{
	device_step(d, "stop worker");
	recover_cancel(d);
	worker_stop(d->worker, step_close);
}

static void step_detach(struct device *d, const struct err *served);

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	recover_wait(arg, step_detach);
}

/*
 * A worker's jail begins as a copy of our mounts (control/steps/spawn.c), and so for a moment one
 * that was just unmounted holds the disk. What was busy while such a step ran is looked at again,
 * when those that ran have ended at the latest.
 */
static bool looks_again(struct device *d, const struct helper_result *res)
{
	struct timeval tv = { .tv_usec = LOOK_AGAIN_MS * 1000L };

	if (res->err.code != -EBUSY || d->bus != CTL_BUS_VIRTIO || !d->detach.beside_spawn ||
	    now_ms() >= d->detach.again_until)
		return false;
	if (!d->detach.again)
		d->detach.again = evtimer_new(d->svc->base, on_again, d);
	return d->detach.again && event_add(d->detach.again, &tv) == 0;
}

static bool somebody_spawns(const struct service *svc)
{
	const struct device *d;

	TAILQ_FOREACH(d, &svc->devices, link)
		if (d->slot[0].phase == WORKER_SPAWNING || d->slot[1].phase == WORKER_SPAWNING)
			return true;
	return false;
}

static void on_detached(void *ctx, struct helper_result *res)
{
	struct device *d = ctx;
	struct err e = { 0 };

	nudge_stop(d);
	/* killed, not ended */
	d->detach.cut = res->err.code == -ETIMEDOUT || res->err.code == -EIO;
	if (looks_again(d, res))
		return;
	if (res->err.code == -ETIMEDOUT && !d->force) {
		(void)err_set(&e, -EBUSY,
			      "it did not let go within %u s: I/O is still under way, or its worker does not serve; "
			      "the disk goes when that has ended: delete it again then, or with --force and lose what "
			      "is unwritten",
			      helper_kinds[HELPER_DETACH].deadline_ms / 1000);
		end_at(d, &e, "detach"); /* takes the node away once it can */
		return;
	}
	if (res->err.code) {
		end_at(d, &res->err, res->err.code == -ETIMEDOUT ? "detach" : "");
		return;
	}
	d->attached = false;
	memset(d->node, 0, sizeof(d->node));
	(void)record_save(d);
	step_stop(d);
}

/* Detaching would wait for a worker that answers when it is thawed, and break the device before. */
static bool is_frozen(struct device *d, const struct err *served)
{
	struct err e = { 0 };

	if (served->code && d->recovery.frozen)
		e = *served;
	else if (!d->force && cgroup_frozen(d->name))
		(void)err_set(&e, -EBUSY,
			      "its worker is in a frozen cgroup: write 0 to cgroup.freeze there, or delete it with "
			      "--force and lose what is unwritten");
	if (e.code)
		end(d, &e);
	return e.code != 0;
}

static void step_detach(struct device *d, const struct err *served)
{
	struct bus_arg a = { 0 };
	struct helper_call call = { .arg = &a, .uid = d->owner.uid, .handle = &d->bus_helper };
	struct err e = { 0 };

	if (!d->attached) { /* there was something to wait for all the same */
		step_stop(d);
		return;
	}
	if (is_frozen(d, served))
		return;
	if (served->code)
		log_warn("%s: detaching without a worker: %s", d->name, served->text);
	device_step(d, "detach");
	memcpy(a.name, d->name, sizeof(a.name));
	a.force = d->force;
	a.uid = d->owner.uid;
	a.gid = d->owner.gid;
	a.interrupted = d->detach.cut;
	d->detach.beside_spawn = somebody_spawns(d->svc);
	nudge_start(d);
	a.bus = d->bus;
	if (helper_start(d->svc->base, &helper_kinds[HELPER_DETACH], &call, on_detached, d, &e)) {
		nudge_stop(d);
		end(d, &e);
	}
}

void teardown_run(struct device *d, bool force, device_done *done)
{
	d->force = force;
	d->torn_down = done;
	d->detach.again_until = now_ms() + SPAWNED_MS;
	device_move(d, DEV_DELETING, "it is to go");
	device_step(d, "detach");
	if (!d->attached && !d->adopting) {
		step_stop(d);
		return;
	}
	if (device_needs_worker(d) && !device_has_worker(d))
		recover_now(d);
	recover_wait(d, step_detach);
}
