/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/watch/respawn.c - a device whose worker died gets the next generation. Runs in vdused's
 * main process. The new worker resumes from the state file; the driver above sees a pause. Attempts
 * are spaced (0, 100, 200, 400 ms ...). When more than --max-deaths die within a minute, or cannot
 * be started, the device is FAILED: its next worker runs in fail mode, without the backing file,
 * and completes every request with an I/O error, so that nobody waits for ever. When even that one
 * does not live, the device is left without.
 * A worker that cannot be started because vdused or the host is out of descriptors, processes or
 * memory says nothing about the disk: that is tried again for as long as it takes, every
 * BACKOFF_MAX_MS at last, and counts towards nothing. A worker that was killed for what is not its
 * fault, as the host had no processor time for it, does not count (worker_replace()).
 * Nor does it count that the last worker has ended and I/O that it began has not: nothing is
 * started before it has.
 */
#include "control/watch/respawn.h"

#include <errno.h>
#include <string.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/device/equip.h"
#include "control/device/saved.h"
#include "control/steps/handover.h"
#include "control/sys/fence.h"
#include "proto/worker_msg.h"

#define RESPAWN_QUIET_MS 60000
#define FAIL_MODE_TRIES 3U
#define THAW_LOOK_S 1
#define THAW_LOOKS 10U /* then whoever waits for a worker is told so */
#define IO_SAID_MS 1000 /* shorter waits for I/O are not worth a line */
#define IO_TOLD_MS 30000 /* then whoever waits for a worker is told so */
#ifndef BACKOFF_MAX_MS /* tests that kill hundreds of workers have it shorter */
#define BACKOFF_MAX_MS 5000L
#endif
#define BACKOFF_STEPS 8U

static void attempt(struct device *d);

static void over(struct device *d, const struct err *e)
{
	d->respawn.active = false;
	op_served(d, e);
}

static void give_up(struct device *d, const struct err *why)
{
	log_error("%s: no worker stays alive, not even in fail mode (%s): I/O to %s waits: mend the cause, then "
		  "\"vduse-ctl recover %s\", or delete it",
		  d->name, why->text, d->node[0] ? d->node : "it", d->name);
	d->respawn.active = false;
	device_settle(d, why->text);
	if (d->state == DEV_CREATING)
		op_cancel(d, why);
	over(d, why);
}

static void schedule(struct device *d, const struct err *why);

static void enter_fail_mode(struct device *d, const struct err *why)
{
	log_error("%s: no worker can serve it (%s): every request to %s ends in an I/O error from now on: mend the "
		  "cause, then \"vduse-ctl recover %s\", or delete it",
		  d->name, why->text, d->node[0] ? d->node : "it", d->name);
	device_fail_mode(d);
	d->respawn.tries = 1;
	device_settle(d, why->text);
	schedule(d, why);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	attempt(arg);
}

/*
 * The kernel waited too long for an answer and gave the device up: all its I/O has ended in errors
 * already. Said by the hand-over, which looks itself; a worker that says so (WORK_EXIT_DEVICE) is
 * replaced like any other.
 */
static void leave_broken(struct device *d, const struct err *why)
{
	log_error("%s: the kernel gave the device up: delete it", d->name);
	d->broken = true;
	device_drop_file(d); /* no worker will need it */
	device_settle(d, why->text);
	over(d, why);
}

static void count_death(struct device *d)
{
	if (!d->worker->blameless)
		d->respawn.tries++;
}

static long backoff_ms(unsigned tries)
{
	long ms = 100L << (tries < BACKOFF_STEPS ? tries : BACKOFF_STEPS) >>
		  2; /* 100, 200, 400 ... from the second try on */

	return tries < 2 ? 0 : ms < BACKOFF_MAX_MS ? ms : BACKOFF_MAX_MS;
}

/*
 * Nobody waits for a create or a delete that long, and they have their own end. A file that is
 * locked is -EBUSY (control/steps/backing_open.c).
 */
static bool host_is_short(const struct device *d, const struct err *e)
{
	if (!device_at_rest(d))
		return false;
	return err_is_shortage(e->code);
}

static void schedule(struct device *d, const struct err *why)
{
	/*
	 * the host may be short of something for a moment: that is no reason to give a healthy disk
	 * up quickly
	 */
	long ms = backoff_ms(d->respawn.tries + d->respawn.short_of + (d->respawn.start_failed ? 2 : 0));
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000L };

	if (d->respawn.tries > (d->fail_mode ? FAIL_MODE_TRIES : d->svc->opt->max_deaths)) {
		if (d->fail_mode)
			give_up(d, why);
		else
			enter_fail_mode(d, why);
		return;
	}
	if (!d->respawn.timer)
		d->respawn.timer = evtimer_new(d->svc->base, on_timer, d);
	if (!d->respawn.timer || event_add(d->respawn.timer, &tv) != 0)
		give_up(d, why);
}

static void start_failed(struct device *d, const struct err *e)
{
	if (!host_is_short(d, e))
		count_death(d);
	else if (d->respawn.short_of < BACKOFF_STEPS)
		d->respawn.short_of++;
	d->respawn.start_failed = true;
	schedule(d, e);
}

static void on_started(struct device *d, const struct err *e)
{
	if (e->code == HANDOVER_BROKEN) {
		leave_broken(d, e);
		return;
	}
	if (e->code) {
		log_warn("%s: starting a new worker: %s", d->name, e->text);
		start_failed(d, e);
		return;
	}
	d->respawn.start_failed = false;
	d->respawn.short_of = 0;
	d->restarts++;
	(void)saved_write(d);
	log_note("%s: worker %d took over (generation %u)%s", d->name, (int)d->worker->pid, d->worker->generation,
		 d->fail_mode ? " in fail mode" : "");
	over(d, e);
}

/* Respawning goes on as soon as it can, but nobody has to wait for that. */
static void tell_why(struct device *d, const char *why)
{
	struct err e = { 0 };

	(void)err_class(&e, CTL_E_BUSY, "it gets no new worker, as %s, then try again", why);
	op_served(d, &e);
}

/* A process that is started in a frozen cgroup does not get to its first step. */
static bool waits_for_thaw(struct device *d)
{
	struct timeval tv = { .tv_sec = THAW_LOOK_S };
	bool frozen = cgroup_frozen(d->name);

	if (frozen && d->respawn.frozen == 0)
		log_warn("%s: no new worker is started, as its cgroup is frozen: write 0 to cgroup.freeze there",
			 d->name);
	d->respawn.frozen = frozen ? d->respawn.frozen + 1 : 0;
	if (!frozen || !d->respawn.timer || event_add(d->respawn.timer, &tv) != 0)
		return false;
	if (d->respawn.frozen > THAW_LOOKS)
		tell_why(d, "its cgroup is frozen: write 0 to cgroup.freeze there");
	return true;
}

static void note_io(struct device *d, long long waited)
{
	if (waited >= IO_SAID_MS && !d->respawn.io_said)
		log_warn("%s: its worker has ended, but I/O that it began has not: the next one is started then",
			 d->name);
	d->respawn.io_said = waited >= IO_SAID_MS;
	if (waited >= IO_TOLD_MS)
		tell_why(d, "I/O that the last one began has not ended: wait for its disk");
}

/*
 * I/O of the last worker that has not ended would be late for the next one. The hand-over sees to
 * that in any case; here nothing is started only to fail there.
 */
static bool waits_for_io(struct device *d)
{
	struct timeval tv = { 0 };
	char path[PATH_MAX];
	long long waited;

	device_state_path(d, path);
	if (fence_look(path) != FENCE_HELD) {
		d->respawn.io_since = 0;
		return false;
	}
	if (!d->respawn.io_since)
		d->respawn.io_since = now_ms();
	waited = now_ms() - d->respawn.io_since;
	tv.tv_usec = fence_pause_ms(waited) * 1000L;
	if (!d->respawn.timer || event_add(d->respawn.timer, &tv) != 0)
		return false;
	note_io(d, waited);
	return true;
}

static void attempt(struct device *d)
{
	struct err e = { 0 };

	if (!d->attached || !d->respawn.active)
		return; /* it went meanwhile */
	if (waits_for_thaw(d) || waits_for_io(d))
		return;
	if (equip_start(d, d->worker, false, on_started, &e) < 0) {
		log_warn("%s: starting a new worker: %s", d->name, e.text);
		start_failed(d, &e);
	}
}

void respawn_died(struct device *d, const struct err *why)
{
	long long now = now_ms();

	if (!d->attached)
		return; /* create notices before its next step */
	if (now - d->respawn.last_ms > RESPAWN_QUIET_MS)
		d->respawn.tries = 0;
	d->respawn.last_ms = now;
	count_death(d);
	d->respawn.active = true;
	if (d->worker->exit_code == WORK_EXIT_QUEUE && !d->fail_mode) {
		enter_fail_mode(d, why);
		return;
	}
	log_note("%s: starting a new worker (%u deaths in a row)", d->name, d->respawn.tries);
	schedule(d, why);
}

void respawn_cancel(struct device *d)
{
	if (d->respawn.timer)
		(void)event_del(d->respawn.timer);
	d->respawn.active = false;
	d->respawn.frozen = 0;
	d->respawn.io_since = 0;
}

void respawn_now(struct device *d)
{
	struct err why = { 0 };

	(void)err_set(&why, -EIO, "no worker");
	device_fail_mode(d); /* it is only there to let the device go */
	d->respawn.tries = 1;
	d->respawn.last_ms = now_ms();
	d->respawn.active = true;
	schedule(d, &why);
}

void respawn_adopted(struct device *d, const struct err *e)
{
	d->adopting = false;
	if (!e->code) {
		over(d, e);
		return;
	}
	d->respawn.tries = 1;
	d->respawn.last_ms = now_ms();
	log_warn("%s: %s: starting a new worker", d->name, e->text);
	if (d->path_fd < 0 && !d->fail_mode)
		enter_fail_mode(d, e);
	else
		schedule(d, e);
}

void respawn_recovered(struct device *d)
{
	d->respawn.tries = 0;
	d->restarts++;
	device_move(d, DEV_LIVE, "recovered");
	log_note("%s: out of fail mode: worker %d serves %s", d->name, (int)d->worker->pid, d->backing.path);
}

void respawn_failed_again(struct device *d, const struct err *why)
{
	d->respawn.active = true;
	d->respawn.last_ms = now_ms();
	enter_fail_mode(d, why);
}

int respawn_wait(struct device *d)
{
	struct err e = { 0 };

	op_await_worker(d);
	if (d->respawn.active)
		return 0;
	if (d->worker->phase != WORKER_SERVING)
		(void)err_set(&e, -EIO, "the device has no worker");
	op_served(d, &e);
	return 0;
}
