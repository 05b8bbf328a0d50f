/*
 * control/ops/recover.c - see recover.h. Runs in vdused's main process.
 */
#include "control/ops/recover.h"

#include <errno.h>

#include "control/ops/adopt.h"
#include "control/ops/change.h"
#include "control/steps/adopt.h"
#include "control/sys/caps.h"
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

static void on_file_found(void *ctx, const struct helper_result *res, int *fds, unsigned nfds)
{
	struct device *d = ctx;

	if (res->err.code || nfds != 1) {
		struct err e = res->err;

		helper_drop_fds(fds, nfds);
		msg_set_string(e.step, sizeof(e.step), "find file");
		change_end(d, &e);
		return;
	}
	d->path_fd = fds[0];
	recover_cancel(d);
	worker_stop(d->worker, on_fail_mode_stopped);
}

static void find_file(struct device *d)
{
	static struct adopt_arg a; /* copied by fork */
	struct helper_spec spec = {
		.name = "find file", .fn = adopt_find_file, .arg = &a, .caps = BACKING_CAPS, .deadline_ms = ADOPT_MS
	};
	struct err e = { 0 };

	spec.uid = d->owner.uid;
	adopt_fill(d, &a);
	if (helper_start(d->svc->base, &spec, on_file_found, d, &e))
		change_end(d, &e);
}

void change_recover(struct device *d, device_done *done)
{
	struct err e = { 0 };

	d->changed = done;
	if (d->adopting)
		(void)err_set(&e, -EBUSY, CHANGE_ADOPTING);
	else if (d->broken)
		(void)err_set(&e, -EOPNOTSUPP, CHANGE_BROKEN);
	else if (!d->attached)
		(void)err_set(&e, -EINVAL, "it is not attached any more: delete it");
	else if (d->state != CTL_DEV_FAILED)
		(void)err_set(&e, -EINVAL, "it is not in fail mode: there is nothing to recover from");
	if (e.code) {
		change_end(d, &e);
		return;
	}
	if (d->path_fd < 0) {
		find_file(d);
		return;
	}
	recover_cancel(d);
	worker_stop(d->worker, on_fail_mode_stopped);
}
