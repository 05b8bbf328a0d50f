/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/upgrade.c - see upgrade.h. Runs in vdused's main process.
 */
#include "control/ops/upgrade.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "control/device/equip.h"
#include "control/device/saved.h"
#include "control/ops/change.h"
#include "control/steps/find_file.h"
#include "control/sys/fence.h"
#include "control/watch/respawn.h"

static step_begin wait_begin, standby_begin, try_begin, stop_begin, promote_begin, drop_begin, rest_begin, leave_begin,
	wait_again_begin;
static step_take wait_take, standby_take, try_take, stop_take, promote_take, leave_take;

static const struct step steps[] = {
	{ "wait", wait_begin, wait_take, 0 },
	{ "start new worker", standby_begin, standby_take, 0 },
	{ "find file", try_begin, try_take, STEP_NAMED },
	{ "stop old worker", stop_begin, stop_take, 0 },
	{ "promote", promote_begin, promote_take, 0 },
};

/*
 * The new worker never had the device, and goes: as it cannot be used; or as the old one died while
 * the new one was made ready, and its death brings the installed binary in already.
 */
static const struct step back_steps[] = {
	{ "stop new worker", drop_begin, NULL, 0 },
	{ "wait", rest_begin, NULL, 0 },
};

static const struct operation back = {
	.name = "upgrade",
	.steps = back_steps,
	.nsteps = sizeof(back_steps) / sizeof(back_steps[0]),
};

/*
 * The old one has ended, and the new one does not get the device: it did not wait so long, or has
 * to wait for I/O that the old one began, longer than anybody knows. Neither is a death of a worker
 * that had the device. The next one is started when that is possible, as after a death.
 */
static const struct step later_steps[] = {
	{ "stop new worker", leave_begin, leave_take, 0 },
	{ "wait", wait_again_begin, NULL, 0 },
};

static const struct operation later = {
	.name = "upgrade",
	.steps = later_steps,
	.nsteps = sizeof(later_steps) / sizeof(later_steps[0]),
};

const struct operation op_upgrade = {
	.name = "upgrade",
	.steps = steps,
	.nsteps = sizeof(steps) / sizeof(steps[0]),
	.undo = &back,
};

void change_upgrade(struct device *d, device_done *done)
{
	op_start(d, &op_upgrade, done);
}

/* ---- wait ------------------------------------------------------------------------------------ */

/* After "systemctl restart vdused" its device may still be being adopted, too. */
static int wait_begin(struct device *d, struct err *e)
{
	(void)e;
	return respawn_wait(d);
}

static int wait_take(struct device *d, struct helper_result *served, struct err *e)
{
	(void)device_refuses(d, DEV_UPGRADE_NOW, e);
	if (d->state == DEV_LIVE && served->err.code)
		return op_result(served, e); /* it says why there is no worker yet */
	return e->code;
}

/* ---- start new worker ------------------------------------------------------------------------ */

static int standby_begin(struct device *d, struct err *e)
{
	struct worker *other = d->worker == &d->slot[0] ? &d->slot[1] : &d->slot[0];
	int rc = equip_start(d, other, true, op_step_ended, e);

	if (rc == 0)
		d->next = other;
	return rc;
}

static int standby_take(struct device *d, struct helper_result *r, struct err *e)
{
	if (r->err.code) {
		d->next = NULL;
		return op_result(r, e);
	}
	return d->worker->phase == WORKER_SERVING ? 0 : op_instead(d, &back);
}

/* ---- find file ------------------------------------------------------------------------------- */

/*
 * Before the old worker gives up what it has: could the new one get it? All but the lock, which
 * the old one holds.
 */
static int try_begin(struct device *d, struct err *e)
{
	struct find_arg a;

	if (change_has_file(d, e))
		return e->code;
	change_find_arg(d, &a);
	return op_helper(d, HELPER_TRY_FILE, &(struct helper_call){ .arg = &a, .fds = { d->path_fd }, .nfds = 1 }, e);
}

static int try_take(struct device *d, struct helper_result *r, struct err *e)
{
	/* the next was set up for its disk */
	if (d->worker->phase != WORKER_SERVING || d->fail_mode)
		return op_instead(d, &back);
	if (r->err.code)
		return op_result(r, e);
	if (d->next->phase != WORKER_STANDBY)
		return err_set(e, -EIO, "the new worker died: see the log of vdused");
	return 0;
}

/* ---- stop old worker ------------------------------------------------------------------------- */

static int stop_begin(struct device *d, struct err *e)
{
	(void)e;
	worker_stop(d->worker, op_step_over);
	return 0;
}

/* It is gone: what follows is a death like any other. */
static int taken_over_by_none(struct device *d, const struct err *why, struct err *e)
{
	respawn_died(d, why);
	*e = *why;
	return err_reword(e, "the new worker failed (%.300s) and is replaced: see \"vduse-ctl show %s\"", why->text,
			  d->name);
}

static int stop_take(struct device *d, struct helper_result *r, struct err *e)
{
	char path[PATH_MAX];

	(void)r;
	(void)e;
	d->worker = d->next;
	d->next = NULL;
	device_state_path(d, path);
	return d->worker->phase == WORKER_STANDBY && fence_look(path) != FENCE_HELD ? 0 : op_instead(d, &later);
}

/* ---- promote --------------------------------------------------------------------------------- */

static int promote_begin(struct device *d, struct err *e)
{
	(void)e;
	worker_promote(d->worker, op_step_ended);
	return 0;
}

static int promote_take(struct device *d, struct helper_result *r, struct err *e)
{
	if (r->err.code)
		return taken_over_by_none(d, &r->err, e);
	log_note("%s: worker %d of the installed binary took over (generation %u)%s", d->name, (int)d->worker->pid,
		 d->worker->generation, d->fail_mode ? " in fail mode" : "");
	(void)saved_write(d);
	return 0;
}

/* ---- the other way on ------------------------------------------------------------------------ */

static int leave_begin(struct device *d, struct err *e)
{
	(void)e;
	worker_stop(d->worker, op_step_over);
	return 0;
}

static int leave_take(struct device *d, struct helper_result *r, struct err *e)
{
	struct err why = { 0 };

	(void)r;
	(void)e;
	(void)err_set(&why, -EIO, "the new worker never had it");
	d->worker->blameless = true;
	respawn_died(d, &why);
	return 0;
}

static int wait_again_begin(struct device *d, struct err *e)
{
	(void)e;
	return respawn_wait(d);
}

/* ---- the way back ---------------------------------------------------------------------------- */

static int drop_begin(struct device *d, struct err *e)
{
	struct worker *next = d->next;

	(void)e;
	if (!next)
		return STEP_SKIP;
	d->next = NULL;
	worker_stop(next, op_step_over);
	return 0;
}

static int rest_begin(struct device *d, struct err *e)
{
	(void)e;
	return d->op.failure.code ? STEP_SKIP : respawn_wait(d);
}
