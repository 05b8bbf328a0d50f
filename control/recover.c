/*
 * control/recover.c - a device whose worker died gets the next generation. Runs in vdused's main process.
 * The new worker resumes from the state file; the driver above sees a pause. Attempts are spaced
 * (0, 100, 200, 400 ms ...); after RECOVER_TRIES within RECOVER_QUIET_MS the device is FAILED.
 */
#include <errno.h>
#include <string.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/lifecycle.h"

#define RECOVER_TRIES 6U
#define RECOVER_QUIET_MS 60000

static void attempt(struct device *d);

static void over(struct device *d, const struct err *e)
{
	device_done *waiting = d->when_served;

	d->recovery.active = false;
	d->when_served = NULL;
	if (waiting)
		waiting(d, e);
}

static void give_up(struct device *d, const struct err *why)
{
	log_error("%s: no worker stays alive (%s): given up; I/O to %s waits until the device is deleted", d->name,
		  why->text, d->node[0] ? d->node : "it");
	if (d->state == CTL_DEV_LIVE)
		d->state = CTL_DEV_FAILED;
	over(d, why);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	attempt(arg);
}

static void schedule(struct device *d, const struct err *why)
{
	unsigned shift = d->recovery.tries > 1 ? d->recovery.tries - 2 : 0;
	long ms = d->recovery.tries > 1 ? 100L << shift : 0;
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000L };

	if (d->recovery.tries > RECOVER_TRIES) {
		give_up(d, why);
		return;
	}
	if (!d->recovery.timer)
		d->recovery.timer = evtimer_new(d->svc->base, on_timer, d);
	if (!d->recovery.timer || event_add(d->recovery.timer, &tv) != 0)
		give_up(d, why);
}

static void on_started(struct device *d, const struct err *e)
{
	if (e->code) {
		log_warn("%s: starting a new worker: %s", d->name, e->text);
		d->recovery.tries++;
		schedule(d, e);
		return;
	}
	d->restarts++;
	log_note("%s: worker %d took over (generation %u)", d->name, (int)d->worker.pid, d->worker.generation);
	over(d, e);
}

static void attempt(struct device *d)
{
	struct err e = { 0 };

	if (worker_start(d, on_started, &e)) {
		d->recovery.tries++;
		schedule(d, &e);
	}
}

void worker_died(struct device *d, const struct err *why)
{
	long long now = now_ms();

	if (!d->attached)
		return; /* create notices before its next step */
	if (now - d->recovery.last_ms > RECOVER_QUIET_MS)
		d->recovery.tries = 0;
	d->recovery.last_ms = now;
	d->recovery.tries++;
	d->recovery.active = true;
	log_warn("%s: its worker died (%s): starting a new one", d->name, why->text);
	schedule(d, why);
}

void recover_now(struct device *d)
{
	struct err why = { 0 };

	(void)err_set(&why, -EIO, "no worker");
	d->recovery.tries = 1;
	d->recovery.last_ms = now_ms();
	d->recovery.active = true;
	schedule(d, &why);
}

void recover_wait(struct device *d, device_done *done)
{
	struct err e = { 0 };

	if (d->recovery.active) {
		d->when_served = done;
		return;
	}
	if (d->worker.phase != WORKER_SERVING)
		(void)err_set(&e, -EIO, "the device has no worker");
	done(d, &e);
}
