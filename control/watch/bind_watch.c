/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/watch/bind_watch.c - see bind_watch.h. Runs in vdused's main process.
 */
#include "control/watch/bind_watch.h"

#include "control/watch/respawn.h"

static void look(struct device *d)
{
	bool fail = d->state == DEV_DELETING && d->force && d->bind_watch.count >= 1;

	d->bind_watch.count++;
	if (d->bind_watch.count > 1 && !fail)
		return;
	if (fail)
		device_fail_mode(d);
	if (!device_has_worker(d))
		respawn_now(d);
	else if (fail)
		worker_kill(d->worker, "the device does not let go");
	else
		worker_replace(d->worker, "the kernel waits for it");
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct device *d = arg;
	struct timeval tv = { .tv_sec = BIND_WATCH_MS / 1000, .tv_usec = (BIND_WATCH_MS % 1000) * 1000L };

	(void)fd;
	(void)what;
	look(d);
	(void)event_add(d->bind_watch.timer, &tv);
}

static void start(struct device *d)
{
	struct timeval tv = { .tv_sec = BIND_WATCH_MS / 1000, .tv_usec = (BIND_WATCH_MS % 1000) * 1000L };

	d->bind_watch.count = 0;
	if (!d->bind_watch.timer)
		d->bind_watch.timer = evtimer_new(d->svc->base, on_timer, d);
	if (d->bind_watch.timer)
		(void)event_add(d->bind_watch.timer, &tv);
}

void bind_watch_stop(struct device *d)
{
	if (d->bind_watch.timer)
		(void)event_del(d->bind_watch.timer);
}

int bind_watch_helper(struct device *d, enum helper_id kind, const struct bus_arg *a, struct err *e)
{
	struct helper_call call = { .arg = a, .handle = &d->bind_watch.helper };
	int rc;

	start(d);
	rc = op_helper(d, kind, &call, e);
	if (rc)
		bind_watch_stop(d);
	return rc;
}
