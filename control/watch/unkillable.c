/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/watch/unkillable.c - see unkillable.h. Main process of vdused; the setting is read and
 * written by helpers without capabilities. What is changed is on record before it is changed.
 */
#include "control/watch/unkillable.h"

#include <errno.h>
#include <string.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/device/saved.h"
#include "control/steps/msg_timeout.h"
#include "control/steps/table.h"
#include "control/sys/proc_sched.h"
#include "control/watch/netlink_watch.h"

#define LOOK_S 1

static struct {
	struct service *svc;
	struct event *timer;
	bool busy; /* a helper runs */
	struct msg_timeout_arg arg; /* of the last one: also whose turn it was */
	uint64_t id; /* of that device */
} watch;

/* False: no helper can be made; it is tried again. */
static bool start(const struct device *d, enum helper_id kind, helper_done *done)
{
	struct helper_call call = { .arg = &watch.arg, .uid = d->owner.uid };
	struct err e = { 0 };

	memcpy(watch.arg.name, d->name, sizeof(watch.arg.name));
	watch.arg.seconds = d->msg_timeout;
	watch.id = d->id;
	watch.busy = helper_start(watch.svc->base, &helper_kinds[kind], &call, done, NULL, &e) == 0;
	return watch.busy;
}

/* The device that a helper was at; NULL when it went meanwhile. */
static struct device *helper_ended(const struct helper_result *res)
{
	struct device *d = device_find(watch.svc, watch.arg.name);

	watch.busy = false;
	if (d && d->id != watch.id)
		return NULL; /* another of that name */
	if (d && res->err.code)
		log_warn("%s: %s", d->name, res->err.text);
	return d;
}

static void set_short(struct device *d, bool is_short)
{
	d->timeout_short = is_short;
	(void)saved_write(d);
}

/*
 * Since when there is nobody who could answer in its worker's place: that was killed and does not
 * end, or it has ended, and I/O that it began has not. 0 = that is not so.
 */
static long long lacks_one_since(const struct device *d)
{
	const struct worker *w = d->worker;

	if (w->pidfd >= 0)
		return w->killed_ms;
	return d->respawn.active ? d->respawn.io_since : 0;
}

/* ---- its worker has ended, and its I/O ------------------------------------------------------- */

static bool ended(const struct device *d)
{
	return d->timeout_short && !d->adopting && d->has_kernel_dev && !d->broken && !lacks_one_since(d);
}

static void on_set_back(void *ctx, struct helper_result *res)
{
	struct device *d = helper_ended(res);

	(void)ctx;
	if (d && !res->err.code && d->timeout_short)
		set_short(d, false);
}

/* ---- it does not end ------------------------------------------------------------------------- */

static bool hangs(const struct device *d)
{
	const struct worker *w = d->worker;
	long long since = lacks_one_since(d);

	return d->bus == CTL_BUS_VHOST && device_needs_worker(d) && !d->timeout_short && since &&
	       now_ms() - since > HUNG_MS && netlink_watch_hopeless_ms() > since &&
	       (w->pidfd < 0 || !proc_runnable(w->pid));
}

static void on_shortened(void *ctx, struct helper_result *res)
{
	struct device *d = helper_ended(res);

	(void)ctx;
	if (!d)
		return;
	/* also when a hand-over came in between: then it is set back soon */
	set_short(d, res->err.code == 0);
	if (d->timeout_short && lacks_one_since(d))
		log_error("%s: its worker, or I/O that it began, does not end although it was killed, and others wait "
			  "for it: the next message to it is waited for %u s, and then the device is lost",
			  d->name, MSG_TIMEOUT_SHORT_S);
}

static void on_looked(void *ctx, struct helper_result *res)
{
	struct device *d = helper_ended(res);

	(void)ctx;
	if (!d || res->err.code || !hangs(d))
		return;
	memcpy(&d->msg_timeout, res->data, sizeof(d->msg_timeout));
	d->timeout_short = true;
	if (saved_write(d) || !start(d, HELPER_TIMEOUT_SHORTEN, on_shortened))
		set_short(d, false);
}

/* ---- every second ---------------------------------------------------------------------------- */

static bool is_due(const struct device *d)
{
	return ended(d) || hangs(d);
}

/* By turns, as what fails for one must not keep others from it. */
static struct device *next_due(void)
{
	struct device *d = device_after(watch.svc, watch.arg.name);

	while (d && !is_due(d))
		d = TAILQ_NEXT(d, link);
	if (d)
		return d;
	TAILQ_FOREACH(d, &watch.svc->devices, link)
		if (is_due(d))
			return d;
	return NULL;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct device *d = watch.busy ? NULL : next_due();

	(void)fd;
	(void)what;
	(void)arg;
	if (d && ended(d))
		(void)start(d, HELPER_TIMEOUT_SET_BACK, on_set_back);
	else if (d)
		(void)start(d, HELPER_TIMEOUT_LOOK, on_looked);
}

int unkillable_watch(struct service *svc, struct err *e)
{
	struct timeval tv = { .tv_sec = LOOK_S };

	watch.svc = svc;
	watch.timer = event_new(svc->base, -1, EV_PERSIST, on_tick, NULL);
	if (!watch.timer || event_add(watch.timer, &tv) != 0)
		return err_set(e, -ENOMEM, "out of memory");
	return 0;
}
