/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_ctl_create.c - vduse-ctl create against a scripted vdused: what it sends, what it
 * prints, and what it makes of every kind of answer.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/chan.h"
#include "common/fd.h"
#include "tests/unit/ctl_fake.h"

/* A create that came as far as its descriptor. */
static void start_until_file(struct fake *f)
{
	union ctl_any m;
	int fd = -1;

	fake_start(f, "create", "disk0", "--file", f->file, NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_CREATE, &m, NULL);
	fake_plain(f, CTL_SEND_FILE);
	fake_expect(f, CTL_S_FILE, CTL_FILE, &m, &fd);
	assert_true(fd >= 0);
	fd_close(&fd);
}

static void prints_the_node_and_nothing_else(void **state)
{
	struct fake *f = *state;
	struct stat sent, file;
	union ctl_any m;
	int fd = -1;

	fake_start(f, "create", "disk0", "--file", f->file, NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_CREATE, &m, NULL);
	assert_string_equal(m.create.name, "disk0");
	assert_string_equal(m.create.serial, "");
	assert_int_equal(m.create.flags | m.create.queues | m.create.queue_size | m.create.block_size, 0);
	fake_plain(f, CTL_SEND_FILE);
	fake_expect(f, CTL_S_FILE, CTL_FILE, &m, &fd);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDWR);
	assert_int_equal(fstat(fd, &sent), 0);
	assert_int_equal(stat(f->file, &file), 0);
	assert_true(sent.st_ino == file.st_ino && sent.st_dev == file.st_dev);
	fd_close(&fd);
	fake_created(f, "/dev/vdb");
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "/dev/vdb\n");
	assert_string_equal(f->stderr_text, "");
}

static void sends_every_option(void **state)
{
	struct fake *f = *state;
	union ctl_any m;
	int fd = -1;

	fake_start(f, "create", "--file", f->file, "--read-only", "--direct", "--queues", "4", "--queue-size", "512",
		   "--serial", "A-1", "--block-size", "4096", "--on-error", "stop", "disk0", NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_CREATE, &m, NULL);
	assert_string_equal(m.create.serial, "A-1");
	assert_int_equal(m.create.flags, CTL_F_READ_ONLY | CTL_F_DIRECT | CTL_F_STOP);
	assert_int_equal(m.create.queues, 4);
	assert_int_equal(m.create.queue_size, 512);
	assert_int_equal(m.create.block_size, 4096);
	fake_plain(f, CTL_SEND_FILE);
	fake_expect(f, CTL_S_FILE, CTL_FILE, &m, &fd);
	assert_int_equal(fcntl(fd, F_GETFL) & O_ACCMODE, O_RDONLY);
	fd_close(&fd);
	fake_created(f, "/dev/vdb");
	assert_int_equal(fake_finish(f), TOOL_OK);
}

static void json_result(void **state)
{
	struct fake *f = *state;
	union ctl_any m;

	fake_start(f, "--json", "create", "disk0", "--file", f->file, NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_CREATE, &m, NULL);
	fake_plain(f, CTL_SEND_FILE);
	fake_expect(f, CTL_S_FILE, CTL_FILE, &m, NULL);
	fake_created(f, "/dev/vdb");
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "{\n  \"name\": \"disk0\",\n  \"node\": \"/dev/vdb\"\n}\n");
}

static void names_the_step_that_failed(void **state)
{
	struct fake *f = *state;

	start_until_file(f);
	fake_error(f, CTL_E_FAILED, "attach", "the node did not appear: see dmesg");
	assert_int_equal(fake_finish(f), CTL_E_FAILED);
	assert_string_equal(f->stdout_text, "");
	assert_string_equal(f->stderr_text, "vduse-ctl: create disk0: attach: the node did not appear: see dmesg\n");
}

/* The numbers that vduse-ctl(8) promises. */
static void every_code_has_its_exit_status(void **state)
{
	static const int status[] = {
		[CTL_E_FAILED] = 1, [CTL_E_INVALID] = 2, [CTL_E_NOT_FOUND] = 3, [CTL_E_EXISTS] = 4,
		[CTL_E_BUSY] = 5,   [CTL_E_DENIED] = 6,  [CTL_E_LIMIT] = 7,     [CTL_E_PROTOCOL] = 8,
	};
	struct fake *f = *state;
	union ctl_any m;

	for (uint32_t code = 1; code <= CTL_E_LAST; code++) {
		fake_start(f, "create", "disk0", "--file", f->file, NULL);
		fake_accept(f);
		fake_expect(f, CTL_S_IDLE, CTL_CREATE, &m, NULL);
		fake_error(f, code, "", "because");
		assert_int_equal(fake_finish(f), status[code]);
		assert_string_equal(f->stderr_text, "vduse-ctl: create disk0: because\n");
	}
}

static void C7_text_is_made_printable(void **state)
{
	struct fake *f = *state;

	start_until_file(f);
	fake_error(f, CTL_E_FAILED, "st\x1b[2Jep", "a\nb\x07\xff");
	assert_int_equal(fake_finish(f), CTL_E_FAILED);
	assert_string_equal(f->stderr_text, "vduse-ctl: create disk0: st?[2Jep: a?b??\n");
}

static void C7_node_is_made_printable(void **state)
{
	struct fake *f = *state;

	start_until_file(f);
	fake_created(f, "/dev/vd\n\x1b");
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "/dev/vd??\n");
}

/* The tool must call this a broken protocol, whatever it was. */
static void is_protocol_error(struct fake *f)
{
	assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
	assert_string_equal(f->stdout_text, "");
	assert_non_null(strstr(f->stderr_text, "vduse-ctl: create disk0: vdused "));
}

static void C1_to_C5_malformed_answers(void **state)
{
	struct bad {
		struct msg_hdr h;
		size_t len;
	};
	static const struct bad cases[] = {
		{ { 1, CTL_CREATED, 8 }, 4 }, /* C1: short */
		{ { 1, CTL_CREATED, 8 }, 8 }, /* C2: cut */
		{ { 1, CTL_CREATED, sizeof(struct ctl_created) }, 47 }, /* C2 */
		{ { 1, CTL_CREATED, 0xffffffff }, sizeof(struct ctl_created) }, /* C1 */
		{ { 1, CTL_CREATED, sizeof(struct ctl_created) }, 96 }, /* C3: two of them */
		{ { 1, CTL_CREATED, sizeof(struct ctl_created) }, 60000 }, /* longer than any */
		{ { 2, CTL_CREATED, sizeof(struct ctl_created) }, 48 }, /* C4 */
		{ { 1, 999, 8 }, 8 }, /* C5 */
		/* C5: a request */
		{ { 1, CTL_CREATE, sizeof(struct ctl_create) }, sizeof(struct ctl_create) },
		{ { 1, CTL_OK, 8 }, 8 }, /* C18: not now */
		{ { 1, CTL_SEND_FILE, 8 }, 8 }, /* C18: twice */
		{ { 1, CTL_CREATED, sizeof(struct ctl_created) }, 48 }, /* without a node */
		/* code 0 */
		{ { 1, CTL_ERROR, sizeof(struct ctl_error) }, sizeof(struct ctl_error) },
	};
	static unsigned char buf[65536];
	struct fake *f = *state;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(buf, 0, sizeof(buf));
		memcpy(buf, &cases[i].h, sizeof(cases[i].h));
		start_until_file(f);
		fake_send(f, buf, cases[i].len);
		is_protocol_error(f);
	}
}

static void C7_string_without_an_end(void **state)
{
	struct fake *f = *state;
	union ctl_any m = { 0 };

	start_until_file(f);
	memset(m.created.node, 'a', sizeof(m.created.node));
	fake_answer(f, CTL_CREATED, &m);
	is_protocol_error(f);
}

static void C10_answer_with_a_descriptor(void **state)
{
	struct fake *f = *state;
	union ctl_any m = { 0 };
	int fd = STDIN_FILENO;

	start_until_file(f);
	msg_set_string(m.created.node, sizeof(m.created.node), "/dev/vdb");
	msg_init(&m, CTL_CREATED, sizeof(m.created));
	assert_int_equal(chan_send(f->conn, &m, sizeof(m.created), &fd, 1), 0);
	is_protocol_error(f);
}

static void C18_created_before_the_file(void **state)
{
	struct fake *f = *state;
	union ctl_any m;

	fake_start(f, "create", "disk0", "--file", f->file, NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_CREATE, &m, NULL);
	fake_created(f, "/dev/vdb");
	is_protocol_error(f);
}

static void silence_is_bounded(void **state)
{
	struct fake *f = *state;
	long long start = now_ms();

	f->env.change_ms = 300;
	start_until_file(f);
	assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
	assert_true(now_ms() - start < 30000);
	assert_non_null(strstr(f->stderr_text, "no answer from vdused within 1 seconds"));
}

/* The bound is for the whole of create, not for each of its answers. */
static void slow_answers_share_one_bound(void **state)
{
	struct fake *f = *state;
	long long answered;
	union ctl_any m;

	f->env.change_ms = 6000;
	fake_start(f, "create", "disk0", "--file", f->file, NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_CREATE, &m, NULL);
	(void)usleep(5000000);
	fake_plain(f, CTL_SEND_FILE);
	answered = now_ms();
	fake_expect(f, CTL_S_FILE, CTL_FILE, &m, NULL);
	assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
	assert_true(now_ms() - answered < 5500); /* a second is left, and a busy machine is slow */
}

static void C14_vdused_dies(void **state)
{
	struct fake *f = *state;
	union ctl_any m;

	fake_start(f, "create", "disk0", "--file", f->file, NULL);
	fake_accept(f);
	fake_hang_up(f);
	is_protocol_error(f);
	assert_non_null(strstr(f->stderr_text, "closed the connection"));
	start_until_file(f);
	fake_hang_up(f);
	is_protocol_error(f);
	fake_start(f, "create", "disk0", "--file", f->file, NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_CREATE, &m, NULL);
	fake_hang_up(f);
	is_protocol_error(f);
}

/* At its limit of connections vdused says so and closes without reading: that must not get lost. */
static void last_words_are_heard(void **state)
{
	struct fake *f = *state;

	fake_start(f, "create", "disk0", "--file", f->file, NULL);
	fake_accept(f);
	assert_int_equal(chan_wait(f->conn, 5000), 0); /* the request is there, and stays unread */
	fake_freeze(f);
	fake_error(f, CTL_E_LIMIT, "", "too many connections");
	fake_hang_up(f);
	fake_thaw(f);
	assert_int_equal(fake_finish(f), CTL_E_LIMIT);
	assert_string_equal(f->stderr_text, "vduse-ctl: create disk0: too many connections\n");
}

/* Refused before vdused is bothered at all. */
static void F11_what_is_no_file(void **state)
{
	struct fake *f = *state;
	char fifo[80];

	(void)snprintf(fifo, sizeof(fifo), "%s/fifo", f->dir);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	fake_start(f, "create", "disk0", "--file", fifo, NULL);
	assert_int_equal(fake_finish(f), CTL_E_INVALID);
	assert_non_null(strstr(f->stderr_text, "is a FIFO: give a regular file or a block device"));
	fake_start(f, "create", "disk0", "--file", f->dir, NULL);
	assert_int_equal(fake_finish(f), CTL_E_INVALID);
	assert_non_null(strstr(f->stderr_text, "is a directory"));
	fake_start(f, "create", "disk0", "--file", "/dev/null", NULL);
	assert_int_equal(fake_finish(f), CTL_E_INVALID);
	assert_non_null(strstr(f->stderr_text, "is a character device"));
	fake_start(f, "create", "disk0", "--file", f->sock, NULL);
	assert_int_equal(fake_finish(f), CTL_E_INVALID);
	assert_non_null(strstr(f->stderr_text, "is a socket"));
	fake_start(f, "create", "disk0", "--file", "/nonexistent/disk", NULL);
	assert_int_equal(fake_finish(f), CTL_E_FAILED);
	assert_non_null(strstr(f->stderr_text, "create disk0: /nonexistent/disk does not exist"));
}

static void file_of_another_user(void **state)
{
	struct fake *f = *state;

	if (geteuid() != 0)
		skip();
	f->as_uid = 65534;
	fake_start(f, "create", "disk0", "--file", f->file, NULL);
	assert_int_equal(fake_finish(f), CTL_E_DENIED);
	assert_non_null(strstr(f->stderr_text, "you (uid 65534) may not open it for reading and writing"));
	assert_int_equal(chmod(f->file, 0644), 0);
	fake_start(f, "create", "disk0", "--file", f->file, NULL);
	assert_int_equal(fake_finish(f), CTL_E_DENIED);
	assert_non_null(strstr(f->stderr_text, "use --read-only"));
}

static void output_that_cannot_be_written(void **state)
{
	struct fake *f = *state;

	f->out = open("/dev/full", O_RDWR | O_CLOEXEC);
	assert_true(f->out >= 0);
	start_until_file(f);
	fake_created(f, "/dev/vdb");
	assert_int_equal(fake_finish(f), CTL_E_FAILED);
	assert_non_null(strstr(f->stderr_text, "cannot be written"));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(prints_the_node_and_nothing_else),
		TEST(sends_every_option),
		TEST(json_result),
		TEST(names_the_step_that_failed),
		TEST(every_code_has_its_exit_status),
		TEST(C1_to_C5_malformed_answers),
		TEST(C7_text_is_made_printable),
		TEST(C7_node_is_made_printable),
		TEST(C7_string_without_an_end),
		TEST(C10_answer_with_a_descriptor),
		TEST(C14_vdused_dies),
		TEST(C18_created_before_the_file),
		TEST(F11_what_is_no_file),
		TEST(silence_is_bounded),
		TEST(slow_answers_share_one_bound),
		TEST(last_words_are_heard),
		TEST(file_of_another_user),
		TEST(output_that_cannot_be_written),
	};

	return cmocka_run_group_tests_name("ctl_create", tests, NULL, NULL);
}
