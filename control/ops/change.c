/*
 * control/ops/change.c - see change.h. Runs in vdused's main process.
 */
#include "control/ops/change.h"

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

void change_end(struct device *d, const struct err *e)
{
	device_done *done = d->changed;

	d->changed = NULL;
	done(d, e);
}
