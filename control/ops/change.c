/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/change.c - see change.h. Runs in vdused's main process.
 */
#include "control/ops/change.h"

#include <errno.h>
#include <string.h>

#include "control/steps/find_file.h"

const char *change_busy(const struct device *d)
{
	if (d->state == DEV_CREATING)
		return "the device is still being created: try again when it is there";
	if (d->state == DEV_DELETING)
		return "the device is being deleted";
	if (d->changed)
		return "the device is being changed already: try again when that is done";
	return NULL;
}

void change_find_arg(const struct device *d, struct find_arg *a)
{
	memset(a, 0, sizeof(*a));
	memcpy(a->path, d->backing_path, sizeof(a->path));
	a->owner = d->owner;
	a->how.block_size = d->block_size;
	a->how.read_only = d->flags & CTL_F_READ_ONLY;
	a->how.direct = d->flags & CTL_F_DIRECT;
	a->info = d->backing;
}

int change_worker(const struct device *d, struct err *e)
{
	if (d->adopting)
		return err_set(e, -EBUSY, CHANGE_ADOPTING);
	if (d->broken)
		return err_set(e, -EOPNOTSUPP, CHANGE_BROKEN);
	if (!d->attached)
		return err_set(e, -EINVAL, "it is not attached any more: delete it");
	if (d->state == DEV_NO_WORKER)
		return err_set(e, -EINVAL, "it has no worker: \"vduse-ctl recover %s\" first", d->name);
	if (d->fail_mode)
		return err_set(e, -EINVAL, "it is in fail mode: \"vduse-ctl recover %s\" first", d->name);
	if (d->state != DEV_LIVE)
		return err_set(e, -EINVAL, "it has failed: \"vduse-ctl recover %s\" first", d->name);
	if (d->recovery.active || d->worker->phase != WORKER_SERVING)
		return err_set(e, -EBUSY, "its worker is being replaced: try again in a moment");
	return 0;
}

void change_end(struct device *d, const struct err *e)
{
	device_done *done = d->changed;

	d->changed = NULL;
	done(d, e);
}
