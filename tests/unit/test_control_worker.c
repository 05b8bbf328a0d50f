/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/supervise: how a worker comes to serve. The worker is a process that only
 * waits, its words are the test's; helpers and timers are played, and so is its device.
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
#include "control/helper/close_elsewhere.h"
#include "control/steps/handover.h"
#include "control/steps/spawn.h"
#include "control/supervise/worker.h"
#include "control/sys/fence.h"
#include "control/sys/proc_id.h"
#include "control/sys/worker_sock.h"
#include "proto/state_file.h"
#include "proto/worker_msg.h"

#define OWNER 1000U

struct device { /* what a device is to its worker */
	struct worker worker;
	bool fail_mode;
	unsigned saved, handed_over;
};

static struct device device;
static struct worker *const w = &device.worker;
static int path_fd; /* of its backing file */
static char helper[VD_STEP_SIZE]; /* the one that runs, "" = none */
static helper_done *helper_ends;
static void *helper_ctx;
static int peer; /* the worker's end of its channel */
static pid_t child;
static struct err outcome;
static bool told, died, stopped;

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

static void on_started(struct device *d, const struct err *e)
{
	assert_ptr_equal(d, &device);
	outcome = *e;
	told = true;
}

static void on_stopped(struct device *d)
{
	assert_ptr_equal(d, &device);
	stopped = true;
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

static void begins(bool standby)
{
	struct worker_params p;
	struct err e = { 0 };

	fill(&p);
	assert_int_equal(worker_start(w, &p, standby, on_started, &e), 0);
	assert_int_equal(w->phase, WORKER_SPAWNING);
}

static void is_spawned(void)
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

static void born(bool standby)
{
	union work_any m;

	begins(standby);
	is_spawned();
	assert_int_equal(recv(peer, &m, sizeof(m), 0), sizeof(m.setup));
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

/* The end of the process, which was killed. */
static void is_gone(void)
{
	struct played *p = (void *)w->exited;
	siginfo_t si;

	assert_int_equal(waitid(P_PIDFD, (id_t)w->pidfd, &si, WEXITED | WNOWAIT), 0);
	p->fn(w->pidfd, EV_READ, p->arg);
	child = 0;
}

/* The same, by vdused. */
static void exits(void)
{
	assert_true(w->killed_ms);
	is_gone();
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
	path_fd = dup(0);
	worker_init(w, &device, &events);
	helper[0] = '\0';
	told = died = stopped = false;
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
	fd_close(&path_fd);
	return 0;
}

/* ---- hand-over ------------------------------------------------------------------------------- */

static void test_a_worker_comes_to_serve(void **state)
{
	(void)state;
	born(false);
	says(WORK_READY);
	assert_int_equal(w->phase, WORKER_HANDOVER);
	assert_int_equal(device.saved, 1); /* the next vdused knows of it */
	handed_over(false);
	assert_int_equal(device.handed_over, 1);
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
	assert_int_equal(device.saved, 0);
	fd_close(&peer);
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

/* ---- phases ---------------------------------------------------------------------------------- */

/* From the start; a helper that the phase waits for has not ended. */
static void reach(enum worker_phase phase)
{
	assert_int_equal(teardown(NULL), 0);
	assert_int_equal(setup(NULL), 0);
	begins(phase == WORKER_STANDBY);
	if (phase != WORKER_SPAWNING)
		is_spawned();
	if (phase > WORKER_SEALING)
		says(WORK_READY);
	if (phase == WORKER_SERVING) {
		handed_over(false);
		says(WORK_SERVING);
	}
	assert_int_equal(w->phase, phase);
	told = false;
}

static void test_each_phase_may_be_its_last(void **state)
{
	static const struct {
		enum worker_phase phase;
		bool told; /* somebody waits for its start */
		bool died;
	} cases[] = {
		{ WORKER_SEALING, true, false },
		{ WORKER_STANDBY, false, false },
		{ WORKER_HANDOVER, true, false },
		{ WORKER_SERVING, false, true },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reach(cases[i].phase);
		assert_int_equal(kill(child, SIGKILL), 0);
		is_gone();
		if (cases[i].phase == WORKER_HANDOVER) {
			assert_false(told); /* the helper still has a pointer to it */
			handed_over(false);
		}
		assert_int_equal(w->phase, WORKER_NONE);
		assert_int_equal(told, cases[i].told);
		assert_int_equal(died, cases[i].died);
		assert_int_equal(outcome.code, told || died ? -EIO : 0);
	}
}

static void test_it_can_be_stopped_in_each_phase(void **state)
{
	union work_any m;

	(void)state;
	for (enum worker_phase phase = WORKER_SPAWNING; phase <= WORKER_SERVING; phase++) {
		reach(phase);
		worker_stop(w, on_stopped);
		if (phase == WORKER_SPAWNING)
			is_spawned();
		if (phase == WORKER_SERVING) {
			assert_false(w->killed_ms); /* it is asked first */
			assert_int_equal(recv(peer, &m, sizeof(m), 0), sizeof(m.setup));
			assert_int_equal(recv(peer, &m, sizeof(m), 0), sizeof(m.plain));
			assert_int_equal(m.plain.hdr.type, WORK_STOP);
			timer_fires();
		}
		assert_true(w->killed_ms);
		assert_false(stopped);
		is_gone();
		if (phase == WORKER_HANDOVER)
			handed_over(false);
		assert_int_equal(w->phase, WORKER_NONE);
		assert_true(stopped);
		assert_false(told || died);
	}
}

static void test_a_word_that_nobody_expects_is_its_last(void **state)
{
	static const struct {
		enum worker_phase phase;
		uint16_t type;
		uint32_t size;
	} cases[] = {
		{ WORKER_SEALING, WORK_SERVING, sizeof(struct work_plain) },
		{ WORKER_SEALING, WORK_PONG, sizeof(struct work_cookie) },
		{ WORKER_STANDBY, WORK_READY, sizeof(struct work_ready) },
		{ WORKER_HANDOVER, WORK_READY, sizeof(struct work_ready) },
		{ WORKER_HANDOVER, WORK_PONG, sizeof(struct work_cookie) },
		{ WORKER_SERVING, WORK_READY, sizeof(struct work_ready) },
		{ WORKER_SERVING, WORK_PONG, sizeof(struct work_cookie) },
		{ WORKER_SERVING, WORK_RESIZED, sizeof(struct work_resized) },
		{ WORKER_SERVING, WORK_HALTED, sizeof(struct work_halted) },
		{ WORKER_SERVING, WORK_RESUMED, sizeof(struct work_plain) },
		{ WORKER_SERVING, WORK_SERVING, sizeof(struct work_plain) },
		{ WORKER_SERVING, WORK_SETUP, sizeof(struct work_setup) },
	};
	union work_any m;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reach(cases[i].phase);
		memset(&m, 0, sizeof(m));
		msg_init(&m, cases[i].type, cases[i].size);
		if (cases[i].type == WORK_HALTED)
			m.halted.error = -ENOSPC;
		sends(&m, cases[i].size);
		assert_true(w->killed_ms);
		assert_null(w->readable); /* nothing more is read */
	}
}

static void test_it_says_twice_that_it_serves(void **state)
{
	(void)state;
	reach(WORKER_HANDOVER);
	says(WORK_SERVING); /* the end of the helper may be seen later */
	assert_false(w->killed_ms);
	says(WORK_SERVING);
	assert_true(w->killed_ms);
}

static void test_it_answers_with_another_size(void **state)
{
	struct work_resized m = { .capacity = 1 << 20 };

	(void)state;
	reach(WORKER_SERVING);
	assert_int_equal(worker_resize(w, 2 << 20, on_started), 0);
	msg_init(&m, WORK_RESIZED, sizeof(m));
	sends(&m, sizeof(m));
	assert_false(told);
	exits();
	assert_true(told && died);
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
		WORKER(each_phase_may_be_its_last),
		WORKER(it_can_be_stopped_in_each_phase),
		WORKER(a_word_that_nobody_expects_is_its_last),
		WORKER(it_says_twice_that_it_serves),
		WORKER(it_answers_with_another_size),
		WORKER(a_worker_does_not_choose_the_class),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
