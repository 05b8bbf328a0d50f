/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/adopt.c - see adopt.h. Runs in a helper. What the worker answers is hostile; the
 * record is root's word, the path in it leads to wherever its owner has put things meanwhile.
 */
#include "control/steps/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/fd.h"
#include "control/steps/find_file.h"
#include "control/steps/jail_check.h"
#include "control/steps/msg_timeout.h"
#include "control/sys/late.h"
#include "control/sys/proc_id.h"
#include "control/sys/worker_sock.h"
#include "proto/worker_msg.h"

struct found {
	int pidfd, chan, file; /* -1 = none */
	int halted;
	struct backing_info info; /* of the file */
};

/* ---- processes ------------------------------------------------------------------------------- */

/* pidfd of the process, if it is the one that was recorded. */
static int open_worker(const struct adopt_arg *a)
{
	struct pollfd p = { .events = POLLIN };

	if (a->worker_pid <= 0)
		return -1;
	p.fd = (int)syscall(SYS_pidfd_open, a->worker_pid, 0);
	if (p.fd >= 0 && (proc_start_time(a->worker_pid) != a->worker_start ||
			  proc_uid(a->worker_pid) != a->worker_uid || poll(&p, 1, 0) != 0))
		fd_close(&p.fd);
	return p.fd;
}

static int kill_and_wait(int pidfd)
{
	struct pollfd p = { .fd = pidfd, .events = POLLIN };

	(void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
	return poll(&p, 1, ADOPT_KILL_MS) == 1 ? 0 : -ETIMEDOUT;
}

/* Whoever else has the uid: it would hold up the device, or worse, serve it. */
static int kill_strays(const struct adopt_arg *a, const struct found *f, struct err *e)
{
	pid_t keep = f->pidfd >= 0 ? a->worker_pid : 0;

	for (pid_t pid = 0; a->worker_uid && (pid = proc_next_of_uid(a->worker_uid, pid)) != 0;) {
		int pidfd, rc;

		if (pid == keep)
			continue;
		pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
		if (pidfd < 0 || proc_uid(pid) != a->worker_uid) {
			fd_close(&pidfd);
			continue;
		}
		rc = kill_and_wait(pidfd);
		fd_close(&pidfd);
		if (rc < 0)
			return err_set(e, rc, "process %d with the worker's uid does not end although killed",
				       (int)pid);
	}
	return 0;
}

/* ---- the worker ------------------------------------------------------------------------------ */

/*
 * Is fd the file that the device was made with? It came from the worker: anything. An older vdused
 * recorded only the number of a disk: the worker has had that disk since then, so it is learnt
 * from there.
 */
static int to_path_fd(int fd, struct backing_info *info)
{
	struct backing_info now;
	char link[40];

	if (info->is_block && info->diskseq == 0 && backing_identify(fd, &now) == 0 && backing_same(&now, info)) {
		info->diskseq = now.diskseq;
		info->start = now.start;
	}
	if (!backing_is(fd, info))
		return -1;
	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	return open(link, O_PATH | O_CLOEXEC);
}

/* Starved or hung is judged as by the watchdog. 0 or a negative errno. */
static int wait_answer(const struct adopt_arg *a, int chan)
{
	long long due = now_ms() + ADOPT_ANSWER_MS;
	int rc = chan_wait(chan, ADOPT_ANSWER_MS);
	struct late late = { 0 };

	while (rc == -ETIMEDOUT && late.looks < ADOPT_LOOKS_MAX) {
		struct late_facts f = { .lag_ms = now_ms() - due };

		proc_sched(a->worker_pid, &f.now);
		if (late_judge(&late, &f) != LATE_AGAIN)
			break;
		due = now_ms() + LATE_LOOK_MS;
		rc = chan_wait(chan, LATE_LOOK_MS);
	}
	return rc;
}

static int ask(const struct adopt_arg *a, struct found *f, struct err *e)
{
	_Alignas(8) union work_any buf;
	const struct msg_rule *rule;
	struct work_plain m = { 0 };
	struct chan_msg got = { 0 };
	enum msg_verdict v;
	int rc;

	msg_init(&m, WORK_ADOPT, sizeof(m));
	rc = chan_send(f->chan, &m, sizeof(m), NULL, 0);
	if (rc == 0)
		rc = wait_answer(a, f->chan);
	if (rc == 0)
		rc = chan_recv(f->chan, &buf, sizeof(buf), true, &got);
	if (rc < 0)
		return err_set(e, rc, "it does not answer: %s", err_str(rc));
	v = msg_check(work_to_adopter, work_to_adopter_rows, &buf, got.len, got.truncated, got.nfds, WORK_A_ASKED,
		      &rule);
	if (v == MSG_OK && buf.adopted.generation == a->generation) {
		f->halted = buf.adopted.halted;
		f->file = a->no_file ? -1 : to_path_fd(got.fds[0], &f->info);
	} else {
		rc = err_set(e, -EPROTO, "it answered with a message %s",
			     v == MSG_OK ? "of another generation" : msg_verdict_text(v));
	}
	chan_msg_close(&got);
	if (rc == 0 && f->file < 0 && !a->no_file)
		rc = err_set(e, -EPROTO, "it gave back another file than it was given");
	return rc;
}

static int try_worker(const struct adopt_arg *a, struct found *f, struct err *e)
{
	int rc = jail_check_worker(a->worker_pid, a->worker_uid, e);

	if (rc < 0)
		return rc;
	f->chan = worker_sock_connect(a->dir, a->name, a->generation, e);
	return f->chan < 0 ? f->chan : ask(a, f, e);
}

/*
 * A worker that cannot be adopted makes room for the next generation, which goes on from the state
 * file.
 */
static int settle_worker(const struct adopt_arg *a, struct found *f, struct adopt_result *res, struct err *e)
{
	struct err why = { 0 };
	int rc;

	f->pidfd = open_worker(a);
	if (f->pidfd < 0) {
		(void)snprintf(res->why, sizeof(res->why), "its worker ended with the vdused before");
		return 0;
	}
	rc = try_worker(a, f, &why);
	/* with a worker that is not adopted this is left to the next hand-over */
	if (rc == 0 && a->timeout_short)
		rc = msg_timeout_restore(a->name, a->msg_timeout, &why);
	if (rc == 0)
		return 0;
	(void)snprintf(res->why, sizeof(res->why), "worker %d cannot be adopted: %.120s", (int)a->worker_pid, why.text);
	fd_close(&f->chan);
	fd_close(&f->file);
	rc = kill_and_wait(f->pidfd);
	fd_close(&f->pidfd);
	return rc < 0 ? err_set(e, rc, "%s, and does not end although killed", res->why) : 0;
}

/* ---- the file -------------------------------------------------------------------------------- */

/* Nobody asked for it: so it must be the very same. */
static int find_same(const struct adopt_arg *a, struct err *e)
{
	int fd = find_path(a->path, &a->owner, &a->info, e), rc;

	if (fd < 0)
		return fd;
	rc = backing_must_be(fd, &a->info, e);
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

/* ---- steps ----------------------------------------------------------------------------------- */

static void hand_back(const struct adopt_arg *a, const struct found *f, struct adopt_result *res,
		      struct helper_out *out)
{
	if (f->pidfd >= 0) {
		res->brings |= ADOPT_WORKER;
		out->fds[out->nfds++] = f->pidfd;
		out->fds[out->nfds++] = f->chan;
	}
	if (f->file >= 0) {
		res->brings |= ADOPT_FILE;
		out->fds[out->nfds++] = f->file;
	}
	res->pid = a->worker_pid;
	res->halted = f->halted;
	res->diskseq = f->info.diskseq;
	res->start = f->info.start;
	_Static_assert(sizeof(*res) <= HELPER_DATA, "fits a helper's result");
	memcpy(out->result->data, res, sizeof(*res));
}

static void add_file(const struct adopt_arg *a, struct found *f, struct adopt_result *res)
{
	struct err e = { 0 };

	f->file = find_same(a, &e);
	if (f->file < 0)
		(void)snprintf(res->why, sizeof(res->why), "%.190s", e.text);
}

int adopt_step(const void *arg, struct helper_out *out)
{
	const struct adopt_arg *a = arg;
	struct found f = { .pidfd = -1, .chan = -1, .file = -1, .info = a->info };
	struct adopt_result res = { 0 };
	struct err *e = &out->result->err;
	char path[96];
	int rc = settle_worker(a, &f, &res, e);

	if (rc == 0)
		rc = kill_strays(a, &f, e);
	if (rc < 0)
		return rc;
	(void)snprintf(path, sizeof(path), "/sys/class/vduse/%s", a->name);
	res.gone = f.pidfd < 0 && access(path, F_OK) != 0 && errno == ENOENT;
	if (f.file < 0 && !a->no_file)
		add_file(a, &f, &res);
	hand_back(a, &f, &res, out);
	return 0;
}
