/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/ctl_fake.c - see ctl_fake.h. Test code only.
 */
#include "tests/unit/ctl_fake.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/chan.h"
#include "common/fd.h"

#define PATIENCE_MS 10000
#define ARGS_MAX 24

int fake_setup(void **state)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct fake *f = calloc(1, sizeof(*f));
	int fd;

	assert_non_null(f);
	(void)alarm(120); /* nothing here may hang the whole run */
	(void)strcpy(f->dir, "/tmp/vduse-ctl-test.XXXXXX");
	assert_non_null(mkdtemp(f->dir));
	assert_int_equal(chmod(f->dir, 0755), 0);
	(void)snprintf(f->sock, sizeof(f->sock), "%s/s", f->dir);
	(void)snprintf(f->file, sizeof(f->file), "%s/disk", f->dir);
	f->env = (struct tool_env){ .query_ms = 5000, .change_ms = 5000, .note_ms = 2000, .root = "/" };
	f->connect_to = f->sock;
	f->conn = f->out = f->err = -1;
	f->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	msg_set_string(sa.sun_path, sizeof(sa.sun_path), f->sock);
	assert_int_equal(bind(f->listener, (struct sockaddr *)&sa, sizeof(sa)), 0);
	assert_int_equal(chmod(f->sock, 0666), 0);
	assert_int_equal(listen(f->listener, 8), 0);
	fd = open(f->file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0 && ftruncate(fd, 1 << 20) == 0);
	fd_close(&fd);
	*state = f;
	return 0;
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

int fake_teardown(void **state)
{
	struct fake *f = *state;

	if (f->tool > 0) { /* a failed test */
		(void)kill(f->tool, SIGKILL);
		(void)waitpid(f->tool, NULL, 0);
	}
	fd_close(&f->listener);
	fd_close(&f->conn);
	fd_close(&f->out);
	fd_close(&f->err);
	(void)nftw(f->dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	free(f);
	return 0;
}

/* What the tool gets as standard error. Ours is where read_back() finds what it wrote. */
static int open_err(struct fake *f)
{
	if (!f->terminal) {
		f->err = memfd_create("err", MFD_CLOEXEC);
		return fcntl(f->err, F_DUPFD_CLOEXEC, 3);
	}
	f->err = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	assert_true(f->err >= 0 && grantpt(f->err) == 0 && unlockpt(f->err) == 0);
	return open(ptsname(f->err), O_RDWR | O_NOCTTY | O_CLOEXEC);
}

static void child(struct fake *f, int argc, char **argv, int err)
{
	int status;

	(void)dup2(f->out, STDOUT_FILENO);
	(void)dup2(err, STDERR_FILENO);
	fd_close(&err);
	fd_close(&f->listener);
	fd_close(&f->conn);
	if (f->as_uid && (setgid(f->as_uid) < 0 || setuid(f->as_uid) < 0))
		_exit(99);
	status = tool_run(argc, argv, &f->env);
	free(f);
	exit(status);
}

void fake_start(struct fake *f, ...)
{
	char *argv[ARGS_MAX + 1] = { strdup("vduse-ctl"), strdup("--socket"), strdup(f->connect_to) };
	int argc = 3, err;
	const char *arg;
	va_list ap;

	va_start(ap, f);
	while (argc < ARGS_MAX && (arg = va_arg(ap, const char *)))
		argv[argc++] = strdup(arg);
	va_end(ap);
	f->out = f->out < 0 ? memfd_create("out", MFD_CLOEXEC) : f->out;
	err = open_err(f);
	assert_true(f->out >= 0 && f->err >= 0 && err >= 0);
	(void)fflush(NULL);
	f->tool = fork();
	assert_true(f->tool >= 0);
	if (f->tool == 0)
		child(f, argc, argv, err);
	fd_close(&err);
	for (int i = 0; i < argc; i++)
		free(argv[i]);
}

void fake_accept(struct fake *f)
{
	assert_int_equal(chan_wait(f->listener, PATIENCE_MS), 0);
	f->conn = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC);
	assert_true(f->conn >= 0);
}

void fake_expect(struct fake *f, msg_states state, uint16_t type, union ctl_any *m, int *fd)
{
	const struct msg_rule *rule;
	struct chan_msg got;

	assert_int_equal(chan_wait(f->conn, PATIENCE_MS), 0);
	assert_int_equal(chan_recv(f->conn, m, sizeof(*m), true, &got), 0);
	assert_int_equal(msg_check(ctl_requests, ctl_request_rows, m, got.len, got.truncated, got.nfds, state, &rule),
			 MSG_OK);
	assert_int_equal(rule->type, type);
	if (fd)
		*fd = fd_take(&got.fds[0]);
	else
		chan_msg_close(&got);
}

void fake_send(struct fake *f, const void *buf, size_t len)
{
	assert_int_equal(chan_send(f->conn, buf, len, NULL, 0), 0);
}

void fake_answer(struct fake *f, uint16_t type, union ctl_any *m)
{
	for (size_t i = 0; i < ctl_answer_rows; i++) {
		if (ctl_answers[i].type != type)
			continue;
		msg_init(m, type, ctl_answers[i].size);
		fake_send(f, m, ctl_answers[i].size);
		return;
	}
	fail_msg("no such answer");
}

void fake_plain(struct fake *f, uint16_t type)
{
	union ctl_any m = { 0 };

	fake_answer(f, type, &m);
}

void fake_error(struct fake *f, uint32_t code, const char *step, const char *text)
{
	union ctl_any m = { 0 };

	m.error.code = code;
	msg_set_string(m.error.step, sizeof(m.error.step), step);
	msg_set_string(m.error.text, sizeof(m.error.text), text);
	fake_answer(f, CTL_ERROR, &m);
}

void fake_created(struct fake *f, const char *node)
{
	union ctl_any m = { 0 };

	msg_set_string(m.created.node, sizeof(m.created.node), node);
	fake_answer(f, CTL_CREATED, &m);
}

void fake_resized(struct fake *f, uint64_t size)
{
	union ctl_any m = { 0 };

	m.resized.size = size;
	fake_answer(f, CTL_RESIZED, &m);
}

void fake_expect_name(struct fake *f, uint16_t type, const char *name, uint32_t flags)
{
	union ctl_any m;

	fake_expect(f, CTL_S_IDLE, type, &m, NULL);
	assert_string_equal(m.name.name, name);
	assert_int_equal(m.name.flags, flags);
}

void fake_list(struct fake *f, const char *const *names, uint32_t n)
{
	union ctl_any m;

	fake_expect(f, CTL_S_IDLE, CTL_LIST, &m, NULL);
	memset(&m, 0, sizeof(m));
	m.page.count = n;
	for (uint32_t i = 0; i < n; i++)
		fake_info(&m.page.entry[i], names[i], "/dev/vdb");
	fake_answer(f, CTL_LIST_PAGE, &m);
}

void fake_freeze(struct fake *f)
{
	int status;

	assert_int_equal(kill(f->tool, SIGSTOP), 0);
	assert_int_equal(waitpid(f->tool, &status, WUNTRACED), f->tool);
	assert_true(WIFSTOPPED(status));
}

void fake_thaw(struct fake *f)
{
	assert_int_equal(kill(f->tool, SIGCONT), 0);
}

void fake_hang_up(struct fake *f)
{
	fd_close(&f->conn);
}

static void read_back(int *fd, char *text, size_t size)
{
	ssize_t n = pread(*fd, text, size - 1, 0);

	if (n < 0 && errno == ESPIPE) /* a terminal: few lines, all of them written by now */
		n = read(*fd, text, size - 1);
	text[n > 0 ? n : 0] = '\0';
	fd_close(fd);
}

int fake_finish(struct fake *f)
{
	int status = 0;

	assert_int_equal(waitpid(f->tool, &status, 0), f->tool);
	f->tool = 0;
	fd_close(&f->conn);
	read_back(&f->out, f->stdout_text, sizeof(f->stdout_text));
	read_back(&f->err, f->stderr_text, sizeof(f->stderr_text));
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

void fake_info(struct ctl_info *i, const char *name, const char *node)
{
	msg_set_string(i->name, sizeof(i->name), name);
	msg_set_string(i->node, sizeof(i->node), node);
	msg_set_string(i->serial, sizeof(i->serial), "s1");
	msg_set_string(i->file, sizeof(i->file), "/srv/disk.img");
	i->capacity = 3ULL << 29; /* 1.5G */
	i->state = CTL_DEV_LIVE;
	i->queues = 2;
	i->queue_size = 256;
	i->block_size = 512;
	i->reads = 7;
	i->features = 1ULL << 63 | 1;
	i->worker_pid = 4711;
}

const char *fake_member(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	assert_true(json_object_object_get_ex(o, key, &v));
	return v ? json_object_get_string(v) : "null";
}
