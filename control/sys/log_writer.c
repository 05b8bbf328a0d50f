/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/log_writer.c - see log_writer.h. One half runs in vdused's main process and, as far
 * as lines are counted, in its helpers; the other is the writer. The bytes are our own lines, made
 * printable where they were made.
 */
#include "control/sys/log_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/sys/caps.h"
#include "control/sys/syscalls.h"

#define WRITER_SOCK 3
#define ABOVE 16 /* where standard error as we found it is kept */
#define ORPHAN_S 5 /* how long a writer that is stuck outlives vdused */

static int target = -1; /* standard error as we found it */
static pid_t main_pid, writer_pid;
static _Atomic unsigned *lost; /* lines, in memory that vdused, helpers and writer share */

/* ---- the writer ------------------------------------------------------------------------------ */

static void on_orphaned(int sig)
{
	(void)sig;
	(void)alarm(ORPHAN_S);
}

static int writer_signals(void)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ };
	struct sigaction orphaned = { .sa_handler = on_orphaned, .sa_flags = SA_RESTART };
	sigset_t none;

	for (size_t i = 0; i < sizeof(ignored) / sizeof(ignored[0]); i++)
		(void)signal(ignored[i], SIG_IGN);
	(void)signal(SIGALRM, SIG_DFL);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (sigaction(SIGUSR1, &orphaned, NULL) != 0 || prctl(PR_SET_PDEATHSIG, SIGUSR1) != 0)
		return -errno;
	if (getppid() != main_pid)
		on_orphaned(SIGUSR1);
	return 0;
}

/* Whoever shares the description may have made it non-blocking. False: it does not take this. */
static bool put(const char *bytes, size_t n)
{
	struct pollfd p = { .fd = STDERR_FILENO, .events = POLLOUT };

	while (n > 0) {
		ssize_t done = write(STDERR_FILENO, bytes, n);

		if (done < 0 && errno == EAGAIN)
			(void)poll(&p, 1, -1);
		else if (done < 0 && errno != EINTR)
			return false;
		else if (done > 0) {
			bytes += done;
			n -= (size_t)done;
		}
	}
	return true;
}

static void tell_lost(void)
{
	unsigned n = atomic_exchange(lost, 0);

	if (n)
		log_warn("lines of this log lost here, as they were not taken in time: %u", n);
}

static void __attribute__((noreturn)) writer_run(int sock)
{
	struct rlimit any = { .rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY };
	char line[LOG_LINE_SIZE];
	struct err e = { 0 };
	ssize_t n;

	log_on_failure(NULL);
	(void)setrlimit(RLIMIT_FSIZE, &any); /* vdused lifts its own limits later */
	if (dup2(target, STDERR_FILENO) < 0 || dup2(sock, WRITER_SOCK) < 0 ||
	    syscall(SYS_close_range, WRITER_SOCK + 1, ~0U, 0) != 0 || writer_signals() < 0)
		_exit(1);
	(void)prctl(PR_SET_NAME, "vdused-log");
	if (caps_helper(0, &e) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || syscalls_confine(&e) < 0)
		_exit(1);
	for (;;) {
		n = recv(WRITER_SOCK, line, sizeof(line), MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN) {
			tell_lost();
			n = recv(WRITER_SOCK, line, sizeof(line), 0);
		}
		if (n == 0)
			break;
		if (n > 0 && !put(line, (size_t)n))
			(void)atomic_fetch_add(lost, 1);
	}
	tell_lost();
	_exit(0);
}

/* ---- vdused ---------------------------------------------------------------------------------- */

static int start(void)
{
	int sv[2], rc = 0;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) != 0)
		return -errno;
	if (fcntl(sv[0], F_SETFL, O_NONBLOCK) != 0)
		rc = -errno;
	writer_pid = rc < 0 ? -1 : fork();
	if (writer_pid == 0)
		writer_run(sv[1]);
	if (writer_pid < 0 || dup2(sv[0], STDERR_FILENO) < 0)
		rc = rc < 0 ? rc : -errno;
	fd_close(&sv[0]);
	fd_close(&sv[1]);
	return rc;
}

/* A line did not go out; in a helper, only vdused itself can help that it has no writer. */
static void on_failure(int code)
{
	(void)atomic_fetch_add(lost, 1);
	if ((code != EPIPE && code != ECONNRESET) || getpid() != main_pid)
		return;
	if (writer_pid > 0 && waitpid(writer_pid, NULL, WNOHANG) == 0)
		return; /* it is not quite gone: the next line tries */
	writer_pid = -1;
	(void)start();
}

int log_writer_start(struct err *e)
{
	int rc = 0;

	lost = mmap(NULL, sizeof(*lost), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (lost == MAP_FAILED)
		return err_set(e, -errno, "no memory for the log writer: %s", err_str(-errno));
	main_pid = getpid();
	target = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, ABOVE);
	rc = target < 0 ? -errno : start();
	if (rc < 0)
		return err_set(e, rc, "cannot start the log writer: %s", err_str(rc));
	log_on_failure(on_failure);
	return 0;
}

void log_writer_end(void)
{
	struct pollfd p = { .fd = -1, .events = POLLIN };

	if (writer_pid <= 0)
		return;
	p.fd = (int)syscall(SYS_pidfd_open, writer_pid, 0);
	log_on_failure(NULL);
	(void)shutdown(STDERR_FILENO, SHUT_WR); /* helpers that remain have it open, too */
	if (p.fd >= 0)
		(void)poll(&p, 1, LOG_END_MS);
	fd_close(&p.fd);
}
