/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_ctl_delete.c - vduse-ctl delete against a scripted vdused.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/fd.h"
#include "tests/unit/ctl_fake.h"

static void one_device(void **state)
{
	struct fake *f = *state;

	fake_start(f, "delete", "disk0", NULL);
	fake_accept(f);
	fake_expect_name(f, CTL_DELETE, "disk0", 0);
	fake_plain(f, CTL_OK);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "");
	assert_string_equal(f->stderr_text, "");
}

static void with_force(void **state)
{
	struct fake *f = *state;

	fake_start(f, "delete", "--force", "disk0", NULL);
	fake_accept(f);
	fake_expect_name(f, CTL_DELETE, "disk0", CTL_DELETE_FORCE);
	fake_plain(f, CTL_OK);
	assert_int_equal(fake_finish(f), TOOL_OK);
}

static void unknown_device(void **state)
{
	struct fake *f = *state;

	fake_start(f, "delete", "disk0", NULL);
	fake_accept(f);
	fake_expect_name(f, CTL_DELETE, "disk0", 0);
	fake_error(f, CTL_E_NOT_FOUND, "", "there is no such device");
	assert_int_equal(fake_finish(f), CTL_E_NOT_FOUND);
	assert_string_equal(f->stderr_text, "vduse-ctl: delete disk0: there is no such device\n");
}

/* We are the process that has the node open: the tool must find us. */
static void busy_names_the_process(void **state)
{
	struct fake *f = *state;
	union ctl_any m;
	char want[64], self[32];
	int fd = open("/dev/full", O_RDONLY | O_CLOEXEC);

	assert_true(fd >= 0);
	fake_start(f, "delete", "disk0", NULL);
	fake_accept(f);
	fake_expect_name(f, CTL_DELETE, "disk0", 0);
	fake_error(f, CTL_E_BUSY, "detach", "/dev/full is in use");
	fake_expect(f, CTL_S_IDLE, CTL_SHOW, &m, NULL);
	memset(&m, 0, sizeof(m));
	fake_info(&m.device.info, "disk0", "/dev/full");
	fake_answer(f, CTL_DEVICE, &m);
	/* it inherited the descriptor */
	(void)snprintf(self, sizeof(self), "process %d ", f->tool);
	assert_int_equal(fake_finish(f), CTL_E_BUSY);
	fd_close(&fd);
	assert_null(strstr(f->stderr_text, self));
	(void)snprintf(want, sizeof(want), "vduse-ctl: process %d (test_ctl_delete) has /dev/full open\n", getpid());
	assert_non_null(strstr(f->stderr_text, "vduse-ctl: delete disk0: detach: /dev/full is in use\n"));
	assert_non_null(strstr(f->stderr_text, want));
}

/* A node from a confused vdused must not send us looking at other files. */
static void busy_with_an_odd_node(void **state)
{
	static const char *const nodes[] = { "", "/etc/passwd", "/dev/does-not-exist", "vdb" };
	struct fake *f = *state;
	union ctl_any m;

	for (size_t i = 0; i < sizeof(nodes) / sizeof(nodes[0]); i++) {
		fake_start(f, "delete", "disk0", NULL);
		fake_accept(f);
		fake_expect_name(f, CTL_DELETE, "disk0", 0);
		fake_error(f, CTL_E_BUSY, "", "in use");
		fake_expect(f, CTL_S_IDLE, CTL_SHOW, &m, NULL);
		memset(&m, 0, sizeof(m));
		fake_info(&m.device.info, "disk0", nodes[i]);
		fake_answer(f, CTL_DEVICE, &m);
		assert_int_equal(fake_finish(f), CTL_E_BUSY);
		assert_string_equal(f->stderr_text, "vduse-ctl: delete disk0: in use\n");
	}
}

static void start_all(struct fake *f, const char *option)
{
	static const char *const names[] = { "a", "b", "c", "d" };

	fake_start(f, "delete", "--all", option, NULL);
	fake_accept(f);
	fake_list(f, names, 4);
}

static void all_in_order(void **state)
{
	static const char *const names[] = { "a", "b", "c", "d" };
	struct fake *f = *state;

	start_all(f, "--force");
	for (size_t i = 0; i < 4; i++) {
		fake_expect_name(f, CTL_DELETE, names[i], CTL_DELETE_FORCE);
		fake_plain(f, CTL_OK);
	}
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "");
	assert_string_equal(f->stderr_text, "");
}

/*
 * Refusals do not stop it; the first one decides the exit status; what is gone already is no
 * failure.
 */
static void all_goes_on_after_errors(void **state)
{
	struct fake *f = *state;

	start_all(f, NULL);
	fake_expect_name(f, CTL_DELETE, "a", 0);
	fake_error(f, CTL_E_NOT_FOUND, "", "gone");
	fake_expect_name(f, CTL_DELETE, "b", 0);
	fake_error(f, CTL_E_DENIED, "", "not yours");
	fake_expect_name(f, CTL_DELETE, "c", 0);
	fake_error(f, CTL_E_FAILED, "detach", "no");
	fake_expect_name(f, CTL_DELETE, "d", 0);
	fake_plain(f, CTL_OK);
	assert_int_equal(fake_finish(f), CTL_E_DENIED);
	assert_string_equal(f->stderr_text, "vduse-ctl: delete b: not yours\nvduse-ctl: delete c: detach: no\n");
}

static void all_ends_with_vdused(void **state)
{
	struct fake *f = *state;

	start_all(f, NULL);
	fake_expect_name(f, CTL_DELETE, "a", 0);
	fake_plain(f, CTL_OK);
	fake_expect_name(f, CTL_DELETE, "b", 0);
	fake_hang_up(f);
	assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
	assert_non_null(strstr(f->stderr_text, "vduse-ctl: delete b: vdused closed the connection"));
	assert_null(strstr(f->stderr_text, "delete c"));
}

/* The connection is gone when the next request is sent, but why is still there to be read. */
static void all_hears_last_words(void **state)
{
	struct fake *f = *state;
	union ctl_any m;

	fake_start(f, "delete", "--all", NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_LIST, &m, NULL);
	fake_freeze(f);
	memset(&m, 0, sizeof(m));
	m.page.count = 1;
	fake_info(&m.page.entry[0], "a", "/dev/vdb");
	fake_answer(f, CTL_LIST_PAGE, &m);
	fake_error(f, CTL_E_LIMIT, "", "no room for you");
	fake_hang_up(f);
	fake_thaw(f);
	assert_int_equal(fake_finish(f), CTL_E_LIMIT);
	assert_string_equal(f->stderr_text, "vduse-ctl: delete a: no room for you\n");
}

static void all_of_nothing(void **state)
{
	struct fake *f = *state;

	fake_start(f, "delete", "--all", NULL);
	fake_accept(f);
	fake_list(f, NULL, 0);
	assert_int_equal(fake_finish(f), TOOL_OK);
}

static void answer_for_another_question(void **state)
{
	struct fake *f = *state;

	fake_start(f, "delete", "disk0", NULL);
	fake_accept(f);
	fake_expect_name(f, CTL_DELETE, "disk0", 0);
	fake_created(f, "/dev/vdb");
	assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
	assert_non_null(strstr(f->stderr_text, "where it makes no sense"));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(one_device),
		TEST(with_force),
		TEST(unknown_device),
		TEST(busy_names_the_process),
		TEST(busy_with_an_odd_node),
		TEST(all_in_order),
		TEST(all_goes_on_after_errors),
		TEST(all_ends_with_vdused),
		TEST(all_hears_last_words),
		TEST(all_of_nothing),
		TEST(answer_for_another_question),
	};

	return cmocka_run_group_tests_name("ctl_delete", tests, NULL, NULL);
}
