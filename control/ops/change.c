/*
 * control/ops/change.c - see change.h. Runs in vdused's main process.
 */
#include "control/ops/change.h"

#include <errno.h>

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

int change_worker(const struct device *d, struct err *e)
{
	bool none = d->worker->phase == WORKER_NONE && !d->recovery.active;

	if (d->adopting)
		return err_set(e, -EBUSY, CHANGE_ADOPTING);
	if (d->broken)
		return err_set(e, -EOPNOTSUPP, CHANGE_BROKEN);
	if (!d->attached)
		return err_set(e, -EINVAL, "it is not attached any more: delete it");
	if (none)
		return err_set(e, -EINVAL, "it has no worker: \"vduse-ctl recover %s\" first", d->name);
	if (d->fail_mode)
		return err_set(e, -EINVAL, "it is in fail mode: \"vduse-ctl recover %s\" first", d->name);
	if (d->state != CTL_DEV_LIVE)
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
