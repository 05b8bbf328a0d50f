/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/supervise: how a worker comes to serve. Its phases: test_control_phases.c.
 */
#include <errno.h>
#include <string.h>

#include "common/fd.h"
#include "control/sys/fence.h"
#include "proto/worker_msg.h"
#include "tests/unit/played_worker.h"
#include "tests/unit/unit.h"

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

#define WORKER(name) cmocka_unit_test_setup_teardown(test_##name, played_setup, played_teardown)

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
