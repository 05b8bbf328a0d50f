/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/guest.c - what tests/jail/needed does to a worker that serves a disk, and no program
 * of the guest can. Runs as root in the VM, which is thrown away. Test code.
 *   guest rows            the rows of the worker's table: number, call, its number, reason
 *   guest kick PID N      kick queue N, as a hostile driver could that does not use it
 *   guest touch PID       make PID read the driver's memory where there is none, as a hostile
 *                         driver could, and go on
 *   guest collide PID     kill PID, wait for the worker that follows it, and see to it that two of
 *                         its queue threads
 *                         miss the same region of the driver's memory: 0 when they did
 *   guest greet PATH      connect to the socket of a worker without a vdused, say what is no
 *                         message, and wait until it
 *                         hangs up: 0 when it did
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <linux/vduse.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "worker/jail/syscalls.h"

#define TEXT_SIZE (1U << 20)
#define PATIENCE_MS 10000
#define SYSCALL_STOP (SIGTRAP | 0x80)
#define LOAD "\x48\x8b\x07" /* mov (%rdi),%rax */

static int usage(void)
{
	(void)fprintf(stderr, "usage: guest rows | kick PID N | touch PID | collide PID | greet PATH\n");
	return 2;
}

static int die(const char *what)
{
	(void)fprintf(stderr, "guest: %s: %s\n", what, strerror(errno));
	return 1;
}

/* ---- rows ---- */

static int rows(void)
{
	for (size_t i = 0; i < worker_syscalls_rows; i++) {
		char *name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, worker_syscalls[i].nr);

		(void)printf("%zu %s %d %s\n", i, name ? name : "?", worker_syscalls[i].nr, worker_syscalls[i].reason);
		free(name);
	}
	return 0;
}

/* ---- kick ---- */

static int kick(pid_t pid, int queue)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	int fd = (int)syscall(SYS_pidfd_getfd, pidfd, FD_KICKS + queue, 0);
	uint64_t one = 1;

	return write(fd, &one, sizeof(one)) == sizeof(one) ? 0 : die("the queue's eventfd");
}

/* ---- greet ---- */

static int greet(const char *path)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	struct pollfd p = { .events = POLLIN };
	char c;

	(void)snprintf(sa.sun_path, sizeof(sa.sun_path), "%s", path);
	p.fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	if (p.fd < 0 || connect(p.fd, (struct sockaddr *)&sa, sizeof(sa)) != 0 || send(p.fd, "hello", 5, 0) != 5)
		return die(path);
	if (poll(&p, 1, PATIENCE_MS) != 1)
		return die("the worker's answer");
	return recv(p.fd, &c, 1, 0) <= 0 ? 0 : die("the worker answers a greeting");
}

/* ---- touch ---- */

/* First mapping of PID with these rights and this text, of a file. */
static bool mapping(pid_t pid, const char *rights, const char *what, uint64_t *start, uint64_t *end)
{
	static char text[TEXT_SIZE];
	char path[64], *save = NULL;

	(void)snprintf(path, sizeof(path), "/proc/%d/maps", (int)pid);
	if (file_read(AT_FDCWD, path, text, sizeof(text)) < 0)
		return false;
	for (char *l = strtok_r(text, "\n", &save); l; l = strtok_r(NULL, "\n", &save))
		if (strstr(l, rights) && strstr(l, what) && sscanf(l, "%lx-%lx", start, end) == 2)
			return true;
	return false;
}

/* An instruction of its own code that reads from where rdi points, or 0. */
static uint64_t find_load(pid_t pid)
{
	static unsigned char code[TEXT_SIZE];
	uint64_t start, end;
	unsigned char *at;
	char path[64];
	ssize_t n;
	int fd;

	(void)snprintf(path, sizeof(path), "/proc/%d/mem", (int)pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0 || !mapping(pid, " r-xp ", "/", &start, &end))
		return 0;
	n = pread(fd, code, end - start < sizeof(code) ? end - start : sizeof(code), (off_t)start);
	(void)close(fd);
	at = n > 0 ? memmem(code, (size_t)n, LOAD, sizeof(LOAD) - 1) : NULL;
	return at ? start + (uint64_t)(at - code) : 0;
}

/* Resume and wait for the next stop: its signal, or 0 when the process is gone. */
static int resume(pid_t pid, enum __ptrace_request request, int sig)
{
	int status;

	if (ptrace(request, pid, NULL, (void *)(long)sig) != 0 || waitpid(pid, &status, __WALL) != pid ||
	    !WIFSTOPPED(status))
		return 0;
	return WSTOPSIG(status);
}

/* From the fault through its handler and back. False when the process died. */
static bool through_handler(pid_t pid)
{
	struct user_regs_struct r;
	int sig = resume(pid, PTRACE_SYSCALL, SIGBUS);

	while (sig == SYSCALL_STOP && ptrace(PTRACE_GETREGS, pid, NULL, &r) == 0) {
		bool end = r.orig_rax == SYS_rt_sigreturn;

		(void)printf("guest: the handler makes call %llu\n", r.orig_rax);
		sig = resume(pid, PTRACE_SYSCALL, 0);
		if (end || sig != SYSCALL_STOP)
			return sig == SYSCALL_STOP;
		sig = resume(pid, PTRACE_SYSCALL, 0);
	}
	return false;
}

static int seize(pid_t tid)
{
	int status;

	if (ptrace(PTRACE_SEIZE, tid, NULL, (void *)PTRACE_O_TRACESYSGOOD) != 0 ||
	    ptrace(PTRACE_INTERRUPT, tid, NULL, NULL) != 0)
		return -errno;
	return waitpid(tid, &status, __WALL) == tid && WIFSTOPPED(status) ? 0 : -ECHILD;
}

/* The main thread, which sleeps in poll(): after this its poll() was interrupted. */
static int touch(pid_t pid)
{
	struct user_regs_struct old, r;
	uint64_t start, end, load = find_load(pid);
	int sig;

	if (load == 0 || !mapping(pid, " rw-s ", "[vduse-domain]", &start, &end))
		return die("the worker's code or the driver's memory");
	if (seize(pid) != 0 || ptrace(PTRACE_GETREGS, pid, NULL, &old) != 0)
		return die("ptrace");
	r = old;
	r.rip = load;
	r.rdi = start;
	r.orig_rax = (unsigned long long)-1;
	r.rsp = (r.rsp - 4096) & ~0xfULL;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &r) != 0)
		return die("ptrace");
	sig = resume(pid, PTRACE_SINGLESTEP, 0);
	if (sig != SIGBUS) {
		(void)fprintf(stderr, "guest: no SIGBUS, but signal %d\n", sig);
		return 1;
	}
	if (!through_handler(pid)) {
		(void)fprintf(stderr, "guest: the worker died of it\n");
		return 3;
	}
	old.rax = (unsigned long long)-EINTR;
	old.orig_rax = (unsigned long long)-1;
	if (ptrace(PTRACE_SETREGS, pid, NULL, &old) != 0 || ptrace(PTRACE_DETACH, pid, NULL, NULL) != 0)
		return die("ptrace");
	return 0;
}

/* ---- collide ---- */

static unsigned threads(pid_t pid)
{
	struct stat st;
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	return stat(path, &st) == 0 ? (unsigned)st.st_nlink - 2 : 0;
}

/* By its uid: vdused's range begins at 2000000000. */
static bool is_worker(pid_t pid)
{
	char path[64], text[4096];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	return file_read(AT_FDCWD, path, text, sizeof(text)) > 0 && strstr(text, "\nUid:\t200000") != NULL;
}

/* With as many threads as the old one: it has them all when it closes its jail. */
static pid_t next_worker(pid_t old, unsigned count)
{
	DIR *d = opendir("/proc");
	struct dirent *de;
	pid_t found = 0;

	while (d && (de = readdir(d)) && found == 0) {
		pid_t pid = (pid_t)atoi(de->d_name);

		if (pid > 0 && pid != old && threads(pid) == count && is_worker(pid))
			found = pid;
	}
	if (d)
		(void)closedir(d);
	return found;
}

/* All threads but the main one. How many. */
static unsigned seize_queues(pid_t pid)
{
	struct dirent *de;
	unsigned n = 0;
	char path[64];
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && (de = readdir(d))) {
		pid_t tid = (pid_t)atoi(de->d_name);

		if (tid > 0 && tid != pid && seize(tid) == 0 && ptrace(PTRACE_SYSCALL, tid, NULL, NULL) == 0)
			n++;
	}
	if (d)
		(void)closedir(d);
	return n;
}

enum seen { SEEN_OTHER, SEEN_LOOKUP, SEEN_WAIT };

/* What the stopped thread is about to do. */
static enum seen look(pid_t tid)
{
	struct __ptrace_syscall_info i = { 0 };

	if (ptrace(PTRACE_GET_SYSCALL_INFO, tid, (void *)sizeof(i), &i) <= 0 || i.op != PTRACE_SYSCALL_INFO_ENTRY)
		return SEEN_OTHER;
	if (i.entry.nr == SYS_ioctl && i.entry.args[1] == VDUSE_IOTLB_GET_FD)
		return SEEN_LOOKUP;
	return i.entry.nr == SYS_futex && i.entry.args[1] == FUTEX_WAIT_PRIVATE ? SEEN_WAIT : SEEN_OTHER;
}

static void on_alarm(int sig)
{
	(void)sig;
}

/* Keep the one that holds the lock until another waits for it. Our end lets them all go. */
static int watch(void)
{
	struct sigaction sa = { .sa_handler = on_alarm };
	pid_t holder = 0, tid;
	int status;

	(void)sigaction(SIGALRM, &sa, NULL);
	(void)alarm(2);
	while ((tid = waitpid(-1, &status, __WALL)) > 0) {
		enum seen s = WIFSTOPPED(status) && WSTOPSIG(status) == SYSCALL_STOP ? look(tid) : SEEN_OTHER;

		if (!WIFSTOPPED(status))
			continue;
		if (s == SEEN_LOOKUP && holder == 0) {
			holder = tid;
			continue;
		}
		(void)ptrace(PTRACE_SYSCALL, tid, NULL, NULL);
		if (s != SEEN_WAIT)
			continue;
		(void)usleep(50000); /* let it fall asleep */
		return 0;
	}
	(void)fprintf(stderr, "guest: %s\n", holder ? "nobody else needed the region" : "nobody looked for a region");
	return 1;
}

static int collide(pid_t old)
{
	long long end = now_ms() + PATIENCE_MS;
	unsigned count = threads(old);
	pid_t pid = 0;

	if (count == 0 || kill(old, SIGKILL) != 0)
		return die("the worker to be killed");
	while (pid == 0 && now_ms() < end)
		pid = next_worker(old, count);
	if (pid == 0)
		return die("there is no next worker");
	(void)printf("guest: %u queue threads of %d\n", seize_queues(pid), (int)pid);
	return watch();
}

int main(int argc, char **argv)
{
	pid_t pid = argc > 2 ? (pid_t)atoi(argv[2]) : 0;

	if (argc == 2 && strcmp(argv[1], "rows") == 0)
		return rows();
	if (argc == 3 && strcmp(argv[1], "greet") == 0)
		return greet(argv[2]);
	if (argc == 4 && pid > 0 && strcmp(argv[1], "kick") == 0)
		return kick(pid, atoi(argv[3]));
	if (argc != 3 || pid <= 0)
		return usage();
	if (strcmp(argv[1], "touch") == 0)
		return touch(pid);
	return strcmp(argv[1], "collide") == 0 ? collide(pid) : usage();
}
