/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/adopt.c - see adopt.h. Runs in vdused's main process.
 */
#include "control/ops/adopt.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/device/equip.h"
#include "control/device/saved.h"
#include "control/ops/delete.h"
#include "control/steps/adopt.h"
#include "control/sys/proc_id.h"
#include "control/sys/worker_sock.h"
#include "control/watch/respawn.h"

#define LOOKING_MAX 8U
#define AGAIN_S 1

static unsigned looking; /* helpers that run */
static bool trying_again;

static step_begin look_begin, bury_begin, again_begin, settle_begin;
static step_take look_take;
static device_done on_adopted;

static const struct step steps[] = {
	{ "adopt", look_begin, look_take, STEP_SHOWN },
	{ "end worker", bury_begin, NULL, 0 },
	{ "look again", again_begin, NULL, 0 },
	{ "settle", settle_begin, NULL, 0 },
};

const struct operation op_adopt = {
	.name = "adopt",
	.steps = steps,
	.nsteps = sizeof(steps) / sizeof(steps[0]),
	.others_wait = true,
};

/* ---- what there is --------------------------------------------------------------------------- */

/*
 * The process of the record, if it is there: held from now on, so that its pid cannot become
 * another's.
 */
static int open_left(const struct record *r)
{
	int pidfd = r->worker_pid > 0 ? (int)syscall(SYS_pidfd_open, r->worker_pid, 0) : -1;

	if (pidfd >= 0 &&
	    (proc_start_time(r->worker_pid) != r->worker_start || proc_uid(r->worker_pid) != r->worker_uid))
		fd_close(&pidfd);
	return pidfd;
}

static void take(struct service *svc, const struct record *r)
{
	struct device *d = device_new(svc, r->name);

	if (!d) {
		log_error("%s: out of memory: it is not managed", r->name);
		return;
	}
	saved_apply(r, d);
	device_keep_state(d);
	uid_pool_reserve(&svc->uids, d->worker_uid);
	d->respawn.active = true;
	d->adopting = true;
	d->left.pid = r->worker_pid;
	d->left.start = r->worker_start;
	d->left.pidfd = open_left(r);
}

/* A few at a time: each walks through all processes. */
static void look_at_next(struct service *svc)
{
	struct device *d = TAILQ_FIRST(&svc->devices), *next;

	for (; d && looking < LOOKING_MAX && !trying_again; d = next) {
		next = TAILQ_NEXT(d, link);
		if (op_is_later(d, &op_adopt))
			op_retry(d);
	}
}

void adopt_all(struct service *svc)
{
	struct device *d, *next;
	int rc = saved_load(svc, take);

	if (rc)
		log_error("%s/device: %s: what an earlier vdused left is not looked at", svc->opt->runtime_dir,
			  err_str(rc));
	for (d = TAILQ_FIRST(&svc->devices); d; d = next) {
		next = TAILQ_NEXT(d, link);
		op_start(d, &op_adopt, on_adopted);
	}
	if (svc->ndevices)
		log_note("devices of the vdused before, which are taken up: %u", svc->ndevices);
}

/* ---- adopt ----------------------------------------------------------------------------------- */

/*
 * In fail mode recover looks for it; a broken one never needs it again. Held, it would keep its
 * file system busy.
 */
static bool needs_no_file(const struct device *d)
{
	return d->fail_mode || d->broken;
}

static void fill(const struct device *d, struct adopt_arg *a)
{
	memset(a, 0, sizeof(*a));
	(void)snprintf(a->dir, sizeof(a->dir), "%s", d->svc->opt->runtime_dir);
	memcpy(a->name, d->name, sizeof(a->name));
	memcpy(a->path, d->backing_path, sizeof(a->path));
	a->owner = d->owner;
	a->info = d->backing;
	a->generation = d->generation;
	a->worker_uid = d->worker_uid;
	a->no_file = needs_no_file(d);
	a->timeout_short = d->timeout_short;
	a->msg_timeout = d->msg_timeout;
	a->worker_pid = d->left.pidfd >= 0 ? d->left.pid : 0;
	a->worker_start = d->left.start;
}

static void on_try_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	trying_again = false;
	look_at_next(arg);
}

/*
 * No helper can be had now: what was left goes on serving meanwhile, and is looked at as soon as
 * there is one.
 */
static bool look_later(struct device *d, const struct err *e)
{
	struct timeval tv = { .tv_sec = AGAIN_S };

	if (!trying_again && event_base_once(d->svc->base, -1, EV_TIMEOUT, on_try_again, d->svc, &tv) != 0)
		return false;
	if (!trying_again)
		log_warn("%s: %s: tried again each second", d->name, e->text);
	trying_again = true;
	return true;
}

static int look_begin(struct device *d, struct err *e)
{
	struct adopt_arg a;

	if (looking >= LOOKING_MAX || trying_again)
		return op_later(d);
	fill(d, &a);
	if (op_helper(d, HELPER_ADOPT, &(struct helper_call){ .arg = &a }, e) == 0) {
		looking++;
		return 0;
	}
	if (look_later(d, e))
		return op_later(d);
	d->left.why = *e;
	return STEP_SKIP;
}

static void take_worker(struct device *d, const struct adopt_result *r, int pidfd, int chan)
{
	const struct worker_left left = { .pid = r->pid, .pidfd = pidfd, .chan = chan, .halted = r->halted };
	struct worker_params p;
	struct err e = { 0 };

	d->timeout_short = false;
	equip_params(d, d->generation, &p);
	if (worker_adopt(d->worker, &p, &left, &e))
		log_error("%s: worker %d: %s", d->name, (int)r->pid, e.text);
	else if (r->halted)
		log_warn(
			"%s: worker %d is taken up; the device is stopped since a request failed (%s): mend the cause, "
			"then \"vduse-ctl resume %s\"",
			d->name, (int)r->pid, err_str(r->halted), d->name);
	else
		log_note("%s: worker %d goes on serving%s%s", d->name, (int)r->pid, d->node[0] ? " " : "", d->node);
}

/* Where it is by now, and which disk it is, is known for the next vdused, too. */
static void take_file(struct device *d, const struct adopt_result *r, int path_fd)
{
	d->path_fd = path_fd;
	d->backing.diskseq = r->diskseq;
	d->backing.start = r->start;
	(void)saved_write(d);
}

static int look_take(struct device *d, struct helper_result *res, struct err *e)
{
	struct adopt_result r;
	unsigned n = 0;

	(void)e;
	looking--;
	if (res->starved) /* not tried in earnest */
		return op_again(d, 0);
	memcpy(&r, res->data, sizeof(r));
	r.why[sizeof(r.why) - 1] = '\0';
	d->left.gone = !res->err.code && r.gone;
	d->left.again = res->err.code && d->left.pidfd >= 0;
	(void)err_set(&d->left.why, -EIO, "%s", res->err.code ? res->err.text : r.why);
	if ((r.brings & ADOPT_WORKER) && res->nfds >= 2) {
		take_worker(d, &r, fd_take(&res->fds[0]), fd_take(&res->fds[1]));
		n = 2;
	}
	if ((r.brings & ADOPT_FILE) && res->nfds == n + 1)
		take_file(d, &r, fd_take(&res->fds[n]));
	else if (!needs_no_file(d) && !res->err.code)
		log_warn("%s: its backing file is not found again: %s", d->name, r.why);
	/* of a worker that was to take over in an upgrade */
	worker_sock_remove(d->svc->opt->runtime_dir, d->name, d->generation + 1);
	look_at_next(d->svc);
	return 0;
}

/* ---- end worker ------------------------------------------------------------------------------ */

/*
 * It was not adopted: it must not go on serving without anybody, and it must have ended before
 * anything else is done with the device. Perhaps it is itself the reason why nothing was found out.
 */
static int bury_begin(struct device *d, struct err *e)
{
	struct worker_left left = { .pid = d->left.pid, .pidfd = fd_take(&d->left.pidfd), .chan = -1 };
	struct worker_params p;

	if (d->worker->phase != WORKER_NONE) {
		fd_close(&left.pidfd);
		return STEP_SKIP;
	}
	worker_sock_remove(d->svc->opt->runtime_dir, d->name, d->generation);
	if (left.pidfd < 0)
		return STEP_SKIP;
	log_warn("%s: killing worker %d: it was not adopted: %s", d->name, (int)d->left.pid, d->left.why.text);
	equip_params(d, d->generation, &p);
	return worker_kill_and_wait(d->worker, &p, &left, op_step_over, e) ? STEP_SKIP : 0;
}

/* ---- look again ------------------------------------------------------------------------------ */

/* It had to end before anything could be found out: now that can. */
static int again_begin(struct device *d, struct err *e)
{
	(void)e;
	if (!d->left.again)
		return STEP_SKIP;
	d->left.again = false;
	return op_again(d, 0);
}

/* ---- settle ---------------------------------------------------------------------------------- */

/* Everything that could be found out is known: finish, undo or serve. */
static int settle_begin(struct device *d, struct err *e)
{
	bool creating = d->state == DEV_CREATING, deleting = d->state == DEV_DELETING;
	struct err why = { 0 };

	(void)e;
	if (d->left.gone) {
		log_error("%s: the kernel has no such device any more: somebody else removed it", d->name);
		d->broken = true; /* no worker can serve it */
		device_drop_file(d);
		device_settle(d, "the kernel has no such device any more");
	}
	if (d->worker->phase == WORKER_NONE && device_needs_worker(d)) {
		(void)err_set(&why, -EIO, "%s", d->left.why.text);
		if (creating)
			device_fail_mode(d); /* that one only helps the device to go */
	}
	respawn_adopted(d, &why);
	/* a delete that came meanwhile waits for what comes out here */
	if (d->op.next == &op_delete || !(creating || deleting || d->left.gone))
		return STEP_END;
	d->force = creating || d->left.gone || d->force;
	return op_instead(d, &op_delete);
}

static void on_adopted(struct device *d, const struct err *e)
{
	if (e->code)
		log_warn("%s: removing what the vdused before left: %s: %s", d->name, e->step, e->text);
	else if (d->state == DEV_DELETING && d->op.next != &op_delete)
		log_note("%s: removed what the vdused before had left half done", d->name);
}
