/*
 * control/ops/upgrade.c - see upgrade.h: upgrade, recover, resume. Runs in vdused's main process; resizing is in resize.c.
 */
#include "control/ops/upgrade.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "control/device/saved.h"
#include "control/lifecycle.h"
#include "control/ops/adopt.h"
#include "control/sys/caps.h"

const char *change_busy(const struct device *d)
{
	if (d->state == CTL_DEV_CREATING)
		return "the device is still being created: try again when it is there";
	if (d->state == CTL_DEV_DELETING)
		return "the device is being deleted";
	if (d->changed)
		return "the device is being changed already: try again when that is done";
	return NULL;
}

static void end(struct device *d, const struct err *e)
{
	device_done *done = d->changed;

	d->changed = NULL;
	done(d, e);
}

/* ---- upgrade ------------------------------------------------------------------------------------ */

static void on_upgraded(struct device *d, const struct err *e)
{
	struct err failure = *e;

	if (e->code) { /* the old one is gone: what follows is a death like any other */
		(void)err_set(&failure, e->code,
			      "the new worker failed (%.300s) and is replaced: see \"vduse-ctl show %s\"", e->text,
			      d->name);
		worker_died(d, e);
	} else {
		log_note("%s: worker %d of the installed binary took over (generation %u)%s", d->name,
			 (int)d->worker->pid, d->worker->generation, d->fail_mode ? " in fail mode" : "");
		(void)record_save(d);
	}
	end(d, &failure);
}

static void on_old_stopped(struct device *d)
{
	struct err e = { 0 };

	d->worker = d->next;
	d->next = NULL;
	if (d->worker->phase == WORKER_STANDBY) {
		worker_promote(d->worker, on_upgraded);
		return;
	}
	(void)err_set(&e, -EIO, "it died while the old one ended");
	on_upgraded(d, &e);
}

/* Its death while the new one was made ready has brought the installed binary in already. */
static void on_replaced_meanwhile(struct device *d)
{
	recover_wait(d, end);
}

static void drop_next(struct device *d, void (*then)(struct device *d))
{
	struct worker *next = d->next;

	d->next = NULL;
	worker_stop(next, then);
}

static void on_standby(struct device *d, const struct err *e)
{
	if (e->code) {
		d->next = NULL;
		end(d, e);
		return;
	}
	if (d->worker->phase != WORKER_SERVING) {
		drop_next(d, on_replaced_meanwhile);
		return;
	}
	worker_stop(d->worker, on_old_stopped);
}

static void upgrade_now(struct device *d, const struct err *served)
{
	struct err e = *served;

	if (d->broken)
		(void)err_set(&e, -EOPNOTSUPP, CHANGE_BROKEN);
	else if (d->state == CTL_DEV_FAILED)
		(void)err_set(&e, -EINVAL,
			      "it has failed: \"vduse-ctl recover %s\" gives it a worker of the installed binary",
			      d->name);
	else if (!e.code && (d->recovery.active || d->worker->phase != WORKER_SERVING))
		(void)err_set(&e, -EBUSY, "its worker is being replaced: try again in a moment");
	if (e.code) {
		end(d, &e);
		return;
	}
	d->next = d->worker == &d->slot[0] ? &d->slot[1] : &d->slot[0];
	if (worker_start(d->next, true, on_standby, &e)) {
		d->next = NULL;
		end(d, &e);
	}
}

/* After "systemctl restart vdused" its device may still be being adopted: that is waited for. */
void change_upgrade(struct device *d, device_done *done)
{
	d->changed = done;
	recover_wait(d, upgrade_now);
}

/* ---- recover ------------------------------------------------------------------------------------ */

static void on_recovered(struct device *d, const struct err *e)
{
	struct err failure = *e;

	if (e->code) {
		recover_failed_again(d, e);
	} else {
		recover_succeeded(d);
	}
	end(d, &failure);
}

static void on_fail_mode_stopped(struct device *d)
{
	struct err e = { 0 };

	d->fail_mode = false;
	if (worker_start(d->worker, false, on_recovered, &e))
		on_recovered(d, &e);
}

static void on_file_found(void *ctx, const struct helper_result *res, int *fds, unsigned nfds)
{
	struct device *d = ctx;

	if (res->err.code || nfds != 1) {
		struct err e = res->err;

		helper_drop_fds(fds, nfds);
		msg_set_string(e.step, sizeof(e.step), "find file");
		end(d, &e);
		return;
	}
	d->path_fd = fds[0];
	recover_cancel(d);
	worker_stop(d->worker, on_fail_mode_stopped);
}

static void find_file(struct device *d)
{
	static struct adopt_arg a; /* copied by fork */
	struct helper_spec spec = {
		.name = "find file", .fn = adopt_find_file, .arg = &a, .caps = BACKING_CAPS, .deadline_ms = ADOPT_MS
	};
	struct err e = { 0 };

	spec.uid = d->owner.uid;
	adopt_fill(d, &a);
	if (helper_start(d->svc->base, &spec, on_file_found, d, &e))
		end(d, &e);
}

void change_recover(struct device *d, device_done *done)
{
	struct err e = { 0 };

	d->changed = done;
	if (d->adopting)
		(void)err_set(&e, -EBUSY, CHANGE_ADOPTING);
	else if (d->broken)
		(void)err_set(&e, -EOPNOTSUPP, CHANGE_BROKEN);
	else if (!d->attached)
		(void)err_set(&e, -EINVAL, "it is not attached any more: delete it");
	else if (d->state != CTL_DEV_FAILED)
		(void)err_set(&e, -EINVAL, "it is not in fail mode: there is nothing to recover from");
	if (e.code) {
		end(d, &e);
		return;
	}
	if (d->path_fd < 0) {
		find_file(d);
		return;
	}
	recover_cancel(d);
	worker_stop(d->worker, on_fail_mode_stopped);
}

/* ---- resume ------------------------------------------------------------------------------------- */

int change_resume(struct device *d, struct err *e)
{
	int rc;

	if (d->worker->phase != WORKER_SERVING)
		return err_set(e, -EBUSY, "its worker is being replaced: try again in a moment");
	if (!d->worker->halted)
		return err_set(e, -EINVAL, "it is not stopped: there is nothing to resume");
	rc = worker_resume(d->worker);
	if (rc)
		return err_set(e, -EBUSY, "its worker does not listen: try again in a moment");
	log_note("%s: resumed: the request that failed is tried again", d->name);
	return 0;
}
