/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * P10: a worker whose jail is not what it should be gets nothing. One wrong field at a time.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/steps/jail_check.h"
#include "control/steps/worker_limits.h"

static const char good[] = "Name:\tvduse-worker\nUmask:\t0077\nState:\tS (sleeping)\nTgid:\t42\nPid:\t42\n"
			   "Uid:\t2000000001\t2000000001\t2000000001\t2000000001\n"
			   "Gid:\t2000000001\t2000000001\t2000000001\t2000000001\n"
			   "FDSize:\t64\nGroups:\t \nNStgid:\t42\t1\nNSpid:\t42\t1\nNSpgid:\t42\t1\nNSsid:\t42\t1\n"
			   "Threads:\t3\nCapInh:\t0000000000000000\nCapPrm:\t0000000000000000\n"
			   "CapEff:\t0000000000000000\nCapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\n"
			   "NoNewPrivs:\t1\nSeccomp:\t2\nSeccomp_filters:\t2\n";

#define UID 2000000001U

static int with(const char *from, const char *to, struct err *e)
{
	char text[2048], *at;

	(void)snprintf(text, sizeof(text), "%s", good);
	at = strstr(text, from);
	assert_non_null(at);
	(void)snprintf(at, sizeof(text) - (size_t)(at - text), "%s%s", to, strstr(good, from) + strlen(from));
	return jail_check_status(text, UID, 1, e);
}

static void test_P10_good_jail_passes(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_int_equal(jail_check_status(good, UID, 1, &e), 0);
}

static void test_P10_each_wrong_field_is_refused(void **state)
{
	static const struct {
		const char *from, *to, *says;
	} cases[] = {
		{ "Uid:\t2000000001", "Uid:\t0", "Uid" },
		{ "Uid:\t2000000001\t2000000001\t2000000001\t2000000001", "Uid:\t2000000001\t2000000001\t2000000001\t0",
		  "Uid" },
		{ "Uid:\t2000000001\t2000000001", "Uid:\t2000000001\t2000000002", "Uid" },
		{ "Gid:\t2000000001", "Gid:\t0", "Gid" },
		{ "Groups:\t ", "Groups:\t0 ", "Groups" },
		{ "CapInh:\t0000000000000000", "CapInh:\t0000000000000001", "CapInh" },
		{ "CapPrm:\t0000000000000000", "CapPrm:\t0000000000200000", "CapPrm" },
		{ "CapEff:\t0000000000000000", "CapEff:\t000001ffffffffff", "CapEff" },
		{ "CapBnd:\t0000000000000000", "CapBnd:\t000001ffffffffff", "CapBnd" },
		{ "CapAmb:\t0000000000000000", "CapAmb:\t0000000000000400", "CapAmb" },
		{ "NoNewPrivs:\t1", "NoNewPrivs:\t0", "NoNewPrivs" },
		{ "Seccomp:\t2", "Seccomp:\t0", "Seccomp" },
		{ "Seccomp:\t2", "Seccomp:\t1", "Seccomp" },
		/* only the one it inherited */
		{ "Seccomp_filters:\t2", "Seccomp_filters:\t1", "filter" },
		{ "NSpid:\t42\t1", "NSpid:\t42", "pid namespace" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };

		assert_true(with(cases[i].from, cases[i].to, &e) < 0);
		assert_non_null(strstr(e.text, cases[i].says));
	}
}

static void test_P10_missing_field_is_refused(void **state)
{
	static const char *const keys[] = { "Uid",    "Gid",    "Groups",     "CapInh",  "CapPrm",          "CapEff",
					    "CapBnd", "CapAmb", "NoNewPrivs", "Seccomp", "Seccomp_filters", "NSpid" };
	char from[32], to[32];

	(void)state;
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct err e = { 0 };

		(void)snprintf(from, sizeof(from), "\n%s:", keys[i]);
		(void)snprintf(to, sizeof(to), "\nX%s:", keys[i]);
		assert_true(with(from, to, &e) < 0);
	}
	struct err e = { 0 };
	assert_true(jail_check_status("", UID, 0, &e) < 0);
}

/* This very process is no jail. */
static void test_P10_this_process_is_refused(void **state)
{
	struct err e = { 0 };

	(void)state;
	assert_true(jail_check_worker(getpid(), UID, &e) < 0);
	assert_true(jail_check_worker(0x7ffffff0, UID, &e) < 0);
}

static const char limits[] = "Limit                     Soft Limit           Hard Limit           Units     \n"
			     "Max cpu time              unlimited            unlimited            seconds   \n"
			     "Max file size             4194304              4194304              bytes     \n"
			     "Max data size             67108864             67108864             bytes     \n"
			     "Max stack size            8388608              8388608              bytes     \n"
			     "Max core file size        0                    0                    bytes     \n"
			     "Max resident set          unlimited            unlimited            bytes     \n"
			     "Max processes             64                   64                   processes \n"
			     "Max open files            64                   64                   files     \n"
			     "Max locked memory         268435456            268435456            bytes     \n"
			     "Max address space         unlimited            unlimited            bytes     \n"
			     "Max file locks            0                    0                    locks     \n"
			     "Max pending signals       64                   64                   signals   \n"
			     "Max msgqueue size         0                    0                    bytes     \n"
			     "Max nice priority         0                    0                    \n"
			     "Max realtime priority     0                    0                    \n"
			     "Max realtime timeout      unlimited            unlimited            us        \n";

/* Each limit but the file size, which is not looked at: one too low, one too high, one missing. */
static void test_P10_limits_are_judged(void **state)
{
	struct err e = { 0 };
	char text[2048], *line;
	unsigned refused = 0;

	(void)state;
	assert_int_equal(worker_limits_judge(limits, &e), 0);
	for (const char *l = strchr(limits, '\n') + 1; *l; l = strchr(l, '\n') + 1) {
		memcpy(text, limits, sizeof(limits));
		line = text + (l - limits);
		memcpy(line + 26, "61440000     ", 13);
		refused += worker_limits_judge(text, &e) == -EPERM;
		memcpy(text, limits, sizeof(limits));
		memcpy(line + 47, "61440000     ", 13);
		refused += worker_limits_judge(text, &e) == -EPERM;
		memcpy(text, limits, sizeof(limits));
		line[0] = 'X';
		refused += worker_limits_judge(text, &e) == -EPERM;
	}
	assert_int_equal(refused, 3 * 15);
	assert_non_null(strstr(e.text, "Max realtime timeout"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_P10_good_jail_passes),
		cmocka_unit_test(test_P10_each_wrong_field_is_refused),
		cmocka_unit_test(test_P10_missing_field_is_refused),
		cmocka_unit_test(test_P10_this_process_is_refused),
		cmocka_unit_test(test_P10_limits_are_judged),
	};

	return cmocka_run_group_tests_name("control_attest", tests, NULL, NULL);
}
