/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/supervise: in each phase of a worker, its end, its stop, and words that
 * nobody expects.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>

#include "proto/worker_msg.h"
#include "tests/unit/played_worker.h"
#include "tests/unit/unit.h"

/* ---- phases ---------------------------------------------------------------------------------- */

/* From the start; a helper that the phase waits for has not ended. */
static void reach(enum worker_phase phase)
{
	assert_int_equal(played_teardown(NULL), 0);
	assert_int_equal(played_setup(NULL), 0);
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

#define WORKER(name) cmocka_unit_test_setup_teardown(test_##name, played_setup, played_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WORKER(each_phase_may_be_its_last),
		WORKER(it_can_be_stopped_in_each_phase),
		WORKER(a_word_that_nobody_expects_is_its_last),
		WORKER(it_says_twice_that_it_serves),
		WORKER(it_answers_with_another_size),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
