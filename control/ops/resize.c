/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/resize.c - see resize.h. Runs in vdused's main process.
 *
 * Order: the worker may write that far (RLIMIT_FSIZE); the file grows; the new size is recorded, so
 * that a worker which takes over from here on announces it; the worker accepts the sectors and
 * tells the driver.
 */
#include "control/ops/resize.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "control/device/access.h"
#include "control/device/saved.h"
#include "control/ops/change.h"
#include "control/steps/measure.h"

static step_begin measure_begin, tell_begin;
static step_take measure_take, tell_take;
static void resize_end(struct device *d, struct err *e);

static const struct step steps[] = {
	{ "measure", measure_begin, measure_take, 0 },
	{ "tell worker", tell_begin, tell_take, 0 },
};

const struct operation op_resize = {
	.name = "resize",
	.steps = steps,
	.nsteps = sizeof(steps) / sizeof(steps[0]),
	.end = resize_end,
};

void change_resize(struct device *d, uint64_t size, device_done *done)
{
	memset(&d->resize, 0, sizeof(d->resize));
	d->resize.to = size;
	op_start(d, &op_resize, done);
}

/* ---- measure, and record --------------------------------------------------------------------- */

static int fits_tenant(struct device *d, uint64_t size, struct err *e)
{
	uint64_t now = d->backing.size;
	int rc;

	d->backing.size = size;
	rc = access_size(d, e);
	d->backing.size = now;
	return rc;
}

static int measure_begin(struct device *d, struct err *e)
{
	struct measure_arg a = { 0 };
	struct helper_call call = { .arg = &a, .fds = { d->path_fd, d->worker->pidfd }, .nfds = 2 };

	if (change_has_file(d, e))
		return e->code;
	if (d->resize.to > VD_CAPACITY_MAX)
		return err_class(e, CTL_E_INVALID, "%llu bytes are more than a device can have",
				 (unsigned long long)d->resize.to);
	if (d->resize.to != 0 && fits_tenant(d, d->resize.to, e))
		return e->code;
	a.owner = d->owner;
	a.info = d->backing;
	a.size = d->resize.to;
	a.block_size = d->block_size;
	a.read_only = d->flags & CTL_F_READ_ONLY;
	a.worker_pid = d->worker->pid;
	d->resize.worker = d->worker->pid;
	return op_helper(d, HELPER_MEASURE, &call, e);
}

static int measure_take(struct device *d, struct helper_result *r, struct err *e)
{
	struct measure_result m;

	memcpy(&m, r->data, sizeof(m));
	if (r->err.code)
		return op_result(r, e);
	if (d->respawn.active || d->worker->phase != WORKER_SERVING || d->worker->pid != d->resize.worker)
		return err_class(e, CTL_E_BUSY, "its worker was replaced meanwhile: try again");
	if (fits_tenant(d, m.size, e))
		return e->code;
	d->resize.from = d->backing.size;
	d->backing.size = m.size;
	if (saved_write(d))
		return err_set(e, -EIO, "its record cannot be written: make room in %s", d->svc->opt->runtime_dir);
	return 0;
}

/* ---- tell worker ----------------------------------------------------------------------------- */

/* Also when the size is the same: the driver may not know. */
static int tell_begin(struct device *d, struct err *e)
{
	if (worker_resize(d->worker, d->backing.size, op_step_ended))
		return err_class(e, CTL_E_BUSY, "its worker does not listen: try again in a moment");
	return 0;
}

/* A worker that died instead of answering is followed by one that announces what is recorded. */
static int tell_take(struct device *d, struct helper_result *r, struct err *e)
{
	return d->worker->phase == WORKER_SERVING ? op_result(r, e) : 0;
}

/* ---- the end --------------------------------------------------------------------------------- */

static void resize_end(struct device *d, struct err *e)
{
	if (d->resize.from == 0)
		return;
	if (e->code) {
		d->backing.size = d->resize.from;
		(void)saved_write(d);
	} else if (d->backing.size != d->resize.from) {
		log_note("%s: has %llu bytes now", d->name, (unsigned long long)d->backing.size);
	}
}
