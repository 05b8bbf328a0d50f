/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/outside.c - see layers.h: a sealed worker from outside. Runs as root, and as the
 * worker's uid in a child. Test code.
 */
#include "tests/jail/layers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/steps/jail_check.h"
#include "tests/jail/report.h"
#include "tests/jail/subject.h"

#define TEXT_SIZE 65536

static const char *proc_path(pid_t pid, const char *what)
{
	static char path[PATH_MAX];

	(void)snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, what);
	return path;
}

static const char *proc_text(pid_t pid, const char *what)
{
	static char text[TEXT_SIZE];

	return file_read(AT_FDCWD, proc_path(pid, what), text, sizeof(text)) < 0 ? "" : text;
}

static const char *proc_link(pid_t pid, const char *what)
{
	static char to[256];
	ssize_t n = readlink(proc_path(pid, what), to, sizeof(to) - 1);

	to[n > 0 ? n : 0] = '\0';
	return to;
}

/* ---- descriptors ---- */

static bool fd_is_right(int fd, const char *to)
{
	if (fd < 3)
		return strcmp(to, "/dev/null") == 0;
	if (fd == 3 || fd == SUBJECT_LISTEN_FD)
		return strncmp(to, "socket:[", 8) == 0;
	return fd >= SUBJECT_NOTIFY_FD && fd <= SUBJECT_NOTIFY_FD + (int)SUBJECT_QUEUES &&
	       strcmp(to, "anon_inode:[eventfd]") == 0;
}

static void descriptors(pid_t pid)
{
	DIR *d = opendir(proc_path(pid, "fd"));
	char wrong[600] = "", what[300];
	struct dirent *de;
	unsigned n = 0;

	while (d && (de = readdir(d))) {
		if (de->d_name[0] == '.')
			continue;
		n++;
		(void)snprintf(what, sizeof(what), "fd/%s", de->d_name);
		if (!fd_is_right(atoi(de->d_name), proc_link(pid, what)))
			(void)snprintf(wrong, sizeof(wrong), "%s is %s; ", what, proc_link(pid, what));
	}
	if (d)
		(void)closedir(d);
	report(n == SUBJECT_FDS && !wrong[0], "P10 the descriptors of a sealed worker", "%s%u of %u", wrong, n,
	       SUBJECT_FDS);
}

/* ---- what it can see ---- */

static void namespaces(pid_t pid)
{
	static const char *const kinds[] = { "mnt", "pid", "net", "ipc", "uts", "cgroup" };
	char ours[256], what[32], name[64];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		(void)snprintf(what, sizeof(what), "ns/%s", kinds[i]);
		(void)snprintf(ours, sizeof(ours), "%s", proc_link(getpid(), what));
		(void)snprintf(name, sizeof(name), "P4 a namespace of its own: %s", kinds[i]);
		report(ours[0] && proc_link(pid, what)[0] && strcmp(ours, proc_link(pid, what)) != 0, name, "%s",
		       proc_link(pid, what));
	}
}

static void root(pid_t pid)
{
	DIR *d = opendir(proc_path(pid, "root"));
	struct dirent *de;
	unsigned n = 0;
	const char *mounts;

	while (d && (de = readdir(d)))
		if (strcmp(de->d_name, ".") != 0 && strcmp(de->d_name, "..") != 0)
			n++;
	report(d && n == 0, "P1 the root is empty", "%u entries%s", n, d ? "" : ": cannot be opened");
	if (d)
		(void)closedir(d);
	mounts = proc_text(pid, "mountinfo");
	report(mounts[0] && !strchr(mounts, '\n') && strstr(mounts, " / / ro,nosuid,nodev,noexec,") &&
		       strstr(mounts, " - tmpfs vduse-empty ro"),
	       "P1 one mount, of nothing, read-only", "%s", mounts);
	report(strcmp(proc_link(pid, "cwd"), "/") == 0, "P1 its directory is that root", "%s", proc_link(pid, "cwd"));
}

/* ---- what it can become ---- */

static void attested(pid_t pid)
{
	struct err e = { 0 };
	int rc = jail_check_worker(pid, SUBJECT_UID, &e);

	report(rc == 0, "P10 vdused's own check passes it", "%s", rc ? e.text : "passed");
	rc = jail_check_worker(pid, SUBJECT_UID + 1, &e);
	report(rc != 0, "P10 vdused's own check refuses it as another's", "%s", rc ? e.text : "passed");
}

static void not_attested_unsealed(void)
{
	static const char name[] = "P10 vdused's own check refuses a worker that is not sealed";
	struct err e = { 0 };
	struct subject s;
	int rc = subject_start(&s, &e);

	if (rc == 0)
		rc = jail_check_worker(s.pid, SUBJECT_UID, &e);
	report(rc != 0 && strstr(e.text, "Seccomp"), name, "%s", rc ? e.text : "passed");
	subject_end(&s);
}

static bool has_line(const char *text, const char *line)
{
	const char *p = strstr(text, line);

	return p && (p == text || p[-1] == '\n') && (p[strlen(line)] == '\n' || p[strlen(line)] == '\0');
}

static void status(pid_t pid)
{
	const char *text = proc_text(pid, "status");
	char tasks[32];

	(void)snprintf(tasks, sizeof(tasks), "Threads:\t%u", SUBJECT_QUEUES + SUBJECT_SLOW + 1);
	report(has_line(text, tasks), "P2 one thread per queue, the slow ones and one more", "%s", tasks);
	report(has_line(text, "Seccomp_filters:\t1"), "P5 one filter", "and the kernel says so");
	/* bit 14: SIGTERM is for vdused to handle, also when a whole cgroup gets it */
	report(strstr(text, "SigIgn:\t0000000000004000") != NULL, "SIGTERM alone is ignored", "as SigIgn says");
}

static void limits(pid_t pid)
{
	static const struct {
		const char *name;
		__rlimit_resource_t what;
		rlim_t value;
	} want[] = {
		{ "P4 no core dump", RLIMIT_CORE, 0 },
		{ "P4 descriptors are limited", RLIMIT_NOFILE, 64 },
		{ "P2 tasks are limited", RLIMIT_NPROC, 64 },
		{ "P3 no message queues", RLIMIT_MSGQUEUE, 0 },
		{ "P4 pending signals are limited", RLIMIT_SIGPENDING, 64 },
		{ "P4 no real-time priority", RLIMIT_RTPRIO, 0 },
	};

	for (size_t i = 0; i < sizeof(want) / sizeof(want[0]); i++) {
		struct rlimit r = { 1, 1 };
		int rc = prlimit(pid, want[i].what, NULL, &r);

		report(rc == 0 && r.rlim_cur == want[i].value && r.rlim_max == want[i].value, want[i].name,
		       "%llu, %llu", (unsigned long long)r.rlim_cur, (unsigned long long)r.rlim_max);
	}
}

/* ---- memory ---- */

static void mappings(pid_t pid)
{
	char *text = strdup(proc_text(pid, "maps")), *save = NULL, bad[256] = "";
	unsigned executable = 0, n = 0;

	for (char *l = text ? strtok_r(text, "\n", &save) : NULL; l; l = strtok_r(NULL, "\n", &save)) {
		char prot[5] = "", path[200] = "";

		(void)sscanf(l, "%*s %4s %*s %*s %*s %199[^\n]", prot, path);
		n++;
		if (prot[1] == 'w' && prot[2] == 'x')
			(void)snprintf(bad, sizeof(bad), "%s", l);
		if (prot[2] == 'x' && path[0] != '[')
			executable++;
	}
	free(text);
	report(n > 0 && !bad[0], "P9 no mapping is writable and executable", "%s%u mappings", bad, n);
	report(executable == 1, "P9 one executable mapping: its own code", "%u", executable);
}

/* ---- a process of the same uid ---- */

struct meeting {
	const char *name;
	int (*attempt)(pid_t pid); /* 0 or a negative errno */
};

static int try_attach(pid_t pid)
{
	return ptrace(PTRACE_ATTACH, pid, NULL, NULL) == 0 ? 0 : -errno;
}

static int try_read(pid_t pid)
{
	char byte;
	struct iovec to = { &byte, 1 }, from = { (void *)0x1000, 1 };

	/* an address without memory: EFAULT would mean that we may */
	return process_vm_readv(pid, &to, 1, &from, 1, 0) >= 0 || errno == EFAULT ? 0 : -errno;
}

static int try_open(pid_t pid, const char *what)
{
	return open(proc_path(pid, what), O_RDONLY | O_CLOEXEC) >= 0 ? 0 : -errno;
}

static int try_mem(pid_t pid)
{
	return try_open(pid, "mem");
}

static int try_fd(pid_t pid)
{
	char to[64];

	return readlink(proc_path(pid, "fd/0"), to, sizeof(to)) >= 0 ? 0 : -errno;
}

static int try_root(pid_t pid)
{
	return try_open(pid, "root/");
}

static int try_getfd(pid_t pid)
{
	int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);

	return syscall(SYS_pidfd_getfd, pidfd, 0, 0) >= 0 ? 0 : -errno;
}

static const struct meeting meetings[] = {
	{ "ptrace", try_attach },   { "process_vm_readv", try_read }, { "/proc/PID/mem", try_mem },
	{ "/proc/PID/fd", try_fd }, { "/proc/PID/root", try_root },   { "pidfd_getfd", try_getfd },
};

static void become_worker_uid(void)
{
	if (setgroups(0, NULL) != 0 || setresgid(SUBJECT_UID, SUBJECT_UID, SUBJECT_UID) != 0 ||
	    setresuid(SUBJECT_UID, SUBJECT_UID, SUBJECT_UID) != 0)
		_exit(255);
}

/* In a child of the worker's uid. 0 or a negative errno. */
static int meet(const struct meeting *m, pid_t target)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		become_worker_uid();
		_exit(-m->attempt(target) & 0xff);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status))
		return -ECHILD;
	return -WEXITSTATUS(status);
}

/* An ordinary process of that uid, to see that the attempts can work. */
static pid_t ordinary(void)
{
	int ready[2] = { -1, -1 };
	char byte = 0;
	pid_t child = pipe2(ready, O_CLOEXEC) == 0 ? fork() : -1;

	if (child == 0) {
		become_worker_uid();
		(void)prctl(PR_SET_DUMPABLE, 1);
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
		(void)prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
		(void)!write(ready[1], &byte, 1);
		(void)pause();
		_exit(0);
	}
	(void)!read(ready[0], &byte, 1);
	(void)close(ready[0]);
	(void)close(ready[1]);
	return child;
}

static void same_uid(pid_t pid)
{
	char name[96];

	for (size_t i = 0; i < sizeof(meetings) / sizeof(meetings[0]); i++) {
		pid_t plain = ordinary();
		int with_plain = meet(&meetings[i], plain), with_worker = meet(&meetings[i], pid);

		(void)snprintf(name, sizeof(name), "P4 of the same uid, refused: %s", meetings[i].name);
		report(with_plain == 0 && (with_worker == -EPERM || with_worker == -EACCES), name,
		       "worker: %s; an ordinary process: %s", err_str(with_worker),
		       with_plain ? err_str(with_plain) : "may");
		(void)kill(plain, SIGKILL);
		(void)waitpid(plain, NULL, 0);
	}
}

static void dumpable(pid_t pid)
{
	struct stat st = { .st_uid = SUBJECT_UID };
	int rc = stat(proc_path(pid, "mem"), &st);

	report(rc == 0 && st.st_uid == 0, "P4 not dumpable: /proc/PID/mem is root's", "uid %u", st.st_uid);
}

void layers_outside(void)
{
	struct err e = { 0 };
	struct subject s;
	int rc;

	if (!report_wanted("outside"))
		return;
	rc = subject_start(&s, &e);
	if (rc == 0)
		rc = subject_seal(&s, &e);
	if (rc == 0) {
		descriptors(s.pid);
		attested(s.pid);
		namespaces(s.pid);
		root(s.pid);
		status(s.pid);
		limits(s.pid);
		mappings(s.pid);
		dumpable(s.pid);
		same_uid(s.pid);
	} else {
		report(false, "outside", "%s", e.text);
	}
	subject_end(&s);
	not_attested_unsealed();
}
