/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/resume.c - see resume.h. Runs in vdused's main process.
 */
#include "control/ops/resume.h"

#include <errno.h>

#include "common/log.h"

int change_resume(struct device *d, struct err *e)
{
	if (worker_resume(d->worker))
		return err_class(e, CTL_E_BUSY, "its worker does not listen: try again in a moment");
	log_note("%s: resumed: the request that failed is tried again", d->name);
	return 0;
}
