/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_ctl_socket.c - vduse-ctl and a vdused that is not there, not reachable, or not
 * it.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/fd.h"
#include "tests/unit/ctl_fake.h"

static void list_fails(struct fake *f, const char *sock, int status, const char *text)
{
	f->connect_to = sock;
	fake_start(f, "list", NULL);
	assert_int_equal(fake_finish(f), status);
	assert_string_equal(f->stdout_text, "");
	if (!strstr(f->stderr_text, text))
		fail_msg("\"%s\" without \"%s\"", f->stderr_text, text);
}

static void socket_given_twice(void **state)
{
	struct fake *f = *state;

	fake_start(f, "list", "--socket", "/x", NULL);
	assert_int_equal(fake_finish(f), CTL_E_INVALID);
	assert_non_null(strstr(f->stderr_text, "--socket is given twice"));
}

static void no_socket(void **state)
{
	list_fails(*state, "/nonexistent/s", CTL_E_PROTOCOL, "systemctl start vdused");
}

static void stale_socket(void **state)
{
	struct fake *f = *state;

	fd_close(&f->listener);
	list_fails(f, f->sock, CTL_E_PROTOCOL, "nobody answers there any more");
}

static void not_a_socket(void **state)
{
	struct fake *f = *state;

	list_fails(f, f->file, CTL_E_PROTOCOL, "nobody answers");
}

static void socket_of_another_kind(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct fake *f = *state;
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%.40s/stream", f->dir);
	assert_int_equal(bind(fd, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(listen(fd, 1), 0);
	list_fails(f, sa.sun_path, CTL_E_PROTOCOL, "is a socket of another kind");
	fd_close(&fd);
}

static void path_too_long(void **state)
{
	char path[200];

	memset(path, 'a', sizeof(path) - 1);
	path[sizeof(path) - 1] = '\0';
	list_fails(*state, path, CTL_E_INVALID, "longer than a socket's may be (107 characters)");
}

static void permission_denied(void **state)
{
	struct fake *f = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(chmod(f->sock, 0600), 0);
	f->as_uid = 65534;
	list_fails(f, f->sock, CTL_E_DENIED, "socket-group");
}

/* Whoever made the socket, only root and the caller count as vdused. */
static void server_is_a_stranger(void **state)
{
	struct fake *f = *state;

	if (geteuid() != 0)
		skip();
	assert_int_equal(seteuid(65534), 0);
	assert_int_equal(listen(f->listener, 8), 0); /* listen(2) notes who we are */
	assert_int_equal(seteuid(0), 0);
	list_fails(f, f->sock, CTL_E_PROTOCOL, "served by uid 65534, who is neither root nor you");
}

static void backlog_is_full(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct fake *f = *state;
	int fds[3] = { -1, -1, -1 };

	f->env.query_ms = 200;
	msg_set_string(sa.sun_path, sizeof(sa.sun_path), f->sock);
	assert_int_equal(listen(f->listener, 1), 0);
	for (int i = 0; i < 3; i++) {
		fds[i] = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		(void)connect(fds[i], (struct sockaddr *)&sa, sizeof(sa));
	}
	list_fails(f, f->sock, CTL_E_PROTOCOL, "accepts no connection");
	for (int i = 0; i < 3; i++)
		fd_close(&fds[i]);
}

static void usage_errors_need_no_vdused(void **state)
{
	struct fake *f = *state;

	fd_close(&f->listener);
	fake_start(f, "create", "a/b", "--file", f->file, NULL);
	assert_int_equal(fake_finish(f), CTL_E_INVALID);
	fake_start(f, "frobnicate", NULL);
	assert_int_equal(fake_finish(f), CTL_E_INVALID);
	assert_non_null(strstr(f->stderr_text, "vduse-ctl: unknown command \"frobnicate\""));
	fake_start(f, "create", "--help", NULL);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_non_null(strstr(f->stdout_text, "usage: vduse-ctl create"));
	fake_start(f, "--version", NULL);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "vduse-ctl " VDUSED_VERSION "\n");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(socket_given_twice),     TEST(no_socket),
		TEST(stale_socket),           TEST(not_a_socket),
		TEST(socket_of_another_kind), TEST(path_too_long),
		TEST(permission_denied),      TEST(server_is_a_stranger),
		TEST(backlog_is_full),        TEST(usage_errors_need_no_vdused),
	};

	return cmocka_run_group_tests_name("ctl_socket", tests, NULL, NULL);
}
