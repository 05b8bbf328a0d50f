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
#include "control/ops/change.h"
#include "control/steps/find_file.h"
#include "control/steps/table.h"
#include "control/steps/vdpa_bus.h"
#include "control/watch/respawn.h"

static void on_recovered(struct device *d, const struct err *e)
{
	struct err failure = *e;

	if (e->code) {
		recover_failed_again(d, e);
	} else {
		recover_succeeded(d);
	}
	change_end(d, &failure);
}

static void on_fail_mode_stopped(struct device *d)
{
	struct err e = { 0 };

	d->fail_mode = false;
	if (worker_start(d->worker, false, on_recovered, &e))
		on_recovered(d, &e);
}

static int refuse_conflict(struct device *d, struct err *e)
{
	struct device *other = device_conflict(d);

	if (!other)
		return 0;
	if (!access_sees(other, &d->owner))
		return err_set(e, -EBUSY, "%s is in use by a device of somebody else's: put another file there",
			       d->backing.path);
	return err_set(e, -EBUSY, "%s is in use by device \"%s\": delete that device first", d->backing.path,
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

static void on_file_found(void *ctx, struct helper_result *res)
{
	struct device *d = ctx;
	struct err e = res->err;

	if (!e.code && res->nfds != 1)
		(void)err_set(&e, -EIO, "the search ended without a file");
	if (!e.code)
		(void)take_found(d, res, &e);
	if (e.code) {
		msg_set_string(e.step, sizeof(e.step), "find file");
		change_end(d, &e);
		return;
	}
	device_drop_file(d);
	d->path_fd = fd_take(&res->fds[0]);
	recover_cancel(d);
	worker_stop(d->worker, on_fail_mode_stopped);
}

static void look_for_file(struct device *d, struct err *e)
{
	struct find_arg a;
	struct helper_call call = { .arg = &a, .uid = d->owner.uid };

	change_find_arg(d, &a);
	(void)helper_start(d->svc->base, &helper_kinds[HELPER_FIND_FILE], &call, on_file_found, d, e);
}

void change_recover(struct device *d, device_done *done)
{
	struct err e = { 0 };

	d->changed = done;
	if (!bus_is_bound(d->name))
		(void)err_set(&e, -EINVAL, "a delete has taken its driver away already: delete it again");
	else if (d->state == DEV_HALF_DELETED && d->worker->phase == WORKER_SERVING)
		recover_succeeded(d); /* that one has the file */
	else
		look_for_file(d, &e);
	if (e.code || d->state == DEV_LIVE)
		change_end(d, &e);
}
