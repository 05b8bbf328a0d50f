/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/upgrade.c - see upgrade.h. Runs in vdused's main process.
 */
#include "control/ops/upgrade.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "control/device/saved.h"
#include "control/ops/change.h"
#include "control/steps/find_file.h"
#include "control/steps/table.h"
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

static void on_refused(struct device *d)
{
	change_end(d, &d->failure);
}

/* The old one serves on; the new one never had the device. */
static void refuse(struct device *d, const struct err *e)
{
	d->failure = *e;
	msg_set_string(d->failure.step, sizeof(d->failure.step), "find file");
	drop_next(d, on_refused);
}

static void on_tried(void *ctx, struct helper_result *res)
{
	struct device *d = ctx;
	struct err e = res->err;

	/* the next was set up for its disk */
	if (d->worker->phase != WORKER_SERVING || d->fail_mode) {
		drop_next(d, on_replaced_meanwhile);
		return;
	}
	if (!e.code && d->next->phase != WORKER_STANDBY)
		(void)err_set(&e, -EIO, "the new worker died: see the log of vdused");
	if (e.code)
		refuse(d, &e);
	else
		worker_stop(d->worker, on_old_stopped);
}

/*
 * Before the old worker gives up what it has: could the new one get it? All but the lock, which
 * the old one holds.
 */
static void try_backing(struct device *d)
{
	struct find_arg a;
	struct helper_call call = { .arg = &a, .fds = { d->path_fd }, .nfds = 1, .uid = d->owner.uid };
	struct err e = { 0 };

	change_find_arg(d, &a);
	if (helper_start(d->svc->base, &helper_kinds[HELPER_TRY_FILE], &call, on_tried, d, &e))
		refuse(d, &e);
}

static void on_standby(struct device *d, const struct err *e)
{
	if (e->code) {
		d->next = NULL;
		change_end(d, e);
		return;
	}
	if (d->worker->phase != WORKER_SERVING)
		drop_next(d, on_replaced_meanwhile);
	else
		try_backing(d);
}

static void upgrade_now(struct device *d, const struct err *served)
{
	struct err e = { 0 };

	(void)device_refuses(d, DEV_UPGRADE_NOW, &e);
	if (d->state == DEV_LIVE && served->code)
		e = *served; /* it says why there is no worker yet */
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
