/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/supervise: how a worker comes to serve. The worker is a process that only
 * waits, its words are the test's; helpers, timers and what is known of the device are played.
 */
#include "tests/unit/unit.h"

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
#include "control/device/device.h"
#include "control/device/saved.h"
#include "control/helper/close_elsewhere.h"
#include "control/steps/handover.h"
#include "control/steps/spawn.h"
#include "control/sys/fence.h"
#include "control/sys/proc_id.h"
#include "control/sys/worker_sock.h"
#include "proto/state_file.h"
#include "proto/worker_msg.h"

static struct service svc;
static struct options opt;
static struct device device;
static struct worker *w;
static char helper[VD_STEP_SIZE]; /* the one that runs, "" = none */
static helper_done *helper_ends;
static void *helper_ctx;
static int peer; /* the worker's end of its channel */
static pid_t child;
static struct err outcome;
static bool told;

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
	assert_int_equal(call->uid, device.owner.uid);
	(void)snprintf(helper, sizeof(helper), "%s", kind->name);
	helper_ends = done;
	helper_ctx = ctx;
	if (strcmp(helper, "spawn") == 0)
		peer = dup(call->fds[0]);
	return 0;
}

int saved_write(struct device *d)
{
	assert_ptr_equal(d, &device);
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
	assert_string_equal(name, device.name);
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

void worker_died(struct device *d, const struct err *why)
{
	assert_ptr_equal(d, &device);
	outcome = *why;
}

void device_blk_params(const struct device *d, struct blk_params *p)
{
	*p = (struct blk_params){ .capacity = d->backing.size, .queues = 1, .queue_size = 256, .block_size = 512 };
}

void device_state_path(const struct device *d, char *buf)
{
	(void)snprintf(buf, PATH_MAX, "/nonexistent/%s", d->name);
}

/* ---- a worker -------------------------------------------------------------------------------- */

static void on_started(struct device *d, const struct err *e)
{
	assert_ptr_equal(d, &device);
	outcome = *e;
	told = true;
}

static void end_helper(struct helper_result *res, int fd)
{
	helper_done *done = helper_ends;

	helper[0] = '\0';
	res->fds[0] = fd;
	res->nfds = fd >= 0;
	done(helper_ctx, res);
	fd_close(&res->fds[0]);
}

static void born(bool standby)
{
	struct helper_result res = { 0 };
	struct jail_result jr = { 0 };
	struct err e = { 0 };
	union work_any m;

	assert_int_equal(worker_start(w, standby, on_started, &e), 0);
	assert_string_equal(helper, "spawn");
	child = fork();
	if (child == 0)
		for (;;)
			(void)pause();
	jr.pid = child;
	memcpy(res.data, &jr, sizeof(jr));
	end_helper(&res, (int)syscall(SYS_pidfd_open, child, 0));
	assert_int_equal(recv(peer, &m, sizeof(m), 0), sizeof(m.setup));
	assert_int_equal(w->phase, WORKER_SEALING);
}

static void sends(const void *msg, size_t size)
{
	struct played *p = (void *)w->readable;

	assert_int_equal(chan_send(peer, msg, size, NULL, 0), 0);
	p->fn(w->chan, EV_READ, p->arg);
}

static void says(uint16_t type)
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

static void handed_over(bool starved)
{
	struct helper_result res = { .starved = starved };

	if (starved)
		(void)err_set(&res.err, -ETIMEDOUT, "the hand-over helper did not finish in time");
	assert_string_equal(helper, "hand-over");
	end_helper(&res, -1);
}

/* The end of the process that was killed. */
static void exits(void)
{
	struct played *p = (void *)w->exited;
	siginfo_t si;

	assert_true(w->killed_ms);
	assert_int_equal(waitid(P_PIDFD, (id_t)w->pidfd, &si, WEXITED | WNOWAIT), 0);
	p->fn(w->pidfd, EV_READ, p->arg);
	child = 0;
	assert_int_equal(w->phase, WORKER_NONE);
}

static bool waits(void)
{
	return ((struct played *)(void *)w->timer)->armed;
}

static void timer_fires(void)
{
	struct played *p = (void *)w->timer;

	assert_true(p->armed);
	p->armed = false;
	p->fn(-1, EV_TIMEOUT, p->arg);
}

static int setup(void **state)
{
	(void)state;
	memset(&device, 0, sizeof(device));
	memset(&outcome, 0, sizeof(outcome));
	msg_set_string(device.name, sizeof(device.name), "disk0");
	svc.opt = &opt;
	device.svc = &svc;
	device.owner.uid = 1000;
	device.path_fd = dup(0);
	device.backing.size = 1 << 20;
	worker_init(&device.slot[0], &device);
	w = device.worker = &device.slot[0];
	helper[0] = '\0';
	told = false;
	child = 0;
	peer = -1;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (helper[0])
		handed_over(false);
	if (w->phase != WORKER_NONE) {
		worker_kill(w, "the test is over");
		exits();
	}
	fd_close(&peer);
	fd_close(&device.path_fd);
	return 0;
}

/* ---- hand-over ------------------------------------------------------------------------------- */

static void test_a_worker_comes_to_serve(void **state)
{
	(void)state;
	born(false);
	says(WORK_READY);
	assert_int_equal(w->phase, WORKER_HANDOVER);
	handed_over(false);
	assert_false(told);
	says(WORK_SERVING);
	assert_true(told);
	assert_int_equal(outcome.code, 0);
	assert_int_equal(w->phase, WORKER_SERVING);
}

/* The helper has an end of its own. Until then there is nothing that the worker could say. */
static void test_nothing_is_expected_before_it_has_the_device(void **state)
{
	(void)state;
	born(false);
	assert_true(waits());
	says(WORK_READY);
	assert_false(waits());
	handed_over(false);
	timer_fires(); /* asleep: it may have been woken just now */
	assert_false(w->killed_ms);
	timer_fires();
	exits();
	assert_false(w->blameless);
	assert_int_equal(outcome.code, -ETIMEDOUT);
}

static void test_a_hand_over_that_starves_is_not_its_fault(void **state)
{
	(void)state;
	born(false);
	says(WORK_READY);
	handed_over(true);
	exits();
	assert_true(told);
	assert_true(w->blameless);
}

static void test_io_of_the_worker_before_is_not_its_fault(void **state)
{
	struct helper_result res = { 0 };

	(void)state;
	born(false);
	says(WORK_READY);
	(void)err_set(&res.err, FENCE_HELD, "I/O of the worker before has not ended");
	end_helper(&res, -1);
	exits();
	assert_true(told);
	assert_true(w->blameless);
	assert_int_equal(outcome.code, FENCE_HELD);
}

/* What it was told cannot be told again: the next one is told the truth. */
static void test_a_device_that_went_into_fail_mode_meanwhile(void **state)
{
	(void)state;
	born(false);
	device.fail_mode = true;
	says(WORK_READY);
	assert_string_equal(helper, "");
	exits();
	assert_true(told);
	assert_true(w->blameless);
	assert_int_not_equal(outcome.code, 0);
	born(false);
	says(WORK_READY);
	handed_over(false);
	says(WORK_SERVING);
	assert_int_equal(w->phase, WORKER_SERVING);
}

static void test_nor_is_one_promoted_that_waited_too_long(void **state)
{
	(void)state;
	born(true);
	says(WORK_READY);
	assert_int_equal(w->phase, WORKER_STANDBY);
	device.fail_mode = true;
	told = false;
	worker_promote(w, on_started);
	assert_string_equal(helper, "");
	exits();
	assert_true(told);
	assert_int_not_equal(outcome.code, 0);
}

#define WORKER(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

/* A worker may be anybody's by now: what it says of a failure is no class for the client. */
static void test_a_worker_does_not_choose_the_class(void **state)
{
	struct work_resized m = { .capacity = 1 << 20, .error = -EACCES };

	(void)state;
	born(false);
	says(WORK_READY);
	handed_over(false);
	says(WORK_SERVING);
	assert_int_equal(worker_resize(w, m.capacity, on_started), 0);
	msg_init(&m, WORK_RESIZED, sizeof(m));
	sends(&m, sizeof(m));
	assert_int_equal(outcome.code, -EACCES);
	assert_int_equal(outcome.class, CTL_E_FAILED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORKER(a_worker_comes_to_serve),
		WORKER(nothing_is_expected_before_it_has_the_device),
		WORKER(a_hand_over_that_starves_is_not_its_fault),
		WORKER(io_of_the_worker_before_is_not_its_fault),
		WORKER(a_device_that_went_into_fail_mode_meanwhile),
		WORKER(nor_is_one_promoted_that_waited_too_long),
		WORKER(a_worker_does_not_choose_the_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
