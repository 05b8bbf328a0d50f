/*
 * control/worker_proc.c - see worker_proc.h. Runs in vdused's main process; what a worker says is in worker_chan.c.
 *
 *   worker_start -> [spawn helper] -> SEALING -WORK_READY-> (STANDBY ->) [hand-over helper] -> HANDOVER
 *                                                                                    -WORK_SERVING-> SERVING
 * Every arrow but the one out of STANDBY has a deadline. Whatever goes wrong before SERVING ends in kill, wait for the
 * exit, started(error).
 */
#include "control/worker_proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/caps.h"
#include "control/device.h"
#include "control/handover.h"
#include "control/jail.h"
#include "control/proc_id.h"
#include "control/record.h"
#include "control/worker_sock.h"

void worker_init(struct worker *w, struct device *d)
{
	memset(w, 0, sizeof(*w));
	w->dev = d;
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

	if (w->timer)
		(void)event_add(w->timer, &tv);
}

static void cancel_timer(struct worker *w)
{
	if (w->timer)
		(void)event_del(w->timer);
}

void worker_remember(struct worker *w, int code, const char *why)
{
	if (!w->why.code)
		(void)err_set(&w->why, code, "%s", why);
}

static void send_kill(const struct worker *w)
{
	if (w->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
}

void worker_kill(struct worker *w, const char *why)
{
	if (w->pidfd < 0)
		return;
	worker_remember(w, -EPROTO, why);
	log_warn("%s: killing worker %d: %s", w->dev->name, (int)w->pid, why);
	send_kill(w);
}

/* ---- the end of a worker ---------------------------------------------------------------------- */

/* Everything of the process is gone; what the next one needs to know stays. */
static void clean(struct worker *w)
{
	drop_event(&w->readable);
	drop_event(&w->exited);
	drop_event(&w->timer);
	fd_close(&w->pidfd);
	fd_close(&w->chan);
	if (w->generation)
		worker_sock_remove(w->dev->svc->opt->runtime_dir, w->dev->name, w->generation);
	w->pid = 0;
	w->start_time = 0;
	w->phase = WORKER_NONE;
	w->started = NULL;
	w->stopped = NULL;
	w->resized = NULL;
	w->standby = w->adopted = w->handed_over = w->says_serving = false;
	w->halted = 0;
	memset(&w->why, 0, sizeof(w->why));
}

/* The process is gone and no helper points here any more: say so to whoever waits. */
static void finished(struct worker *w)
{
	enum worker_phase phase = w->phase;
	void (*started)(struct device *, const struct err *) = w->started;
	void (*stopped)(struct device *) = w->stopped;
	void (*resized)(struct device *, const struct err *) = w->resized;
	struct device *d = w->dev;
	struct err why = w->why;

	clean(w);
	if (!why.code)
		(void)err_set(&why, -ECANCELED, "the worker was stopped");
	if (resized)
		resized(d, &why);
	if (stopped)
		stopped(d);
	else if (started)
		started(d, &why);
	else if (phase == WORKER_SERVING)
		worker_died(d, &why);
}

static void maybe_finished(struct worker *w)
{
	if (w->pidfd < 0 && !w->helper_running)
		finished(w);
}

static void describe_exit(const siginfo_t *si, char *buf, size_t size)
{
	if (si->si_code == CLD_EXITED)
		(void)snprintf(buf, size, "the worker exited with status %d", si->si_status);
	else
		(void)snprintf(buf, size, "the worker was killed by signal %d (%s)%s", si->si_status,
			       strsignal(si->si_status),
			       si->si_status == SIGSYS ? ": it tried a forbidden system call" : "");
}

/* False: not ended yet. An adopted one is somebody else's child: that its pidfd is readable is all we get. */
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
		log_warn("%s: %s (pid %d)", w->dev->name, text, (int)w->pid);
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
	worker_remember(w, -EIO, text);
	drop_event(&w->exited);
	drop_event(&w->readable);
	fd_close(&w->pidfd);
	fd_close(&w->chan);
	cancel_timer(w);
	maybe_finished(w);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;

	(void)fd;
	(void)what;
	switch (w->phase) {
	case WORKER_SERVING:
		if (!w->ping_pending) {
			worker_send_ping(w);
			return;
		}
		break;
	case WORKER_SEALING:
		worker_remember(w, -ETIMEDOUT, "the worker did not close its jail in time");
		break;
	case WORKER_HANDOVER:
		worker_remember(w, -ETIMEDOUT, "the worker did not start serving in time");
		break;
	default:
		break;
	}
	worker_kill(w, "it does not answer");
}

void worker_stop(struct worker *w, void (*done)(struct device *d))
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
	send_kill(w);
}

/* ---- hand-over ---------------------------------------------------------------------------------- */

static void serve(struct worker *w)
{
	void (*started)(struct device *, const struct err *) = w->started;
	struct err ok = { 0 };

	w->phase = WORKER_SERVING;
	w->ping_pending = false;
	worker_set_timer(w, WORKER_PING_MS);
	w->started = NULL;
	log_debug("%s: worker %d serves (generation %u)", w->dev->name, (int)w->pid, w->generation);
	if (started)
		started(w->dev, &ok);
}

void worker_is_serving(struct worker *w)
{
	if (w->handed_over && w->says_serving && w->phase == WORKER_HANDOVER)
		serve(w);
}

static void on_handed_over(void *ctx, const struct helper_result *res, int *fds, unsigned nfds)
{
	struct worker *w = ctx;

	w->helper_running = false;
	helper_drop_fds(fds, nfds);
	if (res->err.code && !w->why.code)
		w->why = res->err;
	if (res->err.code)
		worker_kill(w, res->err.text);
	w->handed_over = res->err.code == 0;
	if (w->pidfd < 0)
		maybe_finished(w);
	else if (w->handed_over)
		worker_is_serving(w);
}

static int start_handover(struct worker *w, struct err *e)
{
	static struct handover_arg a; /* copied by fork */
	struct device *d = w->dev;
	struct helper_spec spec = {
		.name = "hand-over",
		.fn = handover,
		.arg = &a,
		.fds = { w->chan, d->path_fd },
		.nfds = d->path_fd >= 0 ? 2 : 1,
		.caps = BACKING_CAPS,
		.deadline_ms = WORKER_HANDOVER_MS,
	};
	int rc;

	memset(&a, 0, sizeof(a));
	memcpy(a.name, d->name, sizeof(a.name));
	device_state_path(d, a.state_path);
	a.pid = w->pid;
	a.uid = d->worker_uid;
	a.owner = d->owner;
	a.how.block_size = d->block_size;
	a.how.read_only = d->flags & CTL_F_READ_ONLY;
	a.how.direct = d->flags & CTL_F_DIRECT;
	a.info = d->backing;
	a.no_file = d->path_fd < 0;
	a.fail_mode = d->fail_mode;
	rc = helper_start(d->svc->base, &spec, on_handed_over, w, e);
	if (!rc)
		w->helper_running = true;
	return rc;
}

static void hand_over(struct worker *w)
{
	struct err e = { 0 };

	w->phase = WORKER_HANDOVER;
	worker_set_timer(w, WORKER_SERVING_MS);
	/* from here on it may serve without us: the next vdused must know of it */
	record_save(w->dev);
	if (start_handover(w, &e)) {
		worker_remember(w, e.code, e.text);
		worker_kill(w, e.text);
	}
}

void worker_is_ready(struct worker *w)
{
	void (*started)(struct device *, const struct err *) = w->started;
	struct err ok = { 0 };

	if (!w->standby) {
		hand_over(w);
		return;
	}
	w->phase = WORKER_STANDBY;
	cancel_timer(w);
	w->started = NULL;
	if (started)
		started(w->dev, &ok);
}

void worker_promote(struct worker *w, void (*started)(struct device *d, const struct err *e))
{
	w->standby = false;
	w->started = started;
	hand_over(w);
}

/* ---- start ------------------------------------------------------------------------------------- */

static int watch_worker(struct worker *w)
{
	struct event_base *base = w->dev->svc->base;

	w->exited = event_new(base, w->pidfd, EV_READ | EV_PERSIST, on_exit_event, w);
	w->readable = event_new(base, w->chan, EV_READ | EV_PERSIST, worker_on_channel, w);
	w->timer = evtimer_new(base, on_timer, w);
	if (!w->exited || !w->readable || !w->timer)
		return -ENOMEM;
	if (event_add(w->exited, NULL) != 0 || event_add(w->readable, NULL) != 0)
		return -ENOMEM;
	return 0;
}

static void on_spawned(void *ctx, const struct helper_result *res, int *fds, unsigned nfds)
{
	struct worker *w = ctx;
	struct jail_result jr;
	int rc;

	w->helper_running = false;
	memcpy(&jr, res->data, sizeof(jr));
	if (res->err.code && !w->why.code)
		w->why = res->err;
	if (nfds == 1) { /* there is a process, whatever else happened */
		w->pid = jr.pid;
		w->pidfd = fds[0];
		w->start_time = proc_start_time(w->pid);
	} else {
		helper_drop_fds(fds, nfds);
	}
	if (w->pidfd < 0) {
		finished(w);
		return;
	}
	if (jr.no_cgroup && w->generation == 1)
		log_warn("%s: its worker runs without cgroup limits: %s", w->dev->name, res->err.text);
	rc = watch_worker(w);
	if (rc) { /* no memory for its events: it cannot be managed */
		send_kill(w);
		(void)waitid(P_PIDFD, (id_t)w->pidfd, &(siginfo_t){ 0 }, WEXITED);
		worker_remember(w, rc, "out of memory");
		finished(w);
		return;
	}
	w->phase = WORKER_SEALING;
	worker_set_timer(w, WORKER_READY_MS);
	if (w->why.code || w->stopped) {
		worker_remember(w, -ECANCELED, "cancelled");
		send_kill(w);
		return;
	}
	if (worker_send_setup(w))
		worker_kill(w, "it does not take its settings");
}

static int start_spawn(struct worker *w, int worker_end, int listener, struct err *e)
{
	static struct jail_arg a; /* copied by fork */
	const struct device *d = w->dev;
	struct helper_spec spec = {
		.name = "spawn",
		.fn = jail_spawn,
		.arg = &a,
		.fds = { worker_end, listener },
		.nfds = 2,
		.caps = JAIL_CAPS,
		.deadline_ms = WORKER_SPAWN_MS,
	};

	memset(&a, 0, sizeof(a));
	(void)snprintf(a.binary, sizeof(a.binary), "%s", d->svc->opt->worker);
	(void)snprintf(a.empty_root, sizeof(a.empty_root), "%s/empty", d->svc->opt->runtime_dir);
	a.uid = d->worker_uid;
	memcpy(a.name, d->name, sizeof(a.name));
	a.limits = d->svc->limits;
	a.file_size = d->backing.is_block ? 0 : d->backing.size;
	return helper_start(d->svc->base, &spec, on_spawned, w, e);
}

int worker_start(struct worker *w, bool standby, void (*started)(struct device *d, const struct err *e), struct err *e)
{
	struct device *d = w->dev;
	const char *dir = d->svc->opt->runtime_dir;
	int sv[2], listener, rc;

	listener = worker_sock_listen(dir, d->name, d->generation + 1, e);
	if (listener < 0)
		return listener;
	/* vdused's end must not block; the worker's end may, and a flag of the description is per end */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0) {
		rc = err_set(e, -errno, "making the worker's channel: %s", err_str(-errno));
	} else {
		(void)evutil_make_socket_nonblocking(sv[0]);
		rc = start_spawn(w, sv[1], listener, e);
		fd_close(&sv[1]);
		if (rc)
			fd_close(&sv[0]);
	}
	fd_close(&listener);
	if (rc) {
		worker_sock_remove(dir, d->name, d->generation + 1);
		return rc;
	}
	w->chan = sv[0];
	w->phase = WORKER_SPAWNING;
	w->helper_running = true;
	w->standby = standby;
	w->generation = ++d->generation;
	w->started = started;
	return 0;
}

int worker_adopt(struct worker *w, pid_t pid, int pidfd, int chan, int halted, struct err *e)
{
	w->pid = pid;
	w->start_time = proc_start_time(pid);
	w->pidfd = pidfd;
	w->chan = chan;
	w->adopted = true;
	w->generation = w->dev->generation;
	w->halted = halted;
	if (watch_worker(w)) {
		clean(w);
		return err_set(e, -ENOMEM, "out of memory");
	}
	w->phase = WORKER_SERVING;
	w->ping_pending = false;
	worker_set_timer(w, WORKER_PING_MS);
	return 0;
}
