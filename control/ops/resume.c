/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/resume.c - see resume.h. Runs in vdused's main process.
 */
#include "control/ops/resume.h"

#include <errno.h>

#include "common/log.h"

static step_begin tell_begin;

static const struct step steps[] = {
	{ "tell worker", tell_begin, NULL, 0 },
};

const struct operation op_resume = {
	.name = "resume",
	.steps = steps,
	.nsteps = sizeof(steps) / sizeof(steps[0]),
};

void change_resume(struct device *d, device_done *done)
{
	op_start(d, &op_resume, done);
}

/* Nobody waits for its answer. */
static int tell_begin(struct device *d, struct err *e)
{
	if (worker_resume(d->worker))
		return err_class(e, CTL_E_BUSY, "its worker does not listen: try again in a moment");
	log_note("%s: resumed: the request that failed is tried again", d->name);
	return STEP_END;
}
