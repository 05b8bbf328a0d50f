/*
 * control/ops/upgrade.c - see upgrade.h. Runs in vdused's main process.
 */
#include "control/ops/upgrade.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "control/device/saved.h"
#include "control/ops/change.h"
#include "control/watch/respawn.h"

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
	change_end(d, &failure);
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
	recover_wait(d, change_end);
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
		change_end(d, e);
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
		change_end(d, &e);
		return;
	}
	d->next = d->worker == &d->slot[0] ? &d->slot[1] : &d->slot[0];
	if (worker_start(d->next, true, on_standby, &e)) {
		d->next = NULL;
		change_end(d, &e);
	}
}

/* After "systemctl restart vdused" its device may still be being adopted: that is waited for. */
void change_upgrade(struct device *d, device_done *done)
{
	d->changed = done;
	recover_wait(d, upgrade_now);
}
