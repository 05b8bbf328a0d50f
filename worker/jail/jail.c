/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/jail/jail.c - see jail.h. Main thread of vduse-worker, before it has seen a hostile byte.
 */
#include "worker/jail/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/fd.h"
#include "worker/jail/syscalls.h"

/* Newer than Debian 12's headers. */
#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#define PR_MDWE_REFUSE_EXEC_GAIN 1
#endif

/* Landlock, by number: the headers know ABI 2, kernels 6 and more. */
#define LL_CREATE_RULESET_VERSION 1U
#define LL_FS_ABI1 0x1fffULL /* execute to make_sym */
#define LL_FS_REFER 0x2000ULL /* ABI 2 */
#define LL_FS_TRUNCATE 0x4000ULL /* ABI 3 */
#define LL_FS_IOCTL_DEV 0x8000ULL /* ABI 5 */
#define LL_NET_TCP 0x3ULL /* ABI 4: bind, connect */
#define LL_SCOPE_ALL 0x3ULL /* ABI 6: abstract sockets, signals */

struct ll_ruleset_attr {
	uint64_t fs, net, scoped;
};

/* Everything a ruleset of this ABI can deny, and the size of its struct. */
static size_t ruleset_for(long abi, struct ll_ruleset_attr *a)
{
	*a = (struct ll_ruleset_attr){ .fs = LL_FS_ABI1 };
	if (abi >= 2)
		a->fs |= LL_FS_REFER;
	if (abi >= 3)
		a->fs |= LL_FS_TRUNCATE;
	if (abi >= 5)
		a->fs |= LL_FS_IOCTL_DEV;
	if (abi >= 4)
		a->net = LL_NET_TCP;
	if (abi >= 6)
		a->scoped = LL_SCOPE_ALL;
	return abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
}

/*
 * Deny all paths: nothing is added to the ruleset. Descriptors that are passed to us keep working.
 */
static int landlock(void)
{
	struct ll_ruleset_attr attr;
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LL_CREATE_RULESET_VERSION);
	size_t size;
	int fd, rc;

	if (abi < 0)
		return errno == ENOSYS || errno == EOPNOTSUPP ? 0 : -errno;
	size = ruleset_for(abi, &attr);
	fd = (int)syscall(SYS_landlock_create_ruleset, &attr, size, 0);
	if (fd < 0)
		return -errno;
	rc = syscall(SYS_landlock_restrict_self, fd, 0) < 0 ? -errno : 0;
	fd_close(&fd);
	return rc;
}

static int reserve_numbers(void)
{
	for (int want = FD_DEVICE; want <= FD_TRANSIENT; want++) {
		int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

		if (fd < 0)
			return -errno;
		if (fd != want)
			return -EBUSY;
	}
	return 0;
}

/*
 * Our command line is the one thing that anybody may read out of our memory, and a process that
 * reads it keeps that memory until it has its copy: for ever, if that goes to a FUSE mount of its
 * own. The next worker would wait for that process (control/sys/fence.h). So it is made empty. The
 * other numbers are only shown, but for the end of the heap, which stays where it is. Where the
 * kernel cannot do it (no CONFIG_CHECKPOINT_RESTORE) all is left as it was.
 */
static int hide_arguments(void)
{
	uintptr_t here = (uintptr_t)__builtin_frame_address(0), heap = (uintptr_t)sbrk(0);
	struct prctl_mm_map m = {
		.start_code = here - 1, /* must be below the next */
		.end_code = here,
		.start_data = heap - 1,
		.end_data = heap - 1, /* some kernels want it below the heap */
		.start_brk = heap,
		.brk = heap,
		.start_stack = here,
		.arg_start = here,
		.arg_end = here,
		.env_start = here,
		.env_end = here,
		.exe_fd = (uint32_t)-1,
	};

	if (prctl(PR_SET_MM, PR_SET_MM_MAP, &m, sizeof(m), 0) == 0 || errno == EINVAL || errno == EPERM)
		return 0;
	return -errno;
}

int jail_early(void)
{
	struct sigaction ignore = { .sa_handler = SIG_IGN };
	int rc;

	if (prctl(PR_SET_DUMPABLE, 0) < 0 || sigaction(SIGTERM, &ignore, NULL) < 0)
		return -errno;
	if (prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) < 0 && errno != EINVAL)
		return -errno;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	rc = hide_arguments();
	if (rc == 0)
		rc = landlock();
	return rc < 0 ? rc : reserve_numbers();
}

int jail_seal(void)
{
	for (int fd = FD_DEVICE; fd <= FD_TRANSIENT; fd++)
		if (close(fd) < 0)
			return -errno;
	return seccomp_enter(worker_syscalls, worker_syscalls_rows);
}
