/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/watch/respawn.c: one generation after another, more and more slowly, then
 * fail mode, then none; and the way back. And of what waits for it.
 */
#include "tests/unit/life.h"

#include <errno.h>
#include <string.h>

#include "common/fd.h"
#include "control/steps/handover.h"
#include "control/sys/fence.h"
#include "control/watch/respawn.h"
#include "proto/worker_msg.h"

static struct device *d;

static int live(void **state)
{
	int rc = life_setup(state);

	d = life_live();
	return rc;
}

static void next_serves(void)
{
	life_timer();
	life_expect("start");
	life_worker_serves();
}

static void test_a_death_is_followed_by_the_next(void **state)
{
	(void)state;
	life_worker_dies(d);
	life_expect("timer:0");
	next_serves();
	life_expect("save:LKA");
	assert_int_equal(d->restarts, 1);
	assert_int_equal(d->state, DEV_LIVE);
	assert_false(d->respawn.active);
}

static void test_more_and_more_slowly_then_fail_mode(void **state)
{
	static const char *const waits[] = { "timer:0", "timer:100", "timer:200" };

	(void)state;
	for (int i = 0; i < 3; i++) {
		life_worker_dies(d);
		life_expect(waits[i]);
		next_serves();
		life_expect("save:LKA");
	}
	life_worker_dies(d);
	life_expect("save:FKAF timer:0");
	assert_true(d->fail_mode);
	assert_int_equal(d->state, DEV_FAIL_MODE);
	next_serves();
	life_expect("save:FKAF");
}

static void test_after_a_quiet_minute_it_counts_anew(void **state)
{
	(void)state;
	for (int i = 0; i < 6; i++) {
		life_worker_dies(d);
		life_expect("timer:0");
		next_serves();
		life_expect("save:LKA");
		life_sleep(61000);
	}
	assert_false(d->fail_mode);
}

/* Killed for what is not its fault, again and again. */
static void test_what_is_not_its_fault_does_not_count(void **state)
{
	(void)state;
	for (int i = 0; i < 20; i++) {
		d->worker->blameless = true;
		life_worker_dies(d);
		life_expect("timer:0");
		next_serves();
		life_expect("save:LKA");
	}
	assert_int_equal(d->respawn.tries, 0);
	d->worker->blameless = false;
	life_worker_dies(d);
	assert_int_equal(d->respawn.tries, 1);
	life_expect("timer:0");
}

/* A start that gets no processor time waits a little, and is tried for ever. */
static void test_starts_that_are_starved(void **state)
{
	(void)state;
	d->worker->blameless = true;
	life_worker_dies(d);
	life_expect("timer:0");
	for (int i = 0; i < 20; i++) {
		life_timer();
		life_expect("start");
		d->worker->blameless = true;
		life_worker_fails(-ETIMEDOUT);
		life_expect("timer:100");
	}
	next_serves();
	life_expect("save:LKA");
	assert_false(d->fail_mode);
}

static void shown_step(const char *step)
{
	struct ctl_info info;

	device_info(d, &info);
	assert_int_equal(info.state, d->respawn.active ? CTL_DEV_RECOVERING : CTL_DEV_LIVE);
	assert_string_equal(info.step, step);
}

static void test_nothing_is_started_in_a_frozen_cgroup(void **state)
{
	(void)state;
	life_frozen = true;
	life_worker_dies(d);
	life_expect("timer:0");
	for (int i = 0; i < 20; i++) {
		life_timer();
		life_expect("timer:1000");
	}
	assert_int_equal(d->respawn.tries, 1);
	shown_step("frozen");
	life_frozen = false;
	next_serves();
	life_expect("save:LKA");
	shown_step("");
	d->worker->frozen = true; /* it does not answer */
	shown_step("frozen");
}

/*
 * The process has ended, and what it began has not: that is waited for, and it is no death and no
 * try, however long it takes.
 */
static void test_io_of_the_last_one_is_waited_for(void **state)
{
	int io = life_io_goes_on(d);

	(void)state;
	life_worker_dies(d);
	life_expect("timer:0");
	life_timer();
	life_expect("timer:5");
	shown_step("waits for I/O");
	life_sleep(40);
	life_timer();
	life_expect("timer:10");
	for (int i = 0; i < 100; i++) {
		life_sleep(5000);
		life_timer();
		life_expect("timer:500");
	}
	assert_int_equal(d->respawn.tries, 1);
	assert_int_equal(d->state, DEV_LIVE);
	fd_close(&io);
	next_serves();
	life_expect("save:LKA");
	shown_step("");
	assert_int_equal(d->restarts, 1);
}

/* Before that a worker in fail mode is none that could end anything, either. */
static void test_io_of_the_last_one_in_fail_mode(void **state)
{
	int io = life_io_goes_on(d);

	(void)state;
	d->respawn.tries = 3;
	d->respawn.last_ms = now_ms();
	life_worker_dies(d);
	life_expect("save:FKAF timer:0");
	life_timer();
	life_expect("timer:5");
	fd_close(&io);
	next_serves();
	life_expect("save:FKAF");
}

/* In an upgrade the hand-over is the one that meets it. */
static void test_io_that_the_hand_over_meets(void **state)
{
	(void)state;
	life_worker_dies(d);
	life_expect("timer:0");
	for (int i = 0; i < 10; i++) {
		life_timer();
		life_expect("start");
		d->worker->blameless = true; /* tests/unit/test_control_worker.c */
		life_worker_fails(FENCE_HELD);
		life_expect("timer:200");
	}
	assert_int_equal(d->respawn.tries, 1);
	next_serves();
	life_expect("save:LKA");
}

static int wait_begin(struct device *dev, struct err *e)
{
	assert_non_null(e);
	return respawn_wait(dev);
}

/* An operation that does nothing else. */
static void wait_for_a_worker(void)
{
	static const struct step steps[] = { { "wait", wait_begin, NULL, 0 } };
	static const struct operation wait = { .name = "wait", .steps = steps, .nsteps = 1 };

	op_start(d, &wait, life_done);
}

static void test_who_waits_is_told_of_io(void **state)
{
	int io = life_io_goes_on(d);

	(void)state;
	life_worker_dies(d);
	wait_for_a_worker();
	life_timer();
	life_expect("timer:0 timer:5");
	life_sleep(29999);
	life_timer();
	life_expect("timer:500");
	life_sleep(1);
	life_timer();
	life_expect("timer:500 end:-16");
	assert_non_null(strstr(life_last.text, "has not ended"));
	assert_true(d->respawn.active);
	fd_close(&io);
	next_serves();
	life_expect("save:LKA");
}

static void test_not_even_in_fail_mode(void **state)
{
	(void)state;
	d->fail_mode = true;
	d->state = DEV_FAIL_MODE;
	for (int i = 0; i < 3; i++) {
		life_worker_dies(d);
		life_timer();
		life_worker_serves();
	}
	life_expect("timer:0 start save:FKAF timer:100 start save:FKAF timer:200 start save:FKAF");
	life_worker_dies(d);
	life_expect("save:FKAF");
	assert_int_equal(d->state, DEV_NO_WORKER);
	assert_false(d->respawn.active);
}

/* A start that fails counts, but waits longer from the first time on. */
static void test_starts_that_fail(void **state)
{
	(void)state;
	life_worker_dies(d);
	life_expect("timer:0");
	life_timer();
	life_worker_fails(-EIO);
	life_expect("start timer:400");
	life_timer();
	life_expect("start");
	life_worker_fails(-EIO);
	life_expect("timer:800");
	life_timer();
	life_worker_fails(-EIO);
	life_expect("start save:FKAF timer:200");
	next_serves();
	life_expect("save:FKAF");
}

/*
 * That the host is short of something says nothing about the disk: tried for as long as it takes,
 * and not counted.
 */
static void test_a_host_that_is_short(void **state)
{
	static const int codes[] = { -EMFILE, -ENFILE, -EAGAIN, -ENOMEM, -ENOBUFS };
	static const char *const waits[] = { "timer:400", "timer:800", "timer:1600", "timer:3200", "timer:5000" };

	(void)state;
	life_worker_dies(d);
	life_expect("timer:0");
	life_no_worker = true; /* -EAGAIN, before there is a helper */
	for (int i = 0; i < 50; i++) {
		life_timer();
		life_expect(waits[i < 4 ? i : 4]);
	}
	shown_step("host is short");
	life_no_worker = false;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		life_timer();
		life_expect("start");
		life_worker_fails(codes[i]);
		life_expect("timer:5000");
	}
	next_serves();
	assert_int_equal(d->state, DEV_LIVE);
	assert_false(d->fail_mode);
	shown_step("");
}

static void test_a_lost_queue_is_fail_mode_at_once(void **state)
{
	struct err why = { 0 };

	(void)state;
	d->worker->phase = WORKER_NONE;
	d->worker->exit_code = WORK_EXIT_QUEUE;
	(void)err_set(&why, -EIO, "a queue is lost");
	respawn_died(d, &why);
	life_expect("save:FKAF timer:0");
}

static void test_the_kernel_gave_it_up(void **state)
{
	(void)state;
	life_worker_dies(d);
	life_expect("timer:0");
	life_timer();
	life_worker_fails(HANDOVER_BROKEN);
	life_expect("start save:FKAB");
	assert_true(d->broken);
	assert_int_equal(d->state, DEV_BROKEN);
	assert_false(d->respawn.active);
}

/*
 * In fail mode it may break as well, and that is what is the matter then; nor is it in fail mode
 * when no worker lives.
 */
static void test_what_is_the_matter_changes(void **state)
{
	(void)state;
	d->state = DEV_FAIL_MODE;
	d->fail_mode = true;
	life_worker_dies(d);
	life_timer();
	life_worker_fails(HANDOVER_BROKEN);
	life_expect("timer:0 start save:FKAFB");
	assert_int_equal(d->state, DEV_BROKEN);
	d->broken = false;
	d->state = DEV_FAIL_MODE;
	d->respawn.tries = 3;
	d->respawn.last_ms = now_ms();
	life_worker_dies(d);
	life_expect("save:FKAF");
	assert_int_equal(d->state, DEV_NO_WORKER);
}

static void test_who_waits_is_told(void **state)
{
	(void)state;
	wait_for_a_worker();
	life_expect("end:0");
	life_worker_dies(d);
	wait_for_a_worker();
	life_expect("timer:0");
	next_serves();
	life_expect("save:LKA end:0");
}

static void test_who_waits_is_told_that_none_comes(void **state)
{
	(void)state;
	d->fail_mode = true;
	d->respawn.tries = 3;
	d->respawn.last_ms = now_ms();
	life_worker_dies(d);
	life_expect("save:FKAF");
	wait_for_a_worker();
	life_expect("end:-5");
}

static void test_cancelled(void **state)
{
	(void)state;
	life_worker_dies(d);
	life_expect("timer:0");
	respawn_cancel(d);
	assert_false(d->respawn.active);
	life_expect("");
}

static void test_a_detached_device_needs_none(void **state)
{
	(void)state;
	d->attached = false;
	life_worker_dies(d);
	life_expect("");
}

/* What an earlier vdused left: its worker serves; it is gone; its file is gone, too. */
static void test_adopted(void **state)
{
	struct err e = { 0 };

	(void)state;
	d->adopting = d->respawn.active = true;
	respawn_adopted(d, &e);
	life_expect("");
	assert_false(d->respawn.active || d->adopting);

	d->adopting = d->respawn.active = true;
	d->worker->phase = WORKER_NONE;
	(void)err_set(&e, -ESRCH, "it died");
	respawn_adopted(d, &e);
	life_expect("timer:0");
	next_serves();
	life_expect("save:LKA");
}

#define LIVE(name) cmocka_unit_test_setup_teardown(test_##name, live, life_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(a_death_is_followed_by_the_next),
		LIVE(more_and_more_slowly_then_fail_mode),
		LIVE(after_a_quiet_minute_it_counts_anew),
		LIVE(what_is_not_its_fault_does_not_count),
		LIVE(starts_that_are_starved),
		LIVE(nothing_is_started_in_a_frozen_cgroup),
		LIVE(io_of_the_last_one_is_waited_for),
		LIVE(io_of_the_last_one_in_fail_mode),
		LIVE(io_that_the_hand_over_meets),
		LIVE(who_waits_is_told_of_io),
		LIVE(not_even_in_fail_mode),
		LIVE(starts_that_fail),
		LIVE(a_host_that_is_short),
		LIVE(a_lost_queue_is_fail_mode_at_once),
		LIVE(the_kernel_gave_it_up),
		LIVE(what_is_the_matter_changes),
		LIVE(who_waits_is_told),
		LIVE(who_waits_is_told_that_none_comes),
		LIVE(cancelled),
		LIVE(a_detached_device_needs_none),
		LIVE(adopted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
