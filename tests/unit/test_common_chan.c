/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One record with descriptors: nothing that a peer sends installs a descriptor unasked or leaks
 * one.
 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/fd.h"

static int count_fds(void)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	while (readdir(d))
		n++;
	(void)closedir(d);
	return n;
}

static void pair(int sv[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv), 0);
}

static void test_roundtrip_with_fds(void **state)
{
	int sv[2], fds[2] = { 0, 1 };
	struct chan_msg m;
	char buf[16];

	(void)state;
	pair(sv);
	assert_int_equal(chan_send(sv[0], "hello", 5, fds, 2), 0);
	assert_int_equal(chan_recv(sv[1], buf, sizeof(buf), true, &m), 0);
	assert_int_equal(m.len, 5);
	assert_int_equal(m.nfds, 2);
	assert_false(m.truncated);
	assert_true(fcntl(m.fds[0], F_GETFD) & FD_CLOEXEC);
	chan_msg_close(&m);
	(void)close(sv[0]);
	assert_int_equal(chan_recv(sv[1], buf, sizeof(buf), true, &m), 0);
	assert_int_equal(m.len, 0);
	(void)close(sv[1]);
}

/* CVE-2022-0669 class. */
static void test_C10_unasked_fds_are_never_installed(void **state)
{
	int sv[2], fds[4] = { 0, 0, 0, 0 }, before;
	struct chan_msg m;
	char buf[16];

	(void)state;
	pair(sv);
	before = count_fds();
	for (int i = 0; i < 10; i++) {
		assert_int_equal(chan_send(sv[0], "x", 1, fds, 4), 0);
		assert_int_equal(chan_recv(sv[1], buf, sizeof(buf), false, &m), 0);
		assert_true(m.truncated);
		assert_int_equal(m.nfds, 0);
	}
	assert_int_equal(count_fds(), before);
	(void)close(sv[0]);
	(void)close(sv[1]);
}

/* More descriptors than there is room for: the peer builds its own control message. */
static void test_C10_too_many_fds_leak_nothing(void **state)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * 60)];
	struct iovec iov = { .iov_base = control, .iov_len = 1 };
	struct msghdr mh = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
	};
	int sv[2], before, zero = 0;
	struct chan_msg m;
	struct cmsghdr *c;
	char buf[16];

	(void)state;
	pair(sv);
	memset(control, 0, sizeof(control));
	c = CMSG_FIRSTHDR(&mh);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int) * 60);
	for (size_t i = 0; i < 60; i++)
		memcpy(CMSG_DATA(c) + i * sizeof(int), &zero, sizeof(int));
	before = count_fds();
	assert_int_equal(sendmsg(sv[0], &mh, 0), 1);
	assert_int_equal(chan_recv(sv[1], buf, sizeof(buf), true, &m), 0);
	assert_true(m.truncated);
	chan_msg_close(&m);
	assert_int_equal(count_fds(), before);
	(void)close(sv[0]);
	(void)close(sv[1]);
}

static void test_C1_long_records_are_marked(void **state)
{
	char big[64] = { 0 }, buf[16];
	struct chan_msg m;
	int sv[2];

	(void)state;
	pair(sv);
	assert_int_equal(chan_send(sv[0], big, sizeof(big), NULL, 0), 0);
	assert_int_equal(chan_recv(sv[1], buf, sizeof(buf), false, &m), 0);
	assert_true(m.truncated);
	assert_int_equal(chan_recv(sv[1], buf, sizeof(buf), false, &m), -EAGAIN);
	assert_int_equal(chan_wait(sv[1], 20), -ETIMEDOUT);
	(void)close(sv[0]);
	(void)close(sv[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_roundtrip_with_fds),
		cmocka_unit_test(test_C10_unasked_fds_are_never_installed),
		cmocka_unit_test(test_C10_too_many_fds_leak_nothing),
		cmocka_unit_test(test_C1_long_records_are_marked),
	};

	return cmocka_run_group_tests_name("common_chan", tests, NULL, NULL);
}
