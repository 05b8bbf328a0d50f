/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_link.c - worker/channel/link.c: the channel to vdused, played by the test.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/chan.h"
#include "tests/unit/unit.h"
#include "worker/channel/link.h"

static struct link l;
static int peer;

static int setup(void **state)
{
	int sv[2];

	(void)state;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0 || link_init(&l, sv[0]) < 0)
		return -1;
	peer = sv[1];
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	if (l.fd >= 0)
		(void)close(l.fd);
	return peer >= 0 ? close(peer) : 0;
}

static void say(uint16_t type, const int *fds, unsigned nfds)
{
	struct work_plain m = { 0 };

	msg_init(&m, type, sizeof(m));
	assert_int_equal(chan_send(peer, &m, sizeof(m), fds, nfds), 0);
}

static void say_device(const int *fds, unsigned nfds)
{
	struct work_device m = { .mem_align = 512, .len_align = 4096 };

	msg_init(&m, WORK_DEVICE, sizeof(m));
	assert_int_equal(chan_send(peer, &m, sizeof(m), fds, nfds), 0);
}

/* What vdused receives next; 0 when there is nothing. */
static uint16_t heard(union work_any *m)
{
	struct chan_msg c;

	if (chan_wait(peer, 0) < 0)
		return 0;
	assert_int_equal(chan_recv(peer, m, sizeof(*m), false, &c), 0);
	return m->hdr.type;
}

static void waits_for_the_device(void **state)
{
	int in[3] = { 0, 1, 2 }, out[3];
	unsigned n = 3;
	union work_any m;

	(void)state;
	l.state = WORK_W_SEALED;
	say_device(in, 3);
	assert_int_equal(link_wait(&l, &m, out, &n, 1000), 0);
	assert_int_equal(n, 3);
	for (unsigned i = 0; i < n; i++)
		assert_return_code(close(out[i]), errno);
	assert_int_equal(m.device.len_align, 4096);
	assert_false(l.early);
}

static void device_of_an_earlier_vdused(void **state)
{
	int in[3] = { 0, 1, 2 }, out[3];
	unsigned n = 3;
	union work_any m;

	(void)state;
	memset(&m, 0xff, sizeof(m));
	l.state = WORK_W_SEALED;
	say(WORK_DEVICE, in, 3);
	assert_int_equal(link_wait(&l, &m, out, &n, 1000), 0);
	assert_int_equal(n, 3);
	for (unsigned i = 0; i < n; i++)
		assert_return_code(close(out[i]), errno);
	assert_int_equal(m.device.mem_align, 0); /* not what lay there before */
	assert_int_equal(m.device.len_align, 0);
	assert_true(l.early);
}

static void wait_is_bounded(void **state)
{
	unsigned n = 0;
	union work_any m;

	(void)state;
	assert_int_equal(link_wait(&l, &m, NULL, &n, 10), -ETIMEDOUT);
}

static void wait_sees_the_end(void **state)
{
	unsigned n = 0;
	union work_any m;

	(void)state;
	(void)close(peer);
	peer = -1;
	assert_int_equal(link_wait(&l, &m, NULL, &n, 1000), -EPIPE);
}

static void message_in_the_wrong_state(void **state)
{
	int in[3] = { 0, 1, 2 }, out[3];
	unsigned n = 3;
	union work_any m;

	(void)state;
	say_device(in, 3);
	assert_int_equal(link_wait(&l, &m, out, &n, 1000), -EPROTO);
	assert_int_equal(heard(&m), WORK_LOG);
}

static void device_with_too_few_descriptors(void **state)
{
	int in[2] = { 0, 1 }, out[3];
	unsigned n = 3;
	union work_any m;
	int before = dup(0), after;

	(void)state;
	assert_return_code(close(before), errno);
	l.state = WORK_W_SEALED;
	say_device(in, 2);
	assert_int_equal(link_wait(&l, &m, out, &n, 1000), -EPROTO);
	after = dup(0);
	assert_int_equal(before, after); /* none is left open */
	assert_return_code(close(after), errno);
}

static void answers_pings(void **state)
{
	struct work_cookie ping = { .cookie = 0x123456789abcdef0 };
	union work_any m;

	(void)state;
	l.state = WORK_W_SERVING;
	msg_init(&ping, WORK_PING, sizeof(ping));
	for (int i = 0; i < 3; i++)
		assert_int_equal(chan_send(peer, &ping, sizeof(ping), NULL, 0), 0);
	link_serve(&l);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(heard(&m), WORK_PONG);
		assert_true(m.cookie.cookie == 0x123456789abcdef0);
	}
	assert_int_equal(heard(&m), 0);
}

static void stop_is_noted(void **state)
{
	(void)state;
	l.state = WORK_W_SERVING;
	say(WORK_STOP, NULL, 0);
	link_serve(&l);
	assert_true(l.stop);
}

static void end_of_the_channel_is_no_stop(void **state)
{
	(void)state;
	l.state = WORK_W_SERVING;
	(void)close(peer);
	peer = -1;
	link_serve(&l);
	assert_false(l.stop);
	assert_int_equal(l.fd, -1);
	link_log(&l, LINK_ERROR, "nobody listens");
}

static void unexpected_descriptors_are_not_installed(void **state)
{
	int in[1] = { 0 };
	union work_any m;

	(void)state;
	l.state = WORK_W_SERVING;
	say(WORK_STOP, in, 1);
	link_serve(&l);
	assert_false(l.stop);
	assert_int_equal(heard(&m), WORK_LOG);
}

static void log_lines_are_printable_and_padded(void **state)
{
	union work_any m;
	char text[VD_LOG_SIZE * 2];

	(void)state;
	memset(text, 'x', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	link_log(&l, LINK_WARN, "a\nb\x1b%d", 5);
	assert_int_equal(heard(&m), WORK_LOG);
	assert_string_equal(m.log.text, "a?b?5");
	assert_true(msg_string(m.log.text, sizeof(m.log.text)));
	link_log(&l, LINK_WARN, "%s", text);
	assert_int_equal(heard(&m), WORK_LOG);
	assert_true(msg_string(m.log.text, sizeof(m.log.text)));
	link_log(&l, LINK_DEBUG, "below the level");
	assert_int_equal(heard(&m), 0);
}

static void log_is_rate_limited_and_says_so(void **state)
{
	union work_any m;
	unsigned lines = 0;

	(void)state;
	for (unsigned i = 0; i < LINK_LOG_BURST + 7; i++)
		link_log(&l, LINK_WARN, "line %u", i);
	while (heard(&m) == WORK_LOG)
		lines++;
	assert_int_equal(lines, LINK_LOG_BURST);
	l.period_end = 0; /* time passes */
	link_log(&l, LINK_WARN, "again");
	assert_int_equal(heard(&m), WORK_LOG);
	assert_int_equal(m.log.dropped, 7);
}

static void vdused_that_does_not_read_does_not_block_us(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 100000 && l.dropped == 0; i++) {
		l.lines = 0;
		link_log(&l, LINK_WARN, "line %u", i);
	}
	assert_true(l.dropped > 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(waits_for_the_device),
		T(device_of_an_earlier_vdused),
		T(wait_is_bounded),
		T(wait_sees_the_end),
		T(message_in_the_wrong_state),
		T(device_with_too_few_descriptors),
		T(answers_pings),
		T(stop_is_noted),
		T(end_of_the_channel_is_no_stop),
		T(unexpected_descriptors_are_not_installed),
		T(log_lines_are_printable_and_padded),
		T(log_is_rate_limited_and_says_so),
		T(vdused_that_does_not_read_does_not_block_us),
	};

	return cmocka_run_group_tests_name("worker/link", tests, NULL, NULL);
}
