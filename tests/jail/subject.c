/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/subject.c - see subject.h. Plays vdused's part up to WORK_READY. Runs as root. Test
 * code.
 */
#include "tests/jail/subject.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/blkconf.h"
#include "common/chan.h"
#include "common/fd.h"
#include "control/helper/close_elsewhere.h"
#include "control/helper/helper.h"
#include "control/steps/spawn.h"
#include "control/sys/caps.h"
#include "proto/worker_msg.h"

#define ORDER_MARK "vdt-policy:"
#define ORDER_SIZE 5U
#define START_MS 10000

static char place[PATH_MAX - 32], binary_path[PATH_MAX], empty_path[PATH_MAX];
static struct event_base *base;

struct spawned {
	bool done;
	struct helper_result res;
	int pidfd;
};

int subject_place(const char *dir, struct err *e)
{
	(void)snprintf(place, sizeof(place), "%s/jail.XXXXXX", dir);
	helper_init(close_elsewhere);
	base = event_base_new();
	if (!base || !mkdtemp(place))
		return err_set(e, -errno, "%s: %s", place, err_str(-errno));
	(void)snprintf(binary_path, sizeof(binary_path), "%s/worker", place);
	(void)snprintf(empty_path, sizeof(empty_path), "%s/empty", place);
	if (mkdir(empty_path, 0700) != 0)
		return err_set(e, -errno, "%s: %s", empty_path, err_str(-errno));
	return 0;
}

void subject_place_remove(void)
{
	cgroup_remove("check-jail");
	(void)unlink(binary_path);
	(void)rmdir(empty_path);
	(void)rmdir(place);
}

static int obey(char *image, size_t size, const char *order, struct err *e)
{
	char *mark = memmem(image, size, ORDER_MARK, sizeof(ORDER_MARK) - 1);

	if (!mark || strlen(order) != ORDER_SIZE)
		return err_set(e, -EINVAL, "this worker takes no order \"%s\"", order);
	memcpy(mark + sizeof(ORDER_MARK) - 1, order, ORDER_SIZE);
	return 0;
}

static int write_binary(const char *image, size_t size, struct err *e)
{
	int fd, rc = 0;

	(void)unlink(binary_path);
	fd = open(binary_path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	if (fd < 0 || fchmod(fd, 0755) != 0 || write(fd, image, size) != (ssize_t)size)
		rc = err_set(e, -EIO, "cannot write %s", binary_path);
	fd_close(&fd);
	return rc;
}

int subject_binary(const char *from, const char *order, struct err *e)
{
	int fd = open(from, O_RDONLY | O_CLOEXEC);
	struct stat st = { 0 };
	char *image = NULL;
	int rc = 0;

	if (fd >= 0 && fstat(fd, &st) == 0)
		image = malloc((size_t)st.st_size);
	if (!image || read(fd, image, (size_t)st.st_size) != st.st_size)
		rc = err_set(e, -EIO, "cannot read %s", from);
	fd_close(&fd);
	if (rc == 0 && order)
		rc = obey(image, (size_t)st.st_size, order, e);
	if (rc == 0)
		rc = write_binary(image, (size_t)st.st_size, e);
	free(image);
	return rc;
}

static void on_spawned(void *ctx, struct helper_result *res)
{
	struct spawned *sp = ctx;

	sp->done = true;
	sp->res = *res;
	sp->pidfd = res->nfds == 1 ? fd_take(&res->fds[0]) : -1;
}

/* As start_spawn() of control/supervise/worker_start.c, with the row of control/steps/table.c. */
static int spawn(int worker_end, int listener, struct spawned *sp, struct err *e)
{
	const struct helper_kind kind = {
		.name = "spawn",
		.fn = jail_spawn,
		.caps = CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETPCAP) |
			CAP_BIT(CAP_SYS_RESOURCE),
		.deadline_ms = START_MS,
	};
	struct jail_arg a = { 0 };
	struct helper_call call = { .arg = &a, .fds = { worker_end, listener }, .nfds = 2 };
	int rc;

	memcpy(a.binary, binary_path, sizeof(a.binary));
	memcpy(a.empty_root, empty_path, sizeof(a.empty_root));
	a.uid = SUBJECT_UID;
	a.file_size = SUBJECT_SIZE;
	(void)snprintf(a.name, sizeof(a.name), "check-jail");
	sp->pidfd = -1;
	rc = helper_start(base, &kind, &call, on_spawned, sp, e);
	while (rc == 0 && !sp->done)
		(void)event_base_loop(base, EVLOOP_ONCE);
	if (rc == 0 && sp->res.err.code) {
		*e = sp->res.err;
		rc = e->code;
	}
	return rc;
}

static bool reap(struct subject *s, int options)
{
	if (!s->dead && waitpid(s->pid, &s->status, options | __WALL) == s->pid &&
	    (WIFEXITED(s->status) || WIFSIGNALED(s->status)))
		s->dead = true;
	return s->dead;
}

/* When it has nothing to do until vdused's next message, the main thread sleeps in poll(). */
static int wait_until_asleep(struct subject *s, struct err *e)
{
	long long end = now_ms() + START_MS;
	char path[64], text[256];
	long nr;

	(void)snprintf(path, sizeof(path), "/proc/%d/syscall", (int)s->pid);
	while (now_ms() < end) {
		if (reap(s, WNOHANG))
			return err_set(e, -ECHILD, "the worker was %s", subject_status_text(s->status));
		if (file_read(AT_FDCWD, path, text, sizeof(text)) > 0 && sscanf(text, "%ld ", &nr) == 1 &&
		    nr == SYS_poll)
			return 0;
		(void)usleep(500);
	}
	return err_set(e, -ETIMEDOUT, "the worker does not begin to wait");
}

int subject_start(struct subject *s, struct err *e)
{
	struct spawned sp = { 0 };
	struct jail_result jr;
	int sv[2], listener, rc;

	*s = (struct subject){ .pidfd = -1, .chan = -1 };
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0)
		return err_set(e, -errno, "socketpair: %s", err_str(-errno));
	s->chan = sv[0];
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	rc = spawn(sv[1], listener, &sp, e);
	fd_close(&listener);
	fd_close(&sv[1]);
	s->pidfd = sp.pidfd;
	if (s->pidfd >= 0) {
		memcpy(&jr, sp.res.data, sizeof(jr));
		s->pid = jr.pid;
	}
	return rc ? rc : wait_until_asleep(s, e);
}

static int say_setup(struct subject *s)
{
	struct blk_params p = {
		.capacity = SUBJECT_SIZE,
		.queues = SUBJECT_QUEUES,
		.queue_size = VD_QUEUE_SIZE_DEFAULT,
		.block_size = VD_SECTOR_SIZE,
		.unmap = { .discard_max = SUBJECT_SIZE, .granularity = 4096, .by_zeroing = 1 },
	};
	struct work_setup m = { .name = "jailed", .serial = "jailed", .generation = 1, .log_level = 3 };

	msg_init(&m, WORK_SETUP, sizeof(m));
	m.capacity = p.capacity;
	m.features = blk_features(&p);
	m.queues = p.queues;
	m.queue_size = p.queue_size;
	m.block_size = p.block_size;
	return chan_send(s->chan, &m, sizeof(m), NULL, 0);
}

int subject_seal(struct subject *s, struct err *e)
{
	_Alignas(8) union work_any buf;
	struct chan_msg m = { 0 };
	int rc = say_setup(s);

	do {
		memset(&buf, 0, sizeof(buf));
		if (rc == 0)
			rc = chan_wait(s->chan, START_MS);
		if (rc == 0)
			rc = chan_recv(s->chan, &buf, sizeof(buf), false, &m);
	} while (rc == 0 && m.len > 0 && buf.hdr.type == WORK_LOG);
	if (rc == 0 && m.len == sizeof(struct work_ready) && buf.hdr.type == WORK_READY)
		return wait_until_asleep(s, e);
	if (m.len == 0 && reap(s, 0))
		return err_set(e, -ECHILD, "the worker was %s", subject_status_text(s->status));
	return err_set(e, rc ? rc : -EPROTO, "the worker did not say READY: %s", err_str(rc));
}

void subject_end(struct subject *s)
{
	if (s->pidfd >= 0 && !s->dead) {
		(void)syscall(SYS_pidfd_send_signal, s->pidfd, SIGKILL, NULL, 0);
		while (!reap(s, 0))
			;
	}
	fd_close(&s->pidfd);
	fd_close(&s->chan);
}

const char *subject_status_text(int status)
{
	static char text[64];

	if (WIFSIGNALED(status))
		(void)snprintf(text, sizeof(text), "killed by signal %d (%s)", WTERMSIG(status),
			       strsignal(WTERMSIG(status)));
	else
		(void)snprintf(text, sizeof(text), "ended with status %d", WEXITSTATUS(status));
	return text;
}
