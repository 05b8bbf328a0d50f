/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_ctl_change.c - vduse-ctl recover, resume, upgrade and resize against a scripted
 * vdused, and what a person at a terminal is told meanwhile.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/unit/ctl_fake.h"

static const struct {
	const char *word;
	uint16_t type;
} plain[] = {
	{ "delete", CTL_DELETE },
	{ "recover", CTL_RECOVER },
	{ "resume", CTL_RESUME },
	{ "upgrade", CTL_UPGRADE },
};
#define PLAIN (sizeof(plain) / sizeof(plain[0]))

static void each_sends_its_own_request(void **state)
{
	struct fake *f = *state;

	for (size_t i = 0; i < PLAIN; i++) {
		/* which changes nothing: no state is printed */
		for (int json = 0; json < 2; json++) {
			fake_start(f, plain[i].word, "disk0", json ? "--json" : NULL, NULL);
			fake_accept(f);
			fake_expect_name(f, plain[i].type, "disk0", 0);
			fake_plain(f, CTL_OK);
			assert_int_equal(fake_finish(f), TOOL_OK);
			assert_string_equal(f->stdout_text, "");
			assert_string_equal(f->stderr_text, "");
		}
	}
}

static void each_reports_a_refusal(void **state)
{
	struct fake *f = *state;
	char want[128];

	for (size_t i = 1; i < PLAIN; i++) { /* a delete that is refused as busy has more to say */
		fake_start(f, plain[i].word, "disk0", NULL);
		fake_accept(f);
		fake_expect_name(f, plain[i].type, "disk0", 0);
		fake_error(f, CTL_E_BUSY, "start worker", "something else is going on: try again");
		assert_int_equal(fake_finish(f), CTL_E_BUSY);
		(void)snprintf(want, sizeof(want),
			       "vduse-ctl: %s disk0: start worker: something else is going on: try again\n",
			       plain[i].word);
		assert_string_equal(f->stderr_text, want);
	}
}

static void each_takes_no_other_answer(void **state)
{
	struct fake *f = *state;

	for (size_t i = 0; i < PLAIN; i++) {
		fake_start(f, plain[i].word, "disk0", NULL);
		fake_accept(f);
		fake_expect_name(f, plain[i].type, "disk0", 0);
		fake_resized(f, 4096);
		assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
		assert_non_null(strstr(f->stderr_text, "where it makes no sense"));
	}
}

static void silence_is_bounded(void **state)
{
	struct fake *f = *state;

	f->env.change_ms = 100;
	for (size_t i = 0; i < PLAIN; i++) {
		fake_start(f, plain[i].word, "disk0", NULL);
		fake_accept(f);
		fake_expect_name(f, plain[i].type, "disk0", 0);
		assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
		assert_non_null(strstr(f->stderr_text, "no answer from vdused within 1 seconds"));
	}
}

static void upgrade_all_in_order(void **state)
{
	static const char *const names[] = { "a", "b", "c" };
	struct fake *f = *state;

	fake_start(f, "upgrade", "--all", NULL);
	fake_accept(f);
	fake_list(f, names, 3);
	for (size_t i = 0; i < 3; i++) {
		fake_expect_name(f, CTL_UPGRADE, names[i], 0);
		fake_plain(f, CTL_OK);
	}
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "");
	assert_string_equal(f->stderr_text, "");
}

static void upgrade_all_goes_on_after_errors(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	struct fake *f = *state;

	fake_start(f, "upgrade", "--all", NULL);
	fake_accept(f);
	fake_list(f, names, 4);
	fake_expect_name(f, CTL_UPGRADE, "a", 0);
	fake_error(f, CTL_E_NOT_FOUND, "", "deleted meanwhile"); /* needs no upgrade */
	fake_expect_name(f, CTL_UPGRADE, "b", 0);
	fake_error(f, CTL_E_BUSY, "", "it is being created");
	fake_expect_name(f, CTL_UPGRADE, "c", 0);
	fake_error(f, CTL_E_FAILED, "hand over", "no");
	fake_expect_name(f, CTL_UPGRADE, "d", 0);
	fake_plain(f, CTL_OK);
	assert_int_equal(fake_finish(f), CTL_E_BUSY);
	assert_string_equal(f->stderr_text, "vduse-ctl: upgrade b: it is being created\n"
					    "vduse-ctl: upgrade c: hand over: no\n");
}

static void upgrade_all_ends_with_vdused(void **state)
{
	static const char *const names[] = { "a", "b" };
	struct fake *f = *state;

	fake_start(f, "upgrade", "--all", NULL);
	fake_accept(f);
	fake_list(f, names, 2);
	fake_expect_name(f, CTL_UPGRADE, "a", 0);
	fake_hang_up(f);
	assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
	assert_non_null(strstr(f->stderr_text, "vduse-ctl: upgrade a: vdused closed the connection"));
	assert_null(strstr(f->stderr_text, "upgrade b"));
}

static void upgrade_all_without_a_list(void **state)
{
	struct fake *f = *state;
	union ctl_any m;

	fake_start(f, "upgrade", "--all", NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_LIST, &m, NULL);
	fake_error(f, CTL_E_DENIED, "", "uid 7 may not list");
	assert_int_equal(fake_finish(f), CTL_E_DENIED);
	assert_string_equal(f->stderr_text, "vduse-ctl: upgrade: uid 7 may not list\n");
}

static void person_is_told_what_takes_long(void **state)
{
	static const char *const names[] = { "a", "b" };
	struct fake *f = *state;

	f->terminal = true;
	f->env.note_ms = 50;
	fake_start(f, "upgrade", "--all", NULL);
	fake_accept(f);
	fake_list(f, names, 2);
	fake_expect_name(f, CTL_UPGRADE, "a", 0);
	(void)usleep(500000);
	fake_plain(f, CTL_OK);
	fake_expect_name(f, CTL_UPGRADE, "b", 0);
	(void)usleep(500000);
	fake_plain(f, CTL_OK);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stderr_text, "vduse-ctl: waiting for vdused to upgrade a (1 of 2) ...\r\n"
					    "vduse-ctl: waiting for vdused to upgrade b (2 of 2) ...\r\n");
	fake_start(f, "resume", "a", NULL);
	fake_accept(f);
	fake_expect_name(f, CTL_RESUME, "a", 0);
	(void)usleep(500000);
	fake_plain(f, CTL_OK);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stderr_text, "vduse-ctl: waiting for vdused to resume a ...\r\n");
}

/* A log file that collects what the tool prints must not fill with notes. */
static void nobody_waits_at_a_file(void **state)
{
	struct fake *f = *state;

	f->env.note_ms = 50;
	fake_start(f, "upgrade", "a", NULL);
	fake_accept(f);
	fake_expect_name(f, CTL_UPGRADE, "a", 0);
	(void)usleep(300000);
	fake_plain(f, CTL_OK);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stderr_text, "");
}

static void start_resize(struct fake *f, const char *size, const char *option, uint64_t want)
{
	union ctl_any m;

	if (size)
		fake_start(f, "resize", "disk0", size, option, NULL);
	else
		fake_start(f, "resize", "disk0", option, NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_RESIZE, &m, NULL);
	assert_string_equal(m.resize.name, "disk0");
	assert_true(m.resize.size == want);
}

static void resize_to_a_size(void **state)
{
	struct fake *f = *state;

	start_resize(f, "40G", NULL, 40ULL << 30);
	fake_resized(f, 40ULL << 30);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "42949672960 (40G)\n");
	assert_string_equal(f->stderr_text, "");
}

static void resize_to_what_the_file_has(void **state)
{
	struct fake *f = *state;

	start_resize(f, NULL, NULL, 0);
	fake_resized(f, 3ULL << 29);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "1610612736 (1.5G)\n");
}

static void resize_as_json(void **state)
{
	struct fake *f = *state;

	start_resize(f, "4096", "--json", 4096);
	fake_resized(f, UINT64_MAX);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "{\n  \"name\": \"disk0\",\n  \"size\": 18446744073709551615\n}\n");
}

static void resize_is_refused(void **state)
{
	struct fake *f = *state;

	start_resize(f, "1M", "--json", 1 << 20);
	fake_error(f, CTL_E_INVALID, "", "disk0 has 2097152 bytes: devices do not shrink");
	assert_int_equal(fake_finish(f), CTL_E_INVALID);
	assert_string_equal(f->stdout_text, "");
	assert_string_equal(f->stderr_text,
			    "vduse-ctl: resize disk0: disk0 has 2097152 bytes: devices do not shrink\n");
}

/* "done" without a size, or with one of 0, is no answer by the rules. */
static void resize_without_a_result(void **state)
{
	struct fake *f = *state;

	start_resize(f, NULL, NULL, 0);
	fake_plain(f, CTL_OK);
	assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
	start_resize(f, NULL, NULL, 0);
	fake_resized(f, 0);
	assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
	assert_string_equal(f->stdout_text, "");
}

static void resize_is_bounded(void **state)
{
	struct fake *f = *state;

	f->env.change_ms = 100;
	start_resize(f, NULL, NULL, 0);
	assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
	assert_non_null(strstr(f->stderr_text, "vduse-ctl: resize disk0: no answer from vdused within 1 seconds"));
}

/* A size that is none never reaches vdused. */
static void bad_size_ends_here(void **state)
{
	struct fake *f = *state;

	f->connect_to = "/nonexistent/s";
	fake_start(f, "resize", "disk0", "+10G", NULL);
	assert_int_equal(fake_finish(f), CTL_E_INVALID);
	assert_non_null(strstr(f->stderr_text, "\"+10G\" is not a size"));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(each_sends_its_own_request),
		TEST(each_reports_a_refusal),
		TEST(each_takes_no_other_answer),
		TEST(silence_is_bounded),
		TEST(upgrade_all_in_order),
		TEST(upgrade_all_goes_on_after_errors),
		TEST(upgrade_all_ends_with_vdused),
		TEST(upgrade_all_without_a_list),
		TEST(person_is_told_what_takes_long),
		TEST(nobody_waits_at_a_file),
		TEST(resize_to_a_size),
		TEST(resize_to_what_the_file_has),
		TEST(resize_as_json),
		TEST(resize_is_refused),
		TEST(resize_without_a_result),
		TEST(resize_is_bounded),
		TEST(bad_size_ends_here),
	};

	return cmocka_run_group_tests_name("ctl_change", tests, NULL, NULL);
}
