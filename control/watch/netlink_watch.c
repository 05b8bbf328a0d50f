/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/watch/netlink_watch.c - see netlink_watch.h. Main process of vdused; a helper without
 * capabilities asks the kernel.
 */
#include "control/watch/netlink_watch.h"

#include <errno.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/steps/table.h"

#define ON_BEHALF_OF UINT32_MAX /* no user: for helper_given_up() */

static struct {
	struct service *svc;
	struct event *timer;
	bool asking;
	unsigned limit; /* workers to replace in the next round */
	long long round_ms; /* when the last round was */
	bool hopeless; /* none is left to replace, and the log says so */
	long long hopeless_ms;
} watch;

static bool can_be_the_cause(const struct device *d, bool in_step, long long now)
{
	if (d->worker->phase != WORKER_SERVING || !device_needs_worker(d))
		return false;
	if (d->netlink_watch.suspected_ms && now - d->netlink_watch.suspected_ms < STALL_SPARE_MS)
		return false;
	return in_step ? d->bind_watch.helper != NULL : d->bus == CTL_BUS_VHOST;
}

/* Those whose bind or detach is under way before all others. Returns how many were replaced. */
static unsigned replace(bool in_step, unsigned limit)
{
	long long now = now_ms();
	struct device *d;
	unsigned n = 0;

	TAILQ_FOREACH(d, &watch.svc->devices, link) {
		if (n == limit || !can_be_the_cause(d, in_step, now))
			continue;
		d->netlink_watch.suspected_ms = now;
		worker_replace(d->worker, "netlink does not answer, and the kernel may be waiting for this worker");
		n++;
	}
	return n;
}

static void nobody_left(void)
{
	watch.hopeless_ms = now_ms();
	if (watch.hopeless)
		return;
	watch.hopeless = true;
	log_warn("netlink does not answer, and no worker is left that could be the cause: see what else uses the vdpa "
		 "bus");
}

static void stalled(void)
{
	watch.round_ms = now_ms();
	if (replace(true, UINT32_MAX))
		return;
	if (!replace(false, watch.limit))
		nobody_left();
	if (watch.limit < UINT32_MAX / 2)
		watch.limit *= 2;
}

static void on_answer(void *ctx, struct helper_result *res)
{
	(void)ctx;
	(void)res;
	watch.asking = false;
	/*
	 * one that could be killed was merely slow: the locks in question are not waited for in a
	 * way that a signal ends
	 */
	if (helper_given_up(ON_BEHALF_OF))
		stalled();
}

long long netlink_watch_hopeless_ms(void)
{
	return watch.hopeless_ms;
}

static bool any_suspect(void)
{
	const struct device *d;

	TAILQ_FOREACH(d, &watch.svc->devices, link)
		if (d->attached && (d->bus == CTL_BUS_VHOST || d->bind_watch.helper))
			return true;
	return false;
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct helper_call call = { .uid = ON_BEHALF_OF };
	struct err e = { 0 };

	(void)fd;
	(void)what;
	(void)arg;
	if (watch.asking)
		return;
	if (helper_given_up(ON_BEHALF_OF)) {
		if (now_ms() - watch.round_ms > STALL_ROUND_MS - STALL_ASK_MS / 2)
			stalled();
		return;
	}
	watch.limit = STALL_FIRST_ROUND;
	watch.hopeless = false;
	if (any_suspect())
		watch.asking =
			helper_start(watch.svc->base, &helper_kinds[HELPER_NETLINK], &call, on_answer, NULL, &e) == 0;
}

int netlink_watch_start(struct service *svc, struct err *e)
{
	struct timeval tv = { .tv_sec = STALL_ASK_MS / 1000, .tv_usec = (STALL_ASK_MS % 1000) * 1000L };

	watch.svc = svc;
	watch.limit = STALL_FIRST_ROUND;
	watch.timer = event_new(svc->base, -1, EV_PERSIST, on_tick, NULL);
	if (!watch.timer || event_add(watch.timer, &tv) != 0)
		return err_set(e, -ENOMEM, "out of memory");
	return 0;
}
