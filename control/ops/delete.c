/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/delete.c - removing a device, or what a failed create left of it. Runs in vdused's
 * main process.
 *
 *   (a serving worker) -> detach -> stop worker -> wait for I/O -> close file -> destroy
 *
 * Detaching needs a worker that answers: without one the kernel waits for its message timeout, and
 * with I/O in flight for ever. So a dead worker is replaced first. And its file is its owner's
 * again only when nothing that a worker began can reach it any more (control/sys/fence.h).
 */
#include "control/ops/delete.h"

#include <errno.h>
#include <string.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/device/saved.h"
#include "control/helper/close_elsewhere.h"
#include "control/steps/vdpa_bus.h"
#include "control/steps/vduse_control.h"
#include "control/sys/caps.h"
#include "control/sys/fence.h"
#include "control/watch/bind_watch.h"
#include "control/watch/respawn.h"

/* above the kernel's own message timeout of 30 s, and above the last nudge */
#define DETACH_MS 60000U
#define DESTROY_MS 10000U
#define LOOK_AGAIN_MS 50
#define LAST_IO_MS 30000
#define SPAWNED_MS (WORKER_SPAWN_MS + 1000U) /* a spawn step has ended by then, or was killed */

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

static void on_destroyed(void *ctx, const struct helper_result *res, int *fds, unsigned nfds)
{
	struct device *d = ctx;

	helper_drop_fds(fds, nfds);
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
	static struct vduse_arg a; /* copied by fork */
	struct helper_spec spec = {
		.name = "destroy device", .fn = vduse_destroy, .arg = &a, .deadline_ms = DESTROY_MS, .uid = d->owner.uid
	};
	struct err e = { 0 };

	if (!d->has_kernel_dev) {
		end(d, &e);
		return;
	}
	device_step(d, "destroy device");
	memset(&a, 0, sizeof(a));
	memcpy(a.name, d->name, sizeof(a.name));
	if (helper_start(d->svc->base, &spec, on_destroyed, d, &e))
		end(d, &e);
}

static void on_closed(void *ctx, const struct helper_result *res, int *fds, unsigned nfds)
{
	(void)res;
	helper_drop_fds(fds, nfds);
	step_destroy(ctx);
}

/* Whoever deletes a device may unmount what its file lies on. */
static void step_close(struct device *d)
{
	device_step(d, "close file");
	if (d->path_fd < 0 || closer_close_now(d->svc->base, &d->path_fd, d->owner.uid, on_closed, d))
		step_destroy(d);
}

static void look_at_io(struct device *d);

static void on_look(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	look_at_io(arg);
}

static bool looks_at_io_again(struct device *d, long long waited)
{
	struct timeval tv = { .tv_usec = fence_pause_ms(waited) * 1000L };

	if (waited >= LAST_IO_MS)
		return false;
	if (!d->last_io.timer)
		d->last_io.timer = evtimer_new(d->svc->base, on_look, d);
	return d->last_io.timer && event_add(d->last_io.timer, &tv) == 0;
}

static void say_why(const struct device *d, int rc, struct err *e)
{
	if (rc != FENCE_HELD)
		(void)err_set(e, rc, "its state file: %s", err_str(rc));
	else
		(void)err_set(e, -EBUSY,
			      "I/O that its worker began has not ended, and may still change %.200s: wait for that "
			      "disk, then delete it again",
			      d->backing.path);
}

/* By force as well: that loses what is unwritten, but nothing is written after the answer. */
static void look_at_io(struct device *d)
{
	struct err e = { 0 };
	char path[PATH_MAX];
	int rc;

	device_state_path(d, path);
	rc = fence_look(path);
	if (rc == 0) {
		step_close(d);
		return;
	}
	if (looks_at_io_again(d, now_ms() - d->last_io.since))
		return;
	say_why(d, rc, &e);
	end(d, &e);
}

static void step_last_io(struct device *d)
{
	device_step(d, "wait for I/O");
	d->last_io.since = now_ms();
	look_at_io(d);
}

static void step_stop(struct device *d)
{
	device_step(d, "stop worker");
	recover_cancel(d);
	worker_stop(d->worker, step_last_io);
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

static void on_detached(void *ctx, const struct helper_result *res, int *fds, unsigned nfds)
{
	struct device *d = ctx;
	struct err e = { 0 };

	nudge_stop(d);
	helper_drop_fds(fds, nfds);
	/* killed, not ended */
	d->detach.cut = res->err.code == -ETIMEDOUT || res->err.code == -EIO;
	if (looks_again(d, res))
		return;
	if (res->err.code == -ETIMEDOUT && !d->force) {
		(void)err_set(&e, -EBUSY,
			      "it did not let go within %u s: I/O is still under way, or its worker does not serve; "
			      "the disk goes when that has ended: delete it again then, or with --force and lose what "
			      "is unwritten",
			      DETACH_MS / 1000);
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

/* Detaching would wait for a worker that answers later, and break the device before. */
static bool must_wait(struct device *d, const struct err *served)
{
	struct err e = { 0 };

	if (served->code && (d->recovery.frozen || (d->recovery.io_since && !d->force)))
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
	static struct bus_arg a; /* copied by fork */
	struct helper_spec spec = { .name = "detach",
				    .fn = bus_detach,
				    .arg = &a,
				    .caps = BUS_DETACH_CAPS,
				    .deadline_ms = DETACH_MS,
				    .uid = d->owner.uid };
	struct err e = { 0 };

	if (!d->attached) { /* there was something to wait for all the same */
		step_stop(d);
		return;
	}
	if (must_wait(d, served))
		return;
	if (served->code)
		log_warn("%s: detaching without a worker: %s", d->name, served->text);
	device_step(d, "detach");
	memset(&a, 0, sizeof(a));
	memcpy(a.name, d->name, sizeof(a.name));
	a.force = d->force;
	a.uid = d->owner.uid;
	a.gid = d->owner.gid;
	a.interrupted = d->detach.cut;
	d->detach.beside_spawn = somebody_spawns(d->svc);
	spec.handle = &d->bus_helper;
	nudge_start(d);
	a.bus = d->bus;
	if (helper_start(d->svc->base, &spec, on_detached, d, &e)) {
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
