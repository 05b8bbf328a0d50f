/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/spawn.c - see spawn.h. Runs in the spawn helper, and in the worker's process up to
 * execve(): our own code on our own arguments; no byte of a tenant is seen here.
 *
 * Order (each step only takes away):
 *   helper:  open the binary; leaf cgroup; unshare namespaces; empty read-only root; clone the
 *            worker into the cgroup
 *   worker:  cgroup namespace, fds, rlimits, bounding set, securebits, ids, capabilities,
 *            no_new_privs, execveat
 */
#include "control/steps/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/steps/worker_limits.h"
#include "control/sys/caps.h"

#define WORKER_CHANNEL 3
#define WORKER_LISTENER 24

struct failure { /* what the worker's process says when it cannot get to execve() */
	int32_t code;
	char what[40];
};

static int open_binary(const char *path, struct err *e)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	if (fd < 0)
		return err_set(e, -errno, "worker binary %s: %s: install it, or name it with vdused --worker", path,
			       err_str(-errno));
	if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode) || st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH))) {
		fd_close(&fd);
		return err_set(
			e, -EPERM,
			"worker binary %s: must be a regular file that only root can write: chown root, chmod go-w",
			path);
	}
	return fd;
}

/*
 * An empty root: nothing to open, nothing to execute, nowhere to write. Until it is there we have a
 * copy of every mount, and whose disk is unmounted meanwhile must not stay in use by it: so the
 * copies go with what they are copies of (MS_SLAVE), and where mounts are not shared "delete" looks
 * again (control/ops/delete.c).
 */
static int empty_root(const char *dir)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_SLAVE, NULL) != 0)
		return -errno;
	if (mount("vduse-empty", dir, "tmpfs", MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME,
		  "mode=0555,nr_inodes=2,size=4k") != 0)
		return -errno;
	if (chdir(dir) != 0 || syscall(SYS_pivot_root, ".", ".") != 0)
		return -errno;
	if (umount2(".", MNT_DETACH) != 0 || chdir("/") != 0)
		return -errno;
	if (mount(NULL, "/", NULL, MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_NOATIME,
		  "mode=0555,nr_inodes=2,size=4k") != 0)
		return -errno;
	return 0;
}

/* ---- in the worker's process ----------------------------------------------------------------- */

static int child_fds(int null, int binary, int report)
{
	for (int fd = 0; fd < 3; fd++)
		if (dup2(null, fd) < 0)
			return -errno;
	if (dup2(HELPER_FD, WORKER_CHANNEL) < 0 || dup2(HELPER_FD + 1, WORKER_LISTENER) < 0)
		return -errno;
	/* binary and report are above all these (jail_spawn moved them there) and close on exec */
	if (syscall(SYS_close_range, WORKER_CHANNEL + 1, WORKER_LISTENER - 1, 0) != 0 ||
	    syscall(SYS_close_range, WORKER_LISTENER + 1, binary - 1, 0) != 0 ||
	    syscall(SYS_close_range, report + 1, ~0U, 0) != 0)
		return -errno;
	return 0;
}

static int child_limits(uint64_t file_size)
{
	int rc = worker_limits_set(file_size);

	/*
	 * Memory reclaim may wait for the disk that this process serves: it must not wait for
	 * reclaim.
	 */
	if (rc == 0 && prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) != 0)
		rc = -errno;
	return rc;
}

static int child_bounding(void)
{
	for (unsigned c = 0; c <= 63; c++)
		if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) != 0) {
			if (errno == EINVAL && c > CAP_LAST_CAP)
				break; /* past the last one this kernel has */
			return -errno;
		}
	if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
					     SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
					     SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) != 0)
		return -errno;
	return 0;
}

static int child_ids(uint32_t uid)
{
	struct __user_cap_header_struct h = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (setgroups(0, NULL) != 0 || setresgid(uid, uid, uid) != 0 || setresuid(uid, uid, uid) != 0)
		return -errno;
	if (syscall(SYS_capset, &h, none) != 0)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return -errno;
	return 0;
}

static void __attribute__((noreturn)) give_up(int report, int code, const char *what)
{
	struct failure f = { .code = code };

	strncpy(f.what, what, sizeof(f.what) - 1);
	(void)!write(report, &f, sizeof(f));
	_exit(1);
}

static void __attribute__((noreturn)) child_main(int null, int binary, int report, const struct jail_arg *a)
{
	static char name[] = "vduse-worker";
	char *argv[] = { name, NULL };
	char *envp[] = { NULL };
	int rc;

	(void)umask(077);
	(void)setsid();
	(void)signal(SIGPIPE, SIG_DFL);
	if (unshare(CLONE_NEWCGROUP) != 0) /* only now: its root is the cgroup we are in */
		give_up(report, -errno, "making a cgroup namespace");
	rc = child_fds(null, binary, report);
	if (rc < 0)
		give_up(report, rc, "arranging descriptors");
	rc = child_limits(a->file_size);
	if (rc < 0)
		give_up(report, rc, "setting resource limits");
	rc = child_bounding();
	if (rc < 0)
		give_up(report, rc, "emptying the bounding set");
	rc = child_ids(a->uid);
	if (rc < 0)
		give_up(report, rc, "changing to its own uid");
	(void)syscall(SYS_execveat, binary, "", argv, envp, AT_EMPTY_PATH);
	give_up(report, -errno, "executing the worker");
}

/* ---- in the helper --------------------------------------------------------------------------- */

static int wait_exec(int report, struct err *e)
{
	struct failure f;
	ssize_t n = read(report, &f, sizeof(f));

	if (n == 0)
		return 0; /* closed by execve() */
	if (n != (ssize_t)sizeof(f))
		return err_set(e, -EIO, "the worker died before it was executed");
	f.what[sizeof(f.what) - 1] = '\0';
	return err_set(e, f.code, "%s: %s", f.what, err_str(f.code));
}

static int clone_worker(int null, int binary, int report, int cgroup, const struct jail_arg *a, struct helper_out *out)
{
	int pidfd = -1;
	struct clone_args ca = {
		.flags = (unsigned)CLONE_PARENT | (unsigned)CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)&pidfd,
	};
	struct jail_result res = { 0 };
	long pid;

	if (cgroup >= 0) {
		ca.flags |= CLONE_INTO_CGROUP;
		ca.cgroup = (unsigned)cgroup;
	}
	pid = syscall(SYS_clone3, &ca, sizeof(ca));
	if (pid < 0)
		return -errno;
	if (pid == 0)
		child_main(null, binary, report, a);
	res.pid = (int32_t)pid;
	res.no_cgroup = cgroup < 0;
	memcpy(out->result->data, &res, sizeof(res));
	out->fds[out->nfds++] = pidfd;
	return 0;
}

int jail_spawn(const void *arg, struct helper_out *out)
{
	const struct jail_arg *a = arg;
	struct err *e = &out->result->err;
	int null, binary, cgroup, pipe_fd[2], rc;

	binary = open_binary(a->binary, e);
	if (binary < 0)
		return binary;
	cgroup = cgroup_make(a->name, &a->limits, e);
	if (cgroup < 0 && cgroup != -ENOSYS)
		return cgroup;
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	/*
	 * close_range() in the child wants binary and report next to each other, above everything
	 * else
	 */
	binary = fcntl(binary, F_DUPFD_CLOEXEC, 32);
	if (null < 0 || binary < 0 || pipe2(pipe_fd, O_CLOEXEC) != 0 || dup3(pipe_fd[1], binary + 1, O_CLOEXEC) < 0)
		return err_set(e, -errno, "preparing descriptors: %s", err_str(-errno));
	fd_close(&pipe_fd[1]);
	if (unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) != 0)
		return err_set(e, -errno, "making namespaces: %s", err_str(-errno));
	rc = empty_root(a->empty_root);
	if (rc < 0)
		return err_set(e, rc, "making an empty root over %s: %s", a->empty_root, err_str(rc));
	rc = clone_worker(null, binary, binary + 1, cgroup, a, out);
	if (rc < 0)
		return err_set(e, rc, "starting a process: %s", err_str(rc));
	(void)close(binary + 1);
	return wait_exec(pipe_fd[0], e);
}
