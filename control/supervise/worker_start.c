/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/supervise/worker_start.c - see worker.h: a worker is spawned, sealed and handed its
 * device; or taken over from an earlier vdused. Runs in vdused's main process, on the words of its
 * own helpers.
 */
#include "control/supervise/worker_start.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/steps/handover.h"
#include "control/steps/spawn.h"
#include "control/steps/table.h"
#include "control/supervise/worker_chan.h"
#include "control/supervise/worker_internal.h"
#include "control/sys/caps.h"
#include "control/sys/fence.h"
#include "control/sys/proc_id.h"
#include "control/sys/worker_sock.h"

/* ---- hand-over ------------------------------------------------------------------------------- */

static void serve(struct worker *w)
{
	worker_started *started = w->started;
	struct err ok = { 0 };

	w->phase = WORKER_SERVING;
	w->ping_pending = false;
	worker_set_timer(w, WORKER_PING_MS);
	w->started = NULL;
	log_debug("%s: worker %d serves (generation %u)", worker_name(w), (int)w->pid, w->generation);
	if (started)
		started(w->dev, &ok);
}

void worker_is_serving(struct worker *w)
{
	if (w->handed_over && w->says_serving && w->phase == WORKER_HANDOVER)
		serve(w);
}

static void on_handed_over(void *ctx, struct helper_result *res)
{
	struct worker *w = ctx;

	w->helper_running = false;
	if (res->err.code && !w->why.code)
		w->why = res->err;
	if (res->starved || res->err.code == FENCE_HELD)
		worker_replace(w, res->err.text);
	else if (res->err.code)
		worker_kill(w, res->err.text);
	w->handed_over = res->err.code == 0;
	if (w->handed_over)
		w->events->handed_over(w->dev);
	if (w->pidfd < 0) {
		worker_maybe_finished(w);
	} else if (w->handed_over) {
		worker_expect(w, WORKER_SERVING_MS);
		worker_is_serving(w);
	}
}

/* path_fd: the backing file, -1 = none */
static int start_handover(struct worker *w, const struct handover_arg *a, int path_fd, struct err *e)
{
	struct helper_call call = {
		.arg = a,
		.fds = { w->chan, path_fd },
		.nfds = path_fd >= 0 ? 2 : 1,
		.uid = w->params.owner_uid,
	};
	int rc = helper_start(w->params.base, &helper_kinds[HELPER_HAND_OVER], &call, on_handed_over, w, e);

	if (!rc)
		w->helper_running = true;
	return rc;
}

static void hand_over(struct worker *w)
{
	bool fails = w->params.setup.flags & WORK_F_FAIL;
	struct handover_arg a = { 0 };
	int path_fd = w->events->handover(w->dev, &a);
	struct err e = { 0 };

	/* what it was told cannot be told again */
	if (fails != a.fail_mode) {
		worker_replace(w, fails ? "it was set up for fail mode, which the device has left"
					: "it was set up for a disk, and the device is in fail mode now");
		return;
	}
	a.pid = w->pid;
	w->phase = WORKER_HANDOVER;
	/* it can say nothing before the helper has ended, which has a deadline of its own */
	worker_cancel_timer(w);
	w->events->about_to_serve(w->dev);
	if (start_handover(w, &a, path_fd, &e) < 0) {
		worker_remember(w, e.code, e.text);
		worker_kill(w, e.text);
	}
}

void worker_is_ready(struct worker *w)
{
	worker_started *started = w->started;
	struct err ok = { 0 };

	if (!w->standby) {
		hand_over(w);
		return;
	}
	w->phase = WORKER_STANDBY;
	worker_cancel_timer(w);
	w->started = NULL;
	if (started)
		started(w->dev, &ok);
}

void worker_promote(struct worker *w, worker_started *started)
{
	w->standby = false;
	w->started = started;
	hand_over(w);
}

/* ---- start ----------------------------------------------------------------------------------- */

static void on_spawned(void *ctx, struct helper_result *res)
{
	struct worker *w = ctx;
	struct jail_result jr;
	int rc;

	w->helper_running = false;
	memcpy(&jr, res->data, sizeof(jr));
	w->blameless = res->starved;
	if (res->err.code && !w->why.code)
		w->why = res->err;
	if (res->nfds == 1) { /* there is a process, whatever else happened */
		w->pid = jr.pid;
		w->pidfd = fd_take(&res->fds[0]);
		w->start_time = proc_start_time(w->pid);
	}
	if (w->pidfd < 0) {
		worker_finished(w);
		return;
	}
	if (jr.no_cgroup && w->generation == 1)
		log_warn("%s: its worker runs without cgroup limits: %s", worker_name(w), res->err.text);
	rc = worker_watch(w);
	if (rc < 0) { /* no memory for its events: it cannot be managed */
		worker_send_kill(w);
		/*
		 * it never got anything; if it has not ended yet, what is left of it waits for
		 * vdused's end
		 */
		(void)waitid(P_PIDFD, (id_t)w->pidfd, &(siginfo_t){ 0 }, WEXITED | WNOHANG);
		worker_remember(w, rc, "out of memory");
		worker_finished(w);
		return;
	}
	w->phase = WORKER_SEALING;
	worker_expect(w, WORKER_READY_MS);
	if (w->why.code || w->stopped) {
		worker_remember(w, -ECANCELED, "cancelled");
		worker_send_kill(w);
		return;
	}
	if (worker_send_setup(w) < 0)
		worker_kill(w, "it does not take its settings");
}

static int start_spawn(struct worker *w, const struct worker_params *p, int worker_end, int listener, struct err *e)
{
	struct jail_arg a = { 0 };
	struct helper_call call = {
		.arg = &a,
		.fds = { worker_end, listener },
		.nfds = 2,
		.uid = p->owner_uid,
	};

	(void)snprintf(a.binary, sizeof(a.binary), "%s", p->binary);
	(void)snprintf(a.empty_root, sizeof(a.empty_root), "%s/empty", p->runtime_dir);
	a.uid = p->uid;
	memcpy(a.name, p->setup.name, sizeof(a.name));
	a.limits = p->limits;
	a.file_size = p->file_size;
	return helper_start(p->base, &helper_kinds[HELPER_SPAWN], &call, on_spawned, w, e);
}

static void take_params(struct worker *w, const struct worker_params *p)
{
	w->params = *p;
	w->generation = p->setup.generation;
}

int worker_start(struct worker *w, const struct worker_params *p, bool standby, worker_started *started, struct err *e)
{
	int sv[2], listener, rc;

	w->blameless = false; /* that was the one before */
	listener = worker_sock_listen(p->runtime_dir, p->setup.name, p->setup.generation, e);
	if (listener < 0)
		return listener;
	/*
	 * vdused's end must not block; the worker's end may, and a flag of the description is per
	 * end
	 */
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0) {
		rc = err_set(e, -errno, "making the worker's channel: %s", err_str(-errno));
	} else {
		(void)evutil_make_socket_nonblocking(sv[0]);
		rc = start_spawn(w, p, sv[1], listener, e);
		fd_close(&sv[1]);
		if (rc < 0)
			fd_close(&sv[0]);
	}
	fd_close(&listener);
	if (rc < 0) {
		worker_sock_remove(p->runtime_dir, p->setup.name, p->setup.generation);
		return rc;
	}
	take_params(w, p);
	w->chan = sv[0];
	w->phase = WORKER_SPAWNING;
	w->helper_running = true;
	w->standby = standby;
	w->blameless = false;
	w->started = started;
	return 0;
}

int worker_adopt(struct worker *w, const struct worker_params *p, const struct worker_left *left, struct err *e)
{
	take_params(w, p);
	w->pid = left->pid;
	w->start_time = proc_start_time(left->pid);
	w->pidfd = left->pidfd;
	w->chan = left->chan;
	w->adopted = true;
	w->blameless = false;
	w->halted = left->halted;
	if (worker_watch(w) < 0) {
		worker_clean(w);
		return err_set(e, -ENOMEM, "out of memory");
	}
	w->phase = WORKER_SERVING;
	w->ping_pending = false;
	worker_set_timer(w, WORKER_PING_MS);
	return 0;
}

int worker_kill_and_wait(struct worker *w, const struct worker_params *p, const struct worker_left *left,
			 worker_stopped *done, struct err *e)
{
	take_params(w, p);
	w->pid = left->pid;
	w->pidfd = left->pidfd;
	w->adopted = true;
	if (worker_watch(w) < 0) {
		worker_send_kill(w);
		worker_clean(w);
		return err_set(e, -ENOMEM, "out of memory");
	}
	w->phase = WORKER_STOPPING;
	w->stopped = done;
	worker_send_kill(w);
	return 0;
}
