/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/played_worker.c - see played_worker.h.
 */
#include "tests/unit/played_worker.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/fd.h"
#include "control/helper/close_elsewhere.h"
#include "control/steps/handover.h"
#include "control/steps/spawn.h"
#include "control/sys/fence.h"
#include "control/sys/proc_id.h"
#include "control/sys/worker_sock.h"
#include "proto/state_file.h"
#include "proto/worker_msg.h"
#include "tests/unit/unit.h"

#define OWNER 1000U

struct device device;
struct worker *const w = &device.worker;
static int path_fd; /* of its backing file */
char helper[VD_STEP_SIZE];
static helper_done *helper_ends;
static void *helper_ctx;
int peer;
pid_t child;
struct err outcome;
bool told, died, stopped;

/* ---- stand-ins ------------------------------------------------------------------------------- */

struct played { /* what a struct event * points to */
	event_callback_fn fn;
	void *arg;
	bool armed;
};

struct event *event_new(struct event_base *base, evutil_socket_t fd, short what, event_callback_fn fn, void *arg)
{
	struct played *p = calloc(1, sizeof(*p));

	(void)base;
	(void)fd;
	(void)what;
	assert_non_null(p);
	p->fn = fn;
	p->arg = arg;
	return (struct event *)(void *)p;
}

int event_add(struct event *ev, const struct timeval *tv)
{
	(void)tv;
	((struct played *)(void *)ev)->armed = true;
	return 0;
}

int event_del(struct event *ev)
{
	((struct played *)(void *)ev)->armed = false;
	return 0;
}

void event_free(struct event *ev)
{
	free((void *)ev);
}

int helper_start(struct event_base *base, const struct helper_kind *kind, const struct helper_call *call,
		 helper_done *done, void *ctx, struct err *e)
{
	(void)base;
	(void)e;
	assert_string_equal(helper, "");
	assert_int_equal(call->uid, OWNER);
	(void)snprintf(helper, sizeof(helper), "%s", kind->name);
	helper_ends = done;
	helper_ctx = ctx;
	if (strcmp(helper, "spawn") == 0)
		peer = dup(call->fds[0]);
	return 0;
}

void close_elsewhere(struct event_base *base, int *fd, uint32_t uid)
{
	(void)base;
	(void)uid;
	fd_close(fd);
}

bool cgroup_frozen(const char *name)
{
	assert_string_equal(name, "disk0");
	return false;
}

void proc_sched(pid_t pid, struct proc_sched *s)
{
	assert_int_equal(pid, child);
	*s = (struct proc_sched){ .state = 'S' };
}

uint64_t proc_start_time(pid_t pid)
{
	return (uint64_t)pid;
}

int worker_sock_listen(const char *dir, const char *name, uint32_t generation, struct err *e)
{
	(void)e;
	return dir && name && generation ? dup(0) : -EINVAL;
}

void worker_sock_remove(const char *dir, const char *name, uint32_t generation)
{
	assert_true(dir && name && generation);
}

/* ---- its device ------------------------------------------------------------------------------ */

static int on_handover(const struct device *d, struct handover_arg *a)
{
	assert_ptr_equal(d, &device);
	a->fail_mode = d->fail_mode;
	return path_fd;
}

static void on_about_to_serve(struct device *d)
{
	assert_string_equal(helper, "");
	d->saved++;
}

static void on_handed_over(struct device *d)
{
	d->handed_over++;
}

static void on_died(struct device *d, const struct err *why)
{
	assert_ptr_equal(d, &device);
	outcome = *why;
	died = true;
}

static const struct worker_events events = {
	.handover = on_handover,
	.about_to_serve = on_about_to_serve,
	.handed_over = on_handed_over,
	.died = on_died,
};

/* ---- a worker -------------------------------------------------------------------------------- */

void on_started(struct device *d, const struct err *e)
{
	assert_ptr_equal(d, &device);
	outcome = *e;
	told = true;
}

void on_stopped(struct device *d)
{
	assert_ptr_equal(d, &device);
	stopped = true;
}

void end_helper(struct helper_result *res, int fd)
{
	helper_done *done = helper_ends;

	helper[0] = '\0';
	res->fds[0] = fd;
	res->nfds = fd >= 0;
	done(helper_ctx, res);
	fd_close(&res->fds[0]);
}

static void fill(struct worker_params *p)
{
	*p = (struct worker_params){
		.runtime_dir = "/nonexistent",
		.binary = "/nonexistent/vduse-worker",
		.uid = 64000,
		.owner_uid = OWNER,
		.file_size = 1 << 20,
		.setup = { .capacity = 1 << 20, .queues = 1, .queue_size = 256, .block_size = 512, .generation = 1 },
	};
	p->setup.flags = device.fail_mode ? WORK_F_FAIL : 0;
	msg_set_string(p->setup.name, sizeof(p->setup.name), "disk0");
}

void begins(bool standby)
{
	struct worker_params p;
	struct err e = { 0 };

	fill(&p);
	assert_int_equal(worker_start(w, &p, standby, on_started, &e), 0);
	assert_int_equal(w->phase, WORKER_SPAWNING);
}

void is_spawned(void)
{
	struct helper_result res = { 0 };
	struct jail_result jr = { 0 };

	assert_string_equal(helper, "spawn");
	child = fork();
	if (child == 0)
		for (;;)
			(void)pause();
	jr.pid = child;
	memcpy(res.data, &jr, sizeof(jr));
	end_helper(&res, (int)syscall(SYS_pidfd_open, child, 0));
	assert_int_equal(w->phase, WORKER_SEALING);
}

void born(bool standby)
{
	union work_any m;

	begins(standby);
	is_spawned();
	assert_int_equal(recv(peer, &m, sizeof(m), 0), sizeof(m.setup));
}

void sends(const void *msg, size_t size)
{
	struct played *p = (void *)w->readable;

	assert_int_equal(chan_send(peer, msg, size, NULL, 0), 0);
	p->fn(w->chan, EV_READ, p->arg);
}

void says(uint16_t type)
{
	struct work_ready ready = { .state_version = STATE_VERSION, .state_size = sizeof(struct state_file) };
	struct work_plain plain = { 0 };

	msg_init(&ready, type, sizeof(ready));
	msg_init(&plain, type, sizeof(plain));
	if (type == WORK_READY)
		sends(&ready, sizeof(ready));
	else
		sends(&plain, sizeof(plain));
}

void handed_over(bool starved)
{
	struct helper_result res = { .starved = starved };

	if (starved)
		(void)err_set(&res.err, -ETIMEDOUT, "the hand-over helper did not finish in time");
	assert_string_equal(helper, "hand-over");
	end_helper(&res, -1);
}

void is_gone(void)
{
	struct played *p = (void *)w->exited;
	siginfo_t si;

	assert_int_equal(waitid(P_PIDFD, (id_t)w->pidfd, &si, WEXITED | WNOWAIT), 0);
	p->fn(w->pidfd, EV_READ, p->arg);
	child = 0;
}

void exits(void)
{
	assert_true(w->killed_ms);
	is_gone();
	assert_int_equal(w->phase, WORKER_NONE);
}

bool waits(void)
{
	return ((struct played *)(void *)w->timer)->armed;
}

void timer_fires(void)
{
	struct played *p = (void *)w->timer;

	assert_true(p->armed);
	p->armed = false;
	p->fn(-1, EV_TIMEOUT, p->arg);
}

int played_setup(void **state)
{
	(void)state;
	memset(&device, 0, sizeof(device));
	memset(&outcome, 0, sizeof(outcome));
	path_fd = dup(0);
	worker_init(w, &device, &events);
	helper[0] = '\0';
	told = died = stopped = false;
	child = 0;
	peer = -1;
	return 0;
}

int played_teardown(void **state)
{
	(void)state;
	if (helper[0])
		handed_over(false);
	if (w->phase != WORKER_NONE) {
		worker_kill(w, "the test is over");
		exits();
	}
	fd_close(&peer);
	fd_close(&path_fd);
	return 0;
}
