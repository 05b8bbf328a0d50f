/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/syscalls.c - see syscalls.h. What vdused, its helpers and the start of a worker need
 * of the kernel, and nothing else: no ptrace, bpf, io_uring, userfaultfd, modules, keys, perf,
 * other sockets than unix and netlink.
 *
 * Refused calls fail with EPERM instead of killing: a libc that starts to use another call must not
 * take down what manages everybody's disks. Workers get KILL_PROCESS from their own filter, and the
 * stricter answer counts.
 */
#include "control/sys/syscalls.h"

#include <errno.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/socket.h>

#define ANY(call, why)                                                                                                 \
	{                                                                                                              \
		SCMP_SYS(call), why                                                                                    \
	}

/* clang-format off */
static const struct {
	int nr;
	const char *why;
} allowed[] = {
	/* the event loop */
	ANY(epoll_create1, "libevent"), ANY(epoll_ctl, "libevent"), ANY(epoll_wait, "libevent"), ANY(epoll_pwait, "libevent"),
	ANY(clock_gettime, "deadlines"), ANY(gettimeofday, "libevent"), ANY(time, "libc"), ANY(rt_sigaction, "signals"),
	ANY(rt_sigprocmask, "signals"), ANY(rt_sigreturn, "signals"), ANY(sigaltstack, "libc"), ANY(restart_syscall, "stopped and continued"),
	/* connections, channels, netlink; sockets are below */
	ANY(socketpair, "channels"), ANY(accept4, "clients"), ANY(bind, "netlink"), ANY(connect, "systemd, workers of an earlier vdused"),
	ANY(getsockname, "libnl"), ANY(getsockopt, "who is it"), ANY(setsockopt, "libnl"), ANY(sendmsg, "messages"),
	ANY(recvmsg, "messages"), ANY(sendto, "sd_notify"), ANY(recvfrom, "libnl"), ANY(listen, "the control socket"),
	ANY(shutdown, "libc"), ANY(poll, "waiting with a bound"), ANY(ppoll, "the same"), ANY(select, "the same"),
	/* files: sysfs, the runtime directory, /proc; backing files in helpers */
	ANY(openat, "files"), ANY(openat2, "backing files, found again"), ANY(open, "the same"), ANY(close, "files"), ANY(close_range, "helpers"), ANY(read, "files"),
	ANY(write, "files"), ANY(pread64, "counters"), ANY(lseek, "directories"), ANY(fstat, "files"), ANY(newfstatat, "files"),
	ANY(stat, "files"), ANY(lstat, "files"), ANY(statx, "direct I/O alignment"), ANY(statfs, "cgroup v2?"),
	ANY(fstatfs, "allowed file systems"), ANY(access, "is it there"), ANY(faccessat, "the same"), ANY(faccessat2, "the same"),
	ANY(readlink, "names of files"), ANY(readlinkat, "the same"), ANY(getdents64, "directories"), ANY(mkdir, "cgroups"),
	ANY(mkdirat, "the same"), ANY(rmdir, "cgroups"), ANY(unlink, "state files"), ANY(unlinkat, "the same"),
	ANY(rename, "state files"), ANY(renameat, "the same"), ANY(renameat2, "the same"), ANY(ftruncate, "state files"),
	ANY(fallocate, "state files"), ANY(fsync, "state files"), ANY(fcntl, "locks (one vdused only), flags"),
	ANY(ioctl, "VDUSE, block device sizes"), ANY(dup, "descriptors"), ANY(dup2, "helpers"), ANY(dup3, "helpers"),
	ANY(pipe2, "helpers"), ANY(umask, "modes"), ANY(chmod, "vhost nodes"), ANY(fchmod, "the same"), ANY(fchmodat, "the same"),
	ANY(fchown, "vhost nodes"), ANY(fchownat, "the same"),
	/* helpers and workers: processes, ids, namespaces */
	ANY(clone, "fork"), ANY(clone3, "fork; workers into their cgroup"), ANY(fork, "libc"), ANY(wait4, "children"), ANY(waitid, "children"),
	ANY(pidfd_open, "children"), ANY(pidfd_send_signal, "children"), ANY(alarm, "the log writer's end"), ANY(setitimer, "the same"), ANY(kill, "children"), ANY(tgkill, "abort"),
	ANY(execveat, "workers"), ANY(exit, "end"), ANY(exit_group, "end"), ANY(getpid, "ids"), ANY(getppid, "ids"), ANY(gettid, "ids"),
	ANY(getuid, "ids"), ANY(geteuid, "ids"), ANY(getgid, "ids"), ANY(getegid, "ids"), ANY(setsid, "workers"),
	ANY(setgroups, "owner's and worker's ids"), ANY(setresuid, "worker's"), ANY(setresgid, "worker's"), ANY(setfsuid, "owner's"),
	ANY(setfsgid, "owner's"), ANY(capget, "libcap-ng"), ANY(capset, "libcap-ng"), ANY(prctl, "capabilities, names, the worker's jail"),
	ANY(unshare, "the worker's namespaces"), ANY(mount, "its empty root"), ANY(umount2, "the same"), ANY(pivot_root, "the same"),
	ANY(chdir, "the same"), ANY(prlimit64, "limits"), ANY(setrlimit, "limits"), ANY(getrlimit, "limits"), ANY(uname, "kernel floor"),
	ANY(sysinfo, "libc"), ANY(sched_getaffinity, "number of CPUs"), ANY(sched_yield, "libc"), ANY(nanosleep, "helpers"),
	ANY(clock_nanosleep, "helpers"),
	/* memory and threads, of libc and of a worker before it seals itself */
	ANY(brk, "memory"), ANY(mmap, "memory"), ANY(munmap, "memory"), ANY(mremap, "memory"), ANY(mprotect, "memory"),
	ANY(madvise, "memory"), ANY(mlockall, "helpers; a worker before it seals itself"), ANY(futex, "threads"), ANY(set_robust_list, "threads"), ANY(set_tid_address, "threads"),
	ANY(rseq, "threads"), ANY(arch_prctl, "threads"), ANY(getrandom, "libc"), ANY(eventfd2, "workers"), ANY(seccomp, "workers"),
	ANY(landlock_create_ruleset, "workers"), ANY(landlock_restrict_self, "workers"), ANY(preadv, "workers"),
	ANY(preadv2, "workers"), ANY(pwritev, "workers"), ANY(fdatasync, "workers"), ANY(io_setup, "workers"), ANY(io_submit, "workers"),
};
/* clang-format on */

static int add_socket(scmp_filter_ctx ctx, int domain)
{
	const struct scmp_arg_cmp is_domain = {
		.arg = 0, .op = SCMP_CMP_EQ, .datum_a = (scmp_datum_t)domain, .datum_b = 0
	};

	return seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, &is_domain);
}

static int add_rules(scmp_filter_ctx ctx)
{
	static const int domains[] = { AF_UNIX, AF_NETLINK };
	int rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);

	/* a tree instead of a list: a worker's calls pass through this filter as well */
	if (rc == 0)
		(void)seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]) && rc == 0; i++)
		rc = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, allowed[i].nr, 0);
	for (size_t i = 0; i < sizeof(domains) / sizeof(domains[0]) && rc == 0; i++)
		rc = add_socket(ctx, domains[i]);
	return rc;
}

int syscalls_confine(struct err *e)
{
	scmp_filter_ctx ctx = seccomp_init(SCMP_ACT_ERRNO(1 /* EPERM */));
	int rc = ctx ? add_rules(ctx) : -ENOMEM;

	if (rc == 0)
		rc = seccomp_load(ctx);
	if (ctx)
		seccomp_release(ctx);
	return rc < 0 ? err_set(e, rc, "cannot confine itself with seccomp: %s", err_str(rc)) : 0;
}
