/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/recover.c - see recover.h. Runs in vdused's main process.
 *
 * In fail mode nobody holds the backing file, so it may have been mended, moved back or replaced:
 * what is at its path now is tried first, and only then the worker in fail mode gives way.
 */
#include "control/ops/recover.h"

#include <errno.h>
#include <string.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/device/access.h"
#include "control/device/equip.h"
#include "control/ops/change.h"
#include "control/steps/find_file.h"
#include "control/steps/vdpa_bus.h"
#include "control/watch/respawn.h"

static step_begin look_begin, find_begin, stop_begin, worker_begin;
static step_take find_take, worker_take;

static const struct step steps[] = {
	{ "look", look_begin, NULL, 0 },
	{ "find file", find_begin, find_take, STEP_NAMED },
	{ "stop worker", stop_begin, NULL, 0 },
	{ "start worker", worker_begin, worker_take, 0 },
};

const struct operation op_recover = {
	.name = "recover",
	.steps = steps,
	.nsteps = sizeof(steps) / sizeof(steps[0]),
};

void change_recover(struct device *d, device_done *done)
{
	op_start(d, &op_recover, done);
}

/* ---- look ------------------------------------------------------------------------------------ */

static int look_begin(struct device *d, struct err *e)
{
	if (!bus_is_bound(d->name))
		return err_class(e, CTL_E_INVALID, "a delete has taken its driver away already: delete it again");
	if (d->state != DEV_HALF_DELETED || d->worker->phase != WORKER_SERVING)
		return STEP_SKIP;
	respawn_recovered(d); /* that one has the file */
	return STEP_END;
}

/* ---- find file ------------------------------------------------------------------------------- */

static int find_begin(struct device *d, struct err *e)
{
	struct find_arg a;

	change_find_arg(d, &a);
	return op_helper(d, HELPER_FIND_FILE, &(struct helper_call){ .arg = &a }, e);
}

static int refuse_conflict(struct device *d, struct err *e)
{
	struct device *other = device_conflict(d);

	if (!other)
		return 0;
	if (!access_sees(other, &d->owner))
		return err_class(e, CTL_E_BUSY, "%s is in use by a device of somebody else's: put another file there",
				 d->backing.path);
	return err_class(e, CTL_E_BUSY, "%s is in use by device \"%s\": delete that device first", d->backing.path,
			 other->name);
}

/*
 * The device is what it was, of the size it had and with what it was promised; the file may be
 * another one.
 */
static int take_found(struct device *d, const struct helper_result *res, struct err *e)
{
	struct backing_info was = d->backing;

	memcpy(&d->backing, res->data, sizeof(d->backing));
	d->backing.path[sizeof(d->backing.path) - 1] = '\0';
	d->backing.size = was.size;
	d->backing.unmap = was.unmap;
	if (refuse_conflict(d, e)) {
		d->backing = was;
		return e->code;
	}
	if (!backing_same(&was, &d->backing))
		log_warn("%s: recover: %s is another file than before (inode %llu, was %llu): that one is served from "
			 "now on",
			 d->name, d->backing.path, (unsigned long long)d->backing.ino, (unsigned long long)was.ino);
	return 0;
}

static int find_take(struct device *d, struct helper_result *r, struct err *e)
{
	if (r->err.code)
		return op_result(r, e);
	if (r->nfds != 1)
		return err_set(e, -EIO, "the search ended without a file");
	if (take_found(d, r, e))
		return e->code;
	device_drop_file(d);
	d->path_fd = fd_take(&r->fds[0]);
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

/* ---- start worker ---------------------------------------------------------------------------- */

static int worker_begin(struct device *d, struct err *e)
{
	int rc;

	d->fail_mode = false;
	rc = equip_start(d, d->worker, false, op_step_ended, e);
	if (rc)
		respawn_failed_again(d, e);
	return rc;
}

static int worker_take(struct device *d, struct helper_result *r, struct err *e)
{
	if (r->err.code)
		respawn_failed_again(d, &r->err);
	else
		respawn_recovered(d);
	return op_result(r, e);
}
