/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/supervise/worker.c - see worker.h. Runs in vdused's main process; what a worker says is
 * in worker_chan.c.
 *
 *   worker_start -> [spawn helper] -> SEALING -WORK_READY-> (STANDBY ->) [hand-over helper]
 *                -> HANDOVER -WORK_SERVING-> SERVING
 * Every arrow but the one out of STANDBY has a deadline. Whatever goes wrong before SERVING ends in
 * kill, wait for the exit, started(error).
 */
#include "control/supervise/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/fd.h"
#include "common/log.h"
#include "control/helper/close_elsewhere.h"
#include "control/supervise/worker_chan.h"
#include "control/supervise/worker_internal.h"
#include "control/sys/cgroup.h"
#include "control/sys/worker_sock.h"
#include "proto/worker_msg.h"

#define SAID_AT_LOOK 3U /* a worker that is late by less than that is not worth a line */

void worker_init(struct worker *w, struct device *d, const struct worker_events *events)
{
	memset(w, 0, sizeof(*w));
	w->dev = d;
	w->events = events;
	w->pidfd = -1;
	w->chan = -1;
}

static void drop_event(struct event **ev)
{
	if (*ev)
		event_free(*ev);
	*ev = NULL;
}

void worker_set_timer(struct worker *w, int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000L };

	w->due_ms = now_ms() + ms;
	if (w->timer)
		(void)event_add(w->timer, &tv);
}

void worker_expect(struct worker *w, int ms)
{
	memset(&w->late, 0, sizeof(w->late));
	worker_set_timer(w, ms);
}

void worker_cancel_timer(struct worker *w)
{
	if (w->timer)
		(void)event_del(w->timer);
}

void worker_remember(struct worker *w, int code, const char *why)
{
	if (!w->why.code)
		(void)err_set(&w->why, code, "%s", why);
}

void worker_send_kill(struct worker *w)
{
	if (w->pidfd < 0)
		return;
	if (!w->killed_ms)
		w->killed_ms = now_ms();
	(void)syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
}

void worker_kill(struct worker *w, const char *why)
{
	if (w->pidfd < 0)
		return;
	worker_remember(w, -EPROTO, why);
	log_warn("%s: killing worker %d: %s", worker_name(w), (int)w->pid, why);
	worker_send_kill(w);
}

void worker_replace(struct worker *w, const char *why)
{
	if (w->pidfd < 0)
		return; /* nobody was killed: what fails next is to be counted */
	w->blameless = w->blameless || !w->killed_ms;
	worker_kill(w, why);
}

/* ---- the end of a worker --------------------------------------------------------------------- */

/* Everything of the process is gone; what the next one needs to know stays. */
void worker_clean(struct worker *w)
{
	drop_event(&w->readable);
	drop_event(&w->exited);
	drop_event(&w->timer);
	fd_close(&w->pidfd);
	/* what it left unread, nobody knows */
	close_elsewhere(w->params.base, &w->chan, w->params.uid);
	if (w->generation)
		worker_sock_remove(w->params.runtime_dir, worker_name(w), w->generation);
	w->pid = 0;
	w->start_time = 0;
	w->killed_ms = 0;
	w->phase = WORKER_NONE;
	w->started = NULL;
	w->stopped = NULL;
	w->resized = NULL;
	w->standby = w->adopted = w->handed_over = w->says_serving = w->frozen = false;
	w->halted = 0;
	w->resumes = 0;
	memset(&w->why, 0, sizeof(w->why));
}

/* The process is gone and no helper points here any more: say so to whoever waits. */
void worker_finished(struct worker *w)
{
	enum worker_phase phase = w->phase;
	worker_started *started = w->started;
	worker_stopped *stopped = w->stopped;
	worker_resized *resized = w->resized;
	struct device *d = w->dev;
	struct err why = w->why;

	worker_clean(w);
	if (!why.code)
		(void)err_set(&why, -ECANCELED, "the worker was stopped");
	if (resized)
		resized(d, &why);
	if (stopped)
		stopped(d);
	else if (started)
		started(d, &why);
	else if (phase == WORKER_SERVING)
		w->events->died(d, &why);
}

void worker_maybe_finished(struct worker *w)
{
	if (w->pidfd < 0 && !w->helper_running)
		worker_finished(w);
}

static void describe_exit(const siginfo_t *si, char *buf, size_t size)
{
	if (si->si_code == CLD_EXITED)
		(void)snprintf(buf, size, "the worker exited with status %d (see vduse-worker(8))", si->si_status);
	else
		(void)snprintf(buf, size, "the worker was killed by signal %d (%s)%s", si->si_status,
			       strsignal(si->si_status),
			       si->si_status == SIGSYS ? ": it tried a forbidden system call" : "");
}

/*
 * False: not ended yet. An adopted one is somebody else's child: that its pidfd is readable is all
 * we get.
 */
static bool collect_exit(struct worker *w, int pidfd, char *text, size_t size)
{
	siginfo_t si = { 0 };
	bool in_order;

	w->exit_code = -1;
	if (w->adopted) {
		(void)snprintf(text, size, "the worker ended");
		in_order = w->phase == WORKER_STOPPING;
	} else {
		if (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED | WNOHANG) != 0 || si.si_pid == 0)
			return false;
		if (si.si_code == CLD_EXITED)
			w->exit_code = si.si_status;
		describe_exit(&si, text, size);
		in_order = w->phase == WORKER_STOPPING && w->exit_code == 0;
	}
	if (!in_order)
		log_warn("%s: %s (pid %d)", worker_name(w), text, (int)w->pid);
	return true;
}

static void on_exit_event(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	char text[128];

	(void)what;
	if (!collect_exit(w, (int)fd, text, sizeof(text)))
		return;
	if (w->readable)
		worker_on_channel(w->chan, EV_READ, w); /* its last log lines */
	/* so early it speaks for this host, and has not seen a byte of a driver */
	worker_remember(w, w->phase == WORKER_SEALING && w->exit_code == WORK_EXIT_RESOURCE ? -ENOMEM : -EIO, text);
	drop_event(&w->exited);
	drop_event(&w->readable);
	fd_close(&w->pidfd);
	/* what it left unread, nobody knows */
	close_elsewhere(w->params.base, &w->chan, w->params.uid);
	worker_cancel_timer(w);
	worker_maybe_finished(w);
}

static void say_late(const struct worker *w, bool frozen)
{
	if (frozen && !w->frozen)
		log_warn("%s: worker %d does not answer, as its cgroup is frozen: write 0 to cgroup.freeze there",
			 worker_name(w), (int)w->pid);
	else if (!frozen && w->late.looks == SAID_AT_LOOK)
		log_note("%s: worker %d does not answer, as it gets no processor time: it is waited for",
			 worker_name(w), (int)w->pid);
}

/* An answer is late: judge whether it hangs. what: to be told to whoever waits for it. */
static void overdue(struct worker *w, const char *what)
{
	struct late_facts f = { .lag_ms = now_ms() - w->due_ms, .frozen = cgroup_frozen(worker_name(w)) };
	enum late_verdict v;

	proc_sched(w->pid, &f.now);
	v = late_judge(&w->late, &f);
	if (v == LATE_AGAIN) {
		say_late(w, f.frozen);
		w->frozen = f.frozen;
		worker_set_timer(w, LATE_LOOK_MS);
		return;
	}
	if (what)
		worker_remember(w, -ETIMEDOUT, what);
	if (v == LATE_STARVED)
		worker_replace(w, "it does not answer, as it gets no processor time");
	else
		worker_kill(w, "it does not answer");
}

/* Between two pings; true: it has answered so many, and still not that it has grown. */
static bool resize_is_late(struct worker *w)
{
	return w->resized && w->resize_turns++ == WORKER_RESIZE_TURNS;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	switch (w->phase) {
	case WORKER_SERVING:
		if (w->ping_pending)
			overdue(w, NULL);
		else if (resize_is_late(w))
			worker_kill(w, "it does not answer");
		else
			worker_send_ping(w);
		break;
	case WORKER_SEALING:
		overdue(w, "the worker did not close its jail in time");
		break;
	case WORKER_HANDOVER:
		overdue(w, "the worker did not start serving in time");
		break;
	default:
		worker_kill(w, "it does not answer");
		break;
	}
}

void worker_stop(struct worker *w, worker_stopped *done)
{
	if (w->phase == WORKER_NONE) {
		if (done)
			done(w->dev);
		return;
	}
	w->started = NULL;
	w->stopped = done;
	if (w->phase == WORKER_SERVING) {
		w->phase = WORKER_STOPPING;
		if (worker_send_stop(w) == 0) {
			worker_set_timer(w, WORKER_STOP_MS);
			return;
		}
	}
	if (w->phase != WORKER_STOPPING)
		worker_remember(w, -ECANCELED, "cancelled");
	worker_send_kill(w);
}

/* ---- watching it ----------------------------------------------------------------------------- */

int worker_watch(struct worker *w)
{
	struct event_base *base = w->params.base;

	w->exited = event_new(base, w->pidfd, EV_READ | EV_PERSIST, on_exit_event, w);
	w->timer = evtimer_new(base, on_timer, w);
	if (!w->exited || !w->timer || event_add(w->exited, NULL) != 0)
		return -ENOMEM;
	if (w->chan < 0)
		return 0; /* only its end is of interest */
	w->readable = event_new(base, w->chan, EV_READ | EV_PERSIST, worker_on_channel, w);
	return w->readable && event_add(w->readable, NULL) == 0 ? 0 : -ENOMEM;
}
