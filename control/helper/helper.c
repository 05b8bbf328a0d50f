/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/helper/helper.c - see helper.h. The parent half runs in vdused's event loop and never
 * waits; the child half runs until its step is done. The child is our own code, but a step may have
 * read hostile bytes: its result is size-checked and its texts made printable.
 */
#include "control/helper/helper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/sys/caps.h"
#include "control/sys/proc_sched.h"
#include "control/sys/reclaim.h"
#include "control/sys/with_parent.h"

#define KILL_GRACE_MS 500 /* time for a killed child to go before it is given up */
#define REAP_MS 100
#define RESULT_FD 3

struct helper {
	char name[VD_STEP_SIZE];
	pid_t pid;
	int pidfd;
	int sock;
	bool killed, cancelled;
	bool starved; /* killed when it was runnable */
	int spared_ms; /* beyond its deadline, and beyond the grace of a killed one */
	bool patient;
	struct event *exited;
	struct event *timer;
	uint32_t uid;
	struct helper *next_given_up;
	struct helper **handle;
	helper_done *done; /* NULL once the owner has been told */
	void *ctx;
};

static unsigned running;
static struct helper *given_up; /* list: there are few */
static helper_dispose *dispose;

void helper_init(helper_dispose *fn)
{
	dispose = fn;
}

unsigned helper_count(void)
{
	return running;
}

/* ---- child ---------------------------------------------------------------------------------- */

/* 0, or a negative errno and nothing is moved yet. */
static int arrange_fds(const struct helper_call *call, int sock)
{
	/* of all final numbers */
	int high[1 + HELPER_FDS_MAX], above = HELPER_FD + (int)call->nfds;

	if (call->nfds > HELPER_FDS_MAX)
		return -EINVAL;
	for (unsigned i = 0; i <= call->nfds; i++) {
		high[i] = fcntl(i == 0 ? sock : call->fds[i - 1], F_DUPFD_CLOEXEC, above);
		if (high[i] < 0)
			return -errno;
	}
	for (unsigned i = 0; i <= call->nfds; i++)
		if (dup3(high[i], RESULT_FD + (int)i, O_CLOEXEC) < 0)
			_exit(2);
	if (syscall(SYS_close_range, HELPER_FD + call->nfds, ~0U, 0) != 0)
		_exit(2);
	return 0;
}

static void reset_signals(void)
{
	sigset_t none;

	for (int s = 1; s < 32; s++)
		(void)signal(s, SIG_DFL);
	(void)signal(SIGPIPE, SIG_IGN);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
}

static void __attribute__((noreturn))
child_run(const struct helper_kind *kind, const struct helper_call *call, int sock, pid_t parent)
{
	static struct helper_result res;
	struct helper_out out = { .result = &res };
	int rc;

	reset_signals();
	if (!kind->patient)
		with_parent(parent);
	if (getppid() != parent)
		_exit(1);
	(void)prctl(PR_SET_NAME, "vdused-helper");
	reclaim_shield_helper();
	rc = arrange_fds(call, sock);
	if (rc) {
		(void)err_set(&res.err, rc, "arranging descriptors: %s", err_str(rc));
		(void)chan_send(sock, &res, sizeof(res), NULL, 0);
		_exit(2);
	}
	rc = caps_helper(kind->caps, &res.err);
	if (!rc)
		rc = kind->fn(call->arg, &out);
	if (rc && !res.err.code)
		(void)err_set(&res.err, rc, "%s", err_str(rc));
	if (!rc)
		res.err.code = 0;
	rc = chan_send(RESULT_FD, &res, sizeof(res), out.fds, out.nfds);
	_exit(rc ? 3 : 0);
}

bool helper_wanted(void)
{
	struct pollfd p = { .fd = RESULT_FD };

	return poll(&p, 1, 0) == 0; /* a hang-up is always reported */
}

/* ---- parent --------------------------------------------------------------------------------- */

static void forget_given_up(struct helper *h)
{
	for (struct helper **p = &given_up; *p; p = &(*p)->next_given_up)
		if (*p == h) {
			*p = h->next_given_up;
			return;
		}
}

unsigned helper_given_up(uint32_t uid)
{
	unsigned n = 0;

	for (const struct helper *h = given_up; h; h = h->next_given_up)
		n += h->uid == uid;
	return n;
}

static void helper_free(struct helper *h)
{
	forget_given_up(h);
	if (h->exited)
		event_free(h->exited);
	if (h->timer)
		event_free(h->timer);
	fd_close(&h->pidfd);
	fd_close(&h->sock);
	free(h);
	running--;
}

static void drop_rest(struct event_base *base, struct helper_result *res, uint32_t uid)
{
	for (unsigned i = 0; i < res->nfds; i++)
		if (res->fds[i] >= 0)
			dispose(base, &res->fds[i], uid);
}

/* To whoever waits, if there is anybody still. What he leaves may be a worker's socket. */
static void tell(struct helper *h, struct helper_result *res)
{
	struct event_base *base = event_get_base(h->timer);
	helper_done *done = h->done;

	h->done = NULL;
	if (h->handle)
		*h->handle = NULL;
	h->handle = NULL;
	if (done)
		done(h->ctx, res);
	drop_rest(base, res, h->uid);
}

static void tell_error(struct helper *h, int code, const char *why)
{
	struct helper_result res = { 0 };

	(void)err_set(&res.err, code, "the %s helper %s", h->name, why);
	res.starved = h->starved;
	tell(h, &res);
}

static void take_fds(struct helper_result *res, struct chan_msg *m)
{
	res->nfds = m->nfds;
	for (unsigned i = 0; i < CHAN_FDS_MAX; i++)
		res->fds[i] = i < m->nfds ? fd_take(&m->fds[i]) : -1;
}

static void collect(struct helper *h, const siginfo_t *si)
{
	struct helper_result res = { 0 };
	struct chan_msg m = { 0 };
	int rc = h->sock >= 0 ? chan_recv(h->sock, &res, sizeof(res), true, &m) : -EPIPE;

	take_fds(&res, &m);
	if (rc == 0 && m.len == sizeof(res) && !m.truncated) {
		res.err.step[sizeof(res.err.step) - 1] = '\0';
		res.err.text[sizeof(res.err.text) - 1] = '\0';
		err_printable(res.err.text);
		if (res.err.code && (res.err.class < CTL_E_FAILED || res.err.class > CTL_E_LAST))
			res.err.class = CTL_E_FAILED;
		res.starved = false;
		tell(h, &res);
		return;
	}
	drop_rest(event_get_base(h->timer), &res, h->uid);
	if (h->killed)
		tell_error(h, -ETIMEDOUT, "did not finish in time");
	else
		tell_error(h, -EIO, si->si_code == CLD_EXITED ? "ended without a result" : "was killed");
}

static void on_exit_event(evutil_socket_t fd, short what, void *arg)
{
	struct helper *h = arg;
	siginfo_t si = { 0 };

	(void)what;
	if (waitid(P_PIDFD, (id_t)fd, &si, WEXITED | WNOHANG) != 0 || si.si_pid == 0)
		return;
	if (!h->done)
		log_note("the %s helper that was given up (pid %d) has ended", h->name, (int)h->pid);
	(void)event_del(h->exited);
	collect(h, &si);
	helper_free(h);
}

void helper_cancel(struct helper *h)
{
	struct timeval now = { 0 };

	if (h->killed || !h->done)
		return;
	h->cancelled = true;
	(void)event_add(h->timer, &now);
}

/*
 * It waits for a processor, not for the kernel, or has ended and is not noticed yet. Steps of ours
 * do not run in circles.
 */
static bool spare(struct helper *h)
{
	struct proc_sched s;

	if (h->cancelled && !h->killed)
		return false;
	proc_sched(h->pid, &s);
	if (!h->killed)
		h->starved = s.state == 'R';
	if ((s.state != 'R' && s.state != 'Z') || h->spared_ms >= HELPER_STARVED_MS)
		return false;
	h->spared_ms += KILL_GRACE_MS;
	return true;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
	struct helper *h = arg;
	struct timeval grace = { .tv_sec = 0, .tv_usec = KILL_GRACE_MS * 1000L };

	(void)fd;
	(void)what;
	if (spare(h)) {
		(void)event_add(h->timer, &grace);
		return;
	}
	if (!h->killed && !h->patient) {
		h->killed = true;
		h->spared_ms = 0;
		(void)syscall(SYS_pidfd_send_signal, h->pidfd, SIGKILL, NULL, 0);
		(void)event_add(h->timer, &grace);
		return;
	}
	log_warn("the %s helper (pid %d) does not end%s: the kernel holds it; given up", h->name, (int)h->pid,
		 h->killed ? " although killed" : " in time");
	fd_close(&h->sock); /* it sees that nobody waits any more */
	h->next_given_up = given_up;
	given_up = h;
	tell_error(h, -ETIMEDOUT, "is stuck in the kernel");
}

static int watch(struct event_base *base, struct helper *h, unsigned deadline_ms)
{
	struct timeval tv = { .tv_sec = deadline_ms / 1000, .tv_usec = (deadline_ms % 1000) * 1000L };

	h->exited = event_new(base, h->pidfd, EV_READ | EV_PERSIST, on_exit_event, h);
	h->timer = evtimer_new(base, on_timer, h);
	if (!h->exited || !h->timer || event_add(h->exited, NULL) != 0 || event_add(h->timer, &tv) != 0)
		return -ENOMEM;
	return 0;
}

static void on_reap(evutil_socket_t fd, short what, void *arg)
{
	struct timeval again = { .tv_usec = REAP_MS * 1000L };
	struct helper *h = arg;

	(void)fd;
	(void)what;
	if (waitpid(h->pid, NULL, WNOHANG) == 0 && event_add(h->timer, &again) == 0)
		return;
	helper_free(h);
}

/* It runs, but cannot be watched. Killed, it may still be in a step that takes its time. */
static void abandon(struct event_base *base, struct helper *h)
{
	(void)kill(h->pid, SIGKILL);
	if (h->exited)
		event_free(h->exited);
	h->exited = NULL;
	if (h->timer)
		event_free(h->timer);
	h->timer = evtimer_new(base, on_reap, h);
	if (h->timer)
		on_reap(-1, EV_TIMEOUT, h);
	else
		helper_free(h); /* what is left of it waits for vdused's end */
}

static int cannot_start(const struct helper_kind *kind, int rc, struct err *e)
{
	return err_set(e, rc, "cannot start the %s helper: %s", kind->name, err_str(rc));
}

int helper_start(struct event_base *base, const struct helper_kind *kind, const struct helper_call *call,
		 helper_done *done, void *ctx, struct err *e)
{
	pid_t parent = getpid();
	int sv[2] = { -1, -1 };
	struct helper *h;
	int rc;

	h = calloc(1, sizeof(*h));
	if (!h)
		return err_set(e, -ENOMEM, "out of memory");
	running++;
	h->pidfd = -1;
	h->sock = -1;
	h->ctx = ctx;
	(void)snprintf(h->name, sizeof(h->name), "%s", kind->name);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv) != 0)
		goto fail_errno;
	h->sock = sv[0];
	h->pid = fork();
	if (h->pid < 0)
		goto fail_errno;
	if (h->pid == 0)
		child_run(kind, call, sv[1], parent);
	fd_close(&sv[1]); /* first: this may be the last descriptor to be had */
	h->pidfd = (int)syscall(SYS_pidfd_open, h->pid, 0);
	rc = h->pidfd < 0 ? -errno : watch(base, h, kind->deadline_ms);
	if (rc) {
		abandon(base, h);
		return cannot_start(kind, rc, e);
	}
	h->done = done;
	h->uid = call->uid;
	h->patient = kind->patient;
	h->handle = call->handle;
	if (h->handle)
		*h->handle = h;
	return 0;

fail_errno:
	rc = -errno;
	fd_close(&sv[1]);
	helper_free(h);
	return cannot_start(kind, rc, e);
}
