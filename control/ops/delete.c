/*
 * control/ops/delete.c - removing a device, or what a failed create left of it. Runs in vdused's main process.
 *
 *   (a serving worker) -> detach -> stop worker -> destroy
 *
 * Detaching needs a worker that answers: without one the kernel waits for its message timeout, and with I/O in
 * flight for ever. So a dead worker is replaced first.
 */
#include "control/ops/delete.h"

#include <errno.h>
#include <string.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/device/saved.h"
#include "control/steps/vdpa_bus.h"
#include "control/steps/vduse_control.h"
#include "control/sys/caps.h"
#include "control/watch/bind_watch.h"
#include "control/watch/respawn.h"

#define DETACH_MS 60000U /* above the kernel's own message timeout of 30 s, and above the last nudge */
#define DESTROY_MS 10000U

/* goes_on: what the kernel is still at, "" when nothing. */
static void end_at(struct device *d, const struct err *e, const char *goes_on)
{
	device_done *done = d->torn_down;
	struct err copy = *e;

	if (copy.code && !copy.step[0])
		msg_set_string(copy.step, sizeof(copy.step), d->step);
	d->torn_down = NULL;
	device_step(d, goes_on);
	if (copy.code == -EBUSY && d->attached && !d->fail_mode)
		d->state = CTL_DEV_LIVE;
	else if (copy.code)
		d->state = CTL_DEV_FAILED;
	if (copy.code) {
		d->force = false;
		(void)record_save(d);
	}
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
	/* an attach that vdused gave up has come through after all: the next delete has to detach, with a worker for that only */
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
		.name = "destroy device", .fn = vduse_destroy, .arg = &a, .deadline_ms = DESTROY_MS
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

static void step_stop(struct device *d)
{
	device_step(d, "stop worker");
	recover_cancel(d);
	worker_stop(d->worker, step_destroy);
}

static void on_detached(void *ctx, const struct helper_result *res, int *fds, unsigned nfds)
{
	struct device *d = ctx;
	struct err e = { 0 };

	nudge_stop(d);
	helper_drop_fds(fds, nfds);
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

static void step_detach(struct device *d, const struct err *served)
{
	static struct bus_arg a; /* copied by fork */
	struct helper_spec spec = {
		.name = "detach", .fn = bus_detach, .arg = &a, .caps = BUS_DETACH_CAPS, .deadline_ms = DETACH_MS
	};
	struct err e = { 0 };

	if (!d->attached) { /* there was something to wait for all the same */
		step_stop(d);
		return;
	}
	if (served->code)
		log_warn("%s: detaching without a worker: %s", d->name, served->text);
	device_step(d, "detach");
	memset(&a, 0, sizeof(a));
	memcpy(a.name, d->name, sizeof(a.name));
	memcpy(a.node, d->node, sizeof(a.node));
	a.force = d->force;
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
	d->state = CTL_DEV_DELETING;
	d->force = force;
	d->torn_down = done;
	device_step(d, "detach");
	(void)record_save(d);
	if (!d->attached && !d->adopting) {
		step_stop(d);
		return;
	}
	if (d->attached && d->worker->phase == WORKER_NONE && !d->recovery.active && !d->broken)
		recover_now(d);
	recover_wait(d, step_detach);
}
