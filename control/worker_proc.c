/*
 * control/worker_proc.c - see worker_proc.h. Runs in vdused's main process; the channel's bytes are hostile.
 *
 *   worker_start -> [spawn helper] -> SEALING -WORK_READY-> [hand-over helper] -> HANDOVER -WORK_SERVING-> SERVING
 * Every arrow has a deadline. Whatever goes wrong before SERVING ends in kill, wait for the exit, started(error).
 */
#include "control/worker_proc.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/blkconf.h"
#include "common/chan.h"
#include "common/fd.h"
#include "common/log.h"
#include "control/caps.h"
#include "control/device.h"
#include "control/handover.h"
#include "control/jail.h"
#include "control/worker_sock.h"
#include "proto/work.h"

#define LOGS_PER_SECOND 20U

void worker_init(struct worker *w)
{
	memset(w, 0, sizeof(*w));
	w->pidfd = -1;
	w->chan = -1;
}

static void drop_event(struct event **ev)
{
	if (*ev)
		event_free(*ev);
	*ev = NULL;
}

static void set_timer(struct device *d, int ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000L };

	if (d->worker.timer)
		(void)event_add(d->worker.timer, &tv);
}

static void cancel_timer(struct device *d)
{
	if (d->worker.timer)
		(void)event_del(d->worker.timer);
}

static void remember(struct device *d, int code, const char *why)
{
	if (!d->worker.why.code)
		(void)err_set(&d->worker.why, code, "%s", why);
}

void worker_kill(struct device *d, const char *why)
{
	struct worker *w = &d->worker;

	if (w->pidfd < 0)
		return;
	remember(d, -EPROTO, why);
	log_warn("%s: killing worker %d: %s", d->name, (int)w->pid, why);
	(void)syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
}

/* ---- the end of a worker ---------------------------------------------------------------------- */

/* The process is gone and no helper points here any more: say so to whoever waits. */
static void finished(struct device *d)
{
	struct worker *w = &d->worker;
	enum worker_phase phase = w->phase;
	void (*started)(struct device *, const struct err *) = w->started;
	void (*stopped)(struct device *) = w->stopped;
	struct err why = w->why;

	drop_event(&w->readable);
	drop_event(&w->exited);
	drop_event(&w->timer);
	fd_close(&w->pidfd);
	fd_close(&w->chan);
	w->pid = 0;
	w->phase = WORKER_NONE;
	w->started = NULL;
	w->stopped = NULL;
	w->handed_over = w->says_serving = false;
	memset(&w->why, 0, sizeof(w->why));
	if (!why.code)
		(void)err_set(&why, -ECANCELED, "the worker was stopped");
	if (stopped)
		stopped(d);
	else if (started)
		started(d, &why);
	else if (phase == WORKER_SERVING)
		worker_died(d, &why);
}

static void maybe_finished(struct device *d)
{
	if (d->worker.pidfd < 0 && !d->worker.helper_running)
		finished(d);
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

static void on_channel(evutil_socket_t fd, short what, void *arg);

static void on_exit_event(evutil_socket_t fd, short what, void *arg)
{
	struct device *d = arg;
	struct worker *w = &d->worker;
	siginfo_t si = { 0 };
	char text[128];

	(void)what;
	if (waitid(P_PIDFD, (id_t)fd, &si, WEXITED | WNOHANG) != 0 || si.si_pid == 0)
		return;
	if (w->readable)
		on_channel(w->chan, EV_READ, d); /* its last log lines */
	w->exit_code = si.si_code == CLD_EXITED ? si.si_status : -1;
	describe_exit(&si, text, sizeof(text));
	if (w->phase != WORKER_STOPPING || si.si_code != CLD_EXITED || si.si_status != 0)
		log_warn("%s: %s (pid %d)", d->name, text, (int)w->pid);
	remember(d, -EIO, text);
	drop_event(&w->exited);
	drop_event(&w->readable);
	fd_close(&w->pidfd);
	fd_close(&w->chan);
	cancel_timer(d);
	maybe_finished(d);
}

static void send_ping(struct device *d)
{
	struct worker *w = &d->worker;
	struct work_cookie m;

	memset(&m, 0, sizeof(m));
	msg_init(&m, WORK_PING, sizeof(m));
	m.cookie = ++w->ping;
	w->ping_pending = true;
	/* A full channel is one that the worker does not read: the deadline tells. */
	(void)chan_send(w->chan, &m, sizeof(m), NULL, 0);
	set_timer(d, WORKER_PONG_MS);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct device *d = arg;

	(void)fd;
	(void)what;
	switch (d->worker.phase) {
	case WORKER_SERVING:
		if (!d->worker.ping_pending) {
			send_ping(d);
			return;
		}
		break;
	case WORKER_SEALING:
		remember(d, -ETIMEDOUT, "the worker did not close its jail in time");
		break;
	case WORKER_HANDOVER:
		remember(d, -ETIMEDOUT, "the worker did not start serving in time");
		break;
	default:
		break;
	}
	worker_kill(d, "it does not answer");
}

void worker_stop(struct device *d, void (*done)(struct device *d))
{
	struct worker *w = &d->worker;
	struct work_plain msg;

	if (w->phase == WORKER_NONE) {
		if (done)
			done(d);
		return;
	}
	w->started = NULL;
	w->stopped = done;
	if (w->phase == WORKER_SERVING) {
		memset(&msg, 0, sizeof(msg));
		msg_init(&msg, WORK_STOP, sizeof(msg));
		w->phase = WORKER_STOPPING;
		if (chan_send(w->chan, &msg, sizeof(msg), NULL, 0) == 0) {
			set_timer(d, WORKER_STOP_MS);
			return;
		}
	}
	if (w->phase != WORKER_STOPPING)
		remember(d, -ECANCELED, "cancelled");
	if (w->pidfd >= 0)
		(void)syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
}

/* ---- the channel ------------------------------------------------------------------------------- */

static void serving(struct device *d)
{
	struct worker *w = &d->worker;
	void (*started)(struct device *, const struct err *) = w->started;
	struct err ok = { 0 };

	if (!w->handed_over || !w->says_serving || w->phase != WORKER_HANDOVER)
		return;
	w->phase = WORKER_SERVING;
	w->ping_pending = false;
	set_timer(d, WORKER_PING_MS);
	w->started = NULL;
	log_debug("%s: worker %d serves (generation %u)", d->name, (int)w->pid, w->generation);
	if (started)
		started(d, &ok);
}

static void on_handed_over(void *ctx, const struct helper_result *res, int *fds, unsigned nfds)
{
	struct device *d = ctx;
	struct worker *w = &d->worker;

	w->helper_running = false;
	while (nfds > 0)
		fd_close(&fds[--nfds]);
	if (res->err.code && !w->why.code)
		w->why = res->err;
	if (res->err.code)
		worker_kill(d, res->err.text);
	w->handed_over = res->err.code == 0;
	if (w->pidfd < 0)
		maybe_finished(d);
	else if (w->handed_over)
		serving(d);
}

static int start_handover(struct device *d, struct err *e)
{
	static struct handover_arg a; /* copied by fork */
	struct helper_spec spec = {
		.name = "hand-over",
		.fn = handover,
		.arg = &a,
		.fds = { d->worker.chan, d->path_fd },
		.nfds = 2,
		.caps = BACKING_CAPS,
		.deadline_ms = WORKER_HANDOVER_MS,
	};
	int rc;

	memset(&a, 0, sizeof(a));
	memcpy(a.name, d->name, sizeof(a.name));
	device_state_path(d, a.state_path);
	a.pid = d->worker.pid;
	a.uid = d->worker_uid;
	a.owner = d->owner;
	a.how.block_size = d->block_size;
	a.how.read_only = d->flags & CTL_F_READ_ONLY;
	a.how.direct = d->flags & CTL_F_DIRECT;
	a.info = d->backing;
	a.fail_mode = d->fail_mode;
	rc = helper_start(d->svc->base, &spec, on_handed_over, d, e);
	if (!rc)
		d->worker.helper_running = true;
	return rc;
}

static void on_ready(struct device *d)
{
	struct err e = { 0 };

	d->worker.phase = WORKER_HANDOVER;
	set_timer(d, WORKER_SERVING_MS);
	if (start_handover(d, &e)) {
		remember(d, e.code, e.text);
		worker_kill(d, e.text);
	}
}

static void relay_log(struct device *d, const struct work_log *m)
{
	struct worker *w = &d->worker;
	char text[VD_LOG_SIZE];
	long long now = now_ms();

	if (now - w->log_ms >= 1000) {
		w->log_ms = now;
		w->logs = 0;
	}
	if (w->logs++ >= LOGS_PER_SECOND)
		return;
	memcpy(text, m->text, sizeof(text));
	err_printable(text);
	log_line((enum log_level)m->level, "%s: worker: %s", d->name, text);
	if (m->dropped)
		log_line(LOG_NOTE, "%s: worker: %u lines were left out", d->name, m->dropped);
}

static msg_states channel_state(enum worker_phase phase)
{
	switch (phase) {
	case WORKER_SEALING:
		return WORK_S_SETUP;
	case WORKER_HANDOVER:
		return WORK_S_READY;
	case WORKER_SERVING:
	case WORKER_STOPPING:
		return WORK_S_SERVING;
	default:
		return 0;
	}
}

static bool pong(struct device *d, const struct work_cookie *m)
{
	struct worker *w = &d->worker;

	if (!w->ping_pending || m->cookie != w->ping) {
		worker_kill(d, "it answered what it was not asked");
		return false;
	}
	w->ping_pending = false;
	if (w->phase == WORKER_SERVING)
		set_timer(d, WORKER_PING_MS);
	return true;
}

/* False when the worker broke the protocol. */
static bool one_message(struct device *d, const union work_any *buf, const struct chan_msg *m)
{
	const struct msg_rule *rule;
	enum msg_verdict v = msg_check(work_to_supervisor, work_to_supervisor_rows, buf, m->len, m->truncated, 0,
				       channel_state(d->worker.phase), &rule);
	char text[128];

	if (v != MSG_OK) {
		(void)snprintf(text, sizeof(text), "it sent a message %s", msg_verdict_text(v));
		worker_kill(d, text);
		return false;
	}
	switch (rule->type) {
	case WORK_READY:
		on_ready(d);
		break;
	case WORK_SERVING:
		if (d->worker.says_serving) {
			worker_kill(d, "it said twice that it serves");
			return false;
		}
		d->worker.says_serving = true;
		serving(d);
		break;
	case WORK_PONG:
		return pong(d, &buf->cookie);
	case WORK_LOG:
		relay_log(d, &buf->log);
		break;
	default:
		break;
	}
	return true;
}

#define MESSAGES_PER_TURN 32 /* one worker's flood must not starve the loop */

static void on_channel(evutil_socket_t fd, short what, void *arg)
{
	struct device *d = arg;
	_Alignas(8) union work_any buf;
	struct chan_msg m;

	(void)what;
	for (int i = 0; i < MESSAGES_PER_TURN; i++) {
		int rc = chan_recv((int)fd, &buf, sizeof(buf), false, &m);

		if (rc == -EAGAIN)
			return;
		if (rc || m.len == 0) {
			drop_event(&d->worker.readable); /* its exit, if it is one, comes by pidfd */
			return;
		}
		if (!one_message(d, &buf, &m)) {
			drop_event(&d->worker.readable);
			return;
		}
	}
}

/* ---- start ------------------------------------------------------------------------------------- */

static int send_setup(struct device *d)
{
	struct blk_params p = {
		.capacity = d->backing.size,
		.queues = d->queues,
		.queue_size = d->queue_size,
		.block_size = d->block_size,
		.read_only = d->flags & CTL_F_READ_ONLY,
	};
	struct work_setup m;

	memset(&m, 0, sizeof(m));
	msg_init(&m, WORK_SETUP, sizeof(m));
	memcpy(m.name, d->name, sizeof(m.name));
	memcpy(m.serial, d->serial, sizeof(m.serial));
	m.capacity = d->backing.size;
	m.features = blk_features(&p);
	m.flags = (d->flags & CTL_F_READ_ONLY ? WORK_F_READ_ONLY : 0) | (d->flags & CTL_F_DIRECT ? WORK_F_DIRECT : 0) |
		  (d->backing.is_block ? WORK_F_BLOCK_DEV : 0) | (d->fail_mode ? WORK_F_FAIL : 0) |
		  (d->bus == CTL_BUS_VIRTIO ? WORK_F_HOST : 0);
	m.queues = d->queues;
	m.queue_size = d->queue_size;
	m.block_size = d->block_size;
	m.generation = d->worker.generation;
	m.log_level = log_max();
	return chan_send(d->worker.chan, &m, sizeof(m), NULL, 0);
}

static int watch_worker(struct device *d)
{
	struct event_base *base = d->svc->base;
	struct worker *w = &d->worker;

	w->exited = event_new(base, w->pidfd, EV_READ | EV_PERSIST, on_exit_event, d);
	w->readable = event_new(base, w->chan, EV_READ | EV_PERSIST, on_channel, d);
	w->timer = evtimer_new(base, on_timer, d);
	if (!w->exited || !w->readable || !w->timer)
		return -ENOMEM;
	if (event_add(w->exited, NULL) != 0 || event_add(w->readable, NULL) != 0)
		return -ENOMEM;
	return 0;
}

static void on_spawned(void *ctx, const struct helper_result *res, int *fds, unsigned nfds)
{
	struct device *d = ctx;
	struct worker *w = &d->worker;
	struct jail_result jr;
	int rc;

	w->helper_running = false;
	memcpy(&jr, res->data, sizeof(jr));
	if (res->err.code && !w->why.code)
		w->why = res->err;
	if (nfds == 1) { /* there is a process, whatever else happened */
		w->pid = jr.pid;
		w->pidfd = fds[0];
	} else {
		while (nfds > 0)
			fd_close(&fds[--nfds]);
	}
	if (w->pidfd < 0) {
		finished(d);
		return;
	}
	if (jr.no_cgroup && w->generation == 1)
		log_warn("%s: its worker runs without cgroup limits: %s", d->name, res->err.text);
	rc = watch_worker(d);
	if (rc) { /* no memory for its events: it cannot be managed */
		(void)syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
		(void)waitid(P_PIDFD, (id_t)w->pidfd, &(siginfo_t){ 0 }, WEXITED);
		remember(d, rc, "out of memory");
		finished(d);
		return;
	}
	w->phase = WORKER_SEALING;
	set_timer(d, WORKER_READY_MS);
	if (w->why.code || w->stopped) {
		remember(d, -ECANCELED, "cancelled");
		(void)syscall(SYS_pidfd_send_signal, w->pidfd, SIGKILL, NULL, 0);
		return;
	}
	rc = send_setup(d);
	if (rc)
		worker_kill(d, "it does not take its settings");
}

static int start_spawn(struct device *d, int worker_end, int listener, struct err *e)
{
	static struct jail_arg a; /* copied by fork */
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
	return helper_start(d->svc->base, &spec, on_spawned, d, e);
}

int worker_start(struct device *d, void (*done)(struct device *d, const struct err *e), struct err *e)
{
	struct worker *w = &d->worker;
	const char *dir = d->svc->opt->runtime_dir;
	int sv[2], listener, rc;

	listener = worker_sock_listen(dir, d->name, w->generation + 1, e);
	if (listener < 0)
		return listener;
	/* vdused's end must not block; the worker's end may, and a flag of the description is per end */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0) {
		rc = err_set(e, -errno, "making the worker's channel: %s", err_str(-errno));
	} else {
		(void)evutil_make_socket_nonblocking(sv[0]);
		rc = start_spawn(d, sv[1], listener, e);
		fd_close(&sv[1]);
		if (rc)
			fd_close(&sv[0]);
	}
	fd_close(&listener);
	if (rc) {
		worker_sock_remove(dir, d->name, w->generation + 1);
		return rc;
	}
	w->chan = sv[0];
	w->phase = WORKER_SPAWNING;
	w->helper_running = true;
	w->generation++;
	w->started = done;
	return 0;
}
