/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_control_late.c - starved, stopped, frozen or hung: what is made of a process that
 * does not answer in time; and what /proc says of one.
 */
#include "tests/unit/unit.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/sys/late.h"

#define MS 1000000ULL

static struct late late;
static struct late_facts facts;

static int setup(void **state)
{
	(void)state;
	memset(&late, 0, sizeof(late));
	memset(&facts, 0, sizeof(facts));
	facts.now.ran_ns = 5000 * MS;
	return 0;
}

/* One more look; ran and waited: since the last. */
static enum late_verdict look(char state, uint64_t ran_ms, uint64_t waited_ms)
{
	facts.now.state = state;
	facts.now.ran_ns += ran_ms * MS;
	facts.now.waited_ns += waited_ms * MS;
	return late_judge(&late, &facts);
}

static void asleep_or_held_by_the_kernel(void **state)
{
	(void)state;
	for (const char *s = "SDZ"; *s; s++) {
		(void)setup(NULL);
		assert_int_equal(look(*s, 0, 0), LATE_AGAIN); /* it may be about to answer */
		assert_int_equal(look(*s, 0, 0), LATE_HUNG);
	}
}

static void stopped_by_a_signal_or_a_debugger(void **state)
{
	(void)state;
	assert_int_equal(look('T', 0, 0), LATE_HUNG);
	(void)setup(NULL);
	assert_int_equal(look('t', 0, 0), LATE_HUNG);
	(void)setup(NULL);
	assert_int_equal(look('R', 0, 0), LATE_AGAIN);
	assert_int_equal(look('T', 0, 0), LATE_HUNG);
}

/* Throttled: nothing grows, not even the time that it waits. */
static void runnable_and_gets_nothing(void **state)
{
	(void)state;
	for (unsigned i = 1; i < LATE_LOOKS_MAX; i++)
		assert_int_equal(look('R', 0, 0), LATE_AGAIN);
	assert_int_equal(look('R', 0, 0), LATE_STARVED);
}

static void gets_a_little_after_long_waits(void **state)
{
	(void)state;
	for (unsigned i = 1; i < LATE_LOOKS_MAX; i++)
		assert_int_equal(look(i % 3 ? 'S' : 'R', 10, 700), LATE_AGAIN);
	assert_int_equal(look('S', 10, 700), LATE_STARVED);
}

static void starved_first_and_then_hung(void **state)
{
	(void)state;
	assert_int_equal(look('R', 0, 0), LATE_AGAIN);
	assert_int_equal(look('R', 1, 800), LATE_AGAIN);
	assert_int_equal(look('S', 1, 0), LATE_HUNG);
}

static void runs_in_circles(void **state)
{
	(void)state;
	assert_int_equal(look('R', 2000, 0), LATE_AGAIN);
	assert_int_equal(look('R', 990, 10), LATE_AGAIN);
	assert_int_equal(look('R', 990, 10), LATE_HUNG);
	(void)setup(NULL); /* and does not get much for it */
	for (int i = 0; i < 10; i++)
		assert_int_equal(look('R', 100, 900), LATE_AGAIN);
	assert_int_equal(look('R', 100, 900), LATE_HUNG);
}

/* Wakes up now and then, has a processor when it wants one, and does not answer. */
static void moves_without_waiting(void **state)
{
	(void)state;
	assert_int_equal(look('S', 1, 0), LATE_AGAIN);
	assert_int_equal(look('S', 1, 1), LATE_HUNG);
}

/* vdused was late itself, or the host stood still: whatever the other did says nothing. */
static void we_are_late_ourselves(void **state)
{
	(void)state;
	facts.lag_ms = LATE_LAG_MS;
	assert_int_equal(look('S', 0, 0), LATE_AGAIN);
	assert_int_equal(look('S', 0, 0), LATE_AGAIN);
	assert_int_equal(look('T', 0, 0), LATE_AGAIN);
	facts.lag_ms = LATE_LAG_MS - 1;
	assert_int_equal(look('S', 0, 0), LATE_HUNG);
	(void)setup(NULL);
	facts.lag_ms = 3600000;
	assert_int_equal(look('S', 0, 0), LATE_AGAIN);
	facts.lag_ms = 0;
	assert_int_equal(look('R', 0, 0), LATE_AGAIN);
	(void)setup(NULL);
	facts.lag_ms = LATE_LAG_MS;
	for (unsigned i = 1; i < LATE_LOOKS_MAX; i++)
		assert_int_equal(look('S', 0, 0), LATE_AGAIN);
	assert_int_equal(look('S', 0, 0), LATE_STARVED);
}

static void frozen_with_its_cgroup(void **state)
{
	(void)state;
	facts.frozen = true;
	for (unsigned i = 0; i < 10 * LATE_LOOKS_MAX; i++)
		assert_int_equal(look('S', 0, 0), LATE_AGAIN);
	facts.frozen = false; /* from the beginning */
	assert_int_equal(look('S', 0, 0), LATE_AGAIN);
	assert_int_equal(look('S', 0, 0), LATE_HUNG);
}

/* Not to be seen (hidepid): as before there was anything to look at. */
static void nothing_is_known(void **state)
{
	(void)state;
	assert_int_equal(look(0, 0, 0), LATE_AGAIN);
	assert_int_equal(look(0, 0, 0), LATE_HUNG);
}

/* Below the kernel's 30 s, with the ping before and each look as late as it may be. */
static void the_bound_is_below_the_kernels(void **state)
{
	(void)state;
	assert_true(3000 + LATE_LOOKS_MAX * (LATE_LOOK_MS + LATE_LAG_MS) < 30000);
}

static void what_proc_says(void **state)
{
	struct proc_sched me, s;
	pid_t pid = fork();

	(void)state;
	if (pid == 0)
		for (;;)
			(void)pause();
	proc_sched(getpid(), &me);
	assert_int_equal(me.state, 'R');
	assert_true(proc_runnable(getpid()));
	assert_int_equal(kill(pid, SIGSTOP), 0);
	assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
	proc_sched(pid, &s);
	assert_int_equal(s.state, 'T');
	assert_false(proc_runnable(pid));
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	proc_sched(pid, &s);
	assert_int_equal(s.state, 0);
	assert_int_equal(s.ran_ns, 0);
	assert_false(proc_runnable(pid));
}

static void what_it_ran_grows(void **state)
{
	struct proc_sched before, now;
	long long end = now_ms() + 20000;

	(void)state;
	proc_sched(getpid(), &before);
	if (before.ran_ns == 0)
		skip(); /* this kernel does not count */
	do
		proc_sched(getpid(), &now);
	while (now.ran_ns == before.ran_ns && now_ms() < end);
	assert_true(now.ran_ns > before.ran_ns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(asleep_or_held_by_the_kernel, setup),
		cmocka_unit_test_setup(stopped_by_a_signal_or_a_debugger, setup),
		cmocka_unit_test_setup(runnable_and_gets_nothing, setup),
		cmocka_unit_test_setup(gets_a_little_after_long_waits, setup),
		cmocka_unit_test_setup(starved_first_and_then_hung, setup),
		cmocka_unit_test_setup(runs_in_circles, setup),
		cmocka_unit_test_setup(moves_without_waiting, setup),
		cmocka_unit_test_setup(we_are_late_ourselves, setup),
		cmocka_unit_test_setup(frozen_with_its_cgroup, setup),
		cmocka_unit_test_setup(nothing_is_known, setup),
		cmocka_unit_test_setup(the_bound_is_below_the_kernels, setup),
		cmocka_unit_test(what_proc_says),
		cmocka_unit_test(what_it_ran_grows),
	};

	return cmocka_run_group_tests_name("control_late", tests, NULL, NULL);
}
