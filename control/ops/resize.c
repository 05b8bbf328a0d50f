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
#include "control/steps/table.h"

static void end(struct device *d, const struct err *e)
{
	device_done *done = d->changed;

	if (!e->code && d->backing.size != d->resize.from)
		log_note("%s: has %llu bytes now", d->name, (unsigned long long)d->backing.size);
	d->changed = NULL;
	done(d, e);
}

static void go_back(struct device *d, const struct err *e)
{
	d->backing.size = d->resize.from;
	(void)record_save(d);
	end(d, e);
}

/* A worker that died instead of answering is followed by one that announces what is recorded. */
static void on_resized(struct device *d, const struct err *e)
{
	struct err ok = { 0 };

	if (e->code && d->worker->phase == WORKER_SERVING)
		go_back(d, e);
	else
		end(d, &ok);
}

static int fits_tenant(struct device *d, uint64_t size, struct err *e)
{
	uint64_t now = d->backing.size;
	int rc;

	d->backing.size = size;
	rc = access_size(d, e);
	d->backing.size = now;
	return rc;
}

static void on_measured(void *ctx, struct helper_result *res)
{
	struct device *d = ctx;
	struct measure_result r;
	struct err e = res->err;

	memcpy(&r, res->data, sizeof(r));
	if (!e.code && (d->recovery.active || d->worker->phase != WORKER_SERVING || d->worker->pid != d->resize.worker))
		(void)err_set(&e, -EBUSY, "its worker was replaced meanwhile: try again");
	if (!e.code)
		(void)fits_tenant(d, r.size, &e);
	if (e.code) { /* else told again even if it is the same: the driver may not know */
		end(d, &e);
		return;
	}
	d->resize.from = d->backing.size;
	d->backing.size = r.size;
	if (record_save(d))
		(void)err_set(&e, -EIO, "its record cannot be written: make room in %s", d->svc->opt->runtime_dir);
	else if (worker_resize(d->worker, r.size, on_resized))
		(void)err_set(&e, -EBUSY, "its worker does not listen: try again in a moment");
	if (e.code)
		go_back(d, &e);
}

static void start_measure(struct device *d, uint64_t size, struct err *e)
{
	struct measure_arg a = { 0 };
	struct helper_call call = {
		.arg = &a,
		.fds = { d->path_fd, d->worker->pidfd },
		.nfds = 2,
		.uid = d->owner.uid,
	};

	a.owner = d->owner;
	a.info = d->backing;
	a.size = size;
	a.block_size = d->block_size;
	a.read_only = d->flags & CTL_F_READ_ONLY;
	a.worker_pid = d->worker->pid;
	d->resize.worker = d->worker->pid;
	(void)helper_start(d->svc->base, &helper_kinds[HELPER_MEASURE], &call, on_measured, d, e);
}

void change_resize(struct device *d, uint64_t size, device_done *done)
{
	struct err e = { 0 };

	d->changed = done;
	if (size != 0 && size > VD_CAPACITY_MAX)
		(void)err_set(&e, -EFBIG, "%llu bytes are more than a device can have", (unsigned long long)size);
	else if (size == 0 || !fits_tenant(d, size, &e))
		start_measure(d, size, &e);
	if (e.code)
		end(d, &e);
}
