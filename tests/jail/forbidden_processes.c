/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/forbidden_processes.c - P2: no other program, no other process or thread. P4: nobody
 * else is touched. Test code: data for attempts.c. A worker is process 1 of its own pid namespace;
 * its second thread is 2.
 */
#include "tests/jail/forbidden.h"

#include <fcntl.h>
#include <linux/kcmp.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>

static const char room[256];
static const struct iovec iov;
static const struct rlimit64 limit = { 1024, 1024 };
static const struct clone_args fork_args = { .exit_signal = SIGCHLD };
static const struct clone_args userns_args = { .flags = CLONE_NEWUSER, .exit_signal = SIGCHLD };
static const struct clone_args thread_args = { .flags = CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS |
							CLONE_FILES };

#define THREAD (CLONE_VM | CLONE_SIGHAND | CLONE_THREAD | CLONE_FS | CLONE_FILES)

const struct forbidden forbidden_processes[] = {
	{ "P2 execve /bin/sh", CALL(SYS_execve, T("/bin/sh"), N(0), N(0)) },
	{ "P2 execve /proc/self/exe", CALL(SYS_execve, T("/proc/self/exe"), N(0), N(0)) },
	{ "P2 execveat of a descriptor", CALL(SYS_execveat, N(5), T(""), N(0), N(0), N(AT_EMPTY_PATH)) },
	{ "P2 fork", CALL(SYS_fork) },
	{ "P2 vfork", CALL(SYS_vfork) },
	{ "P2 clone, a process", CALL(SYS_clone, N(SIGCHLD)) },
	{ "P2 clone, a thread", CALL(SYS_clone, N(THREAD), B(room)) },
	{ "P2 clone, sharing memory only", CALL(SYS_clone, N(CLONE_VM | SIGCHLD), B(room)) },
	{ "P2 clone CLONE_NEWUSER", CALL(SYS_clone, N(CLONE_NEWUSER | SIGCHLD)) },
	{ "P2 clone CLONE_PARENT", CALL(SYS_clone, N(CLONE_PARENT | SIGCHLD)) },
	{ "P2 clone3, a process", CALL(SYS_clone3, B(fork_args), N(sizeof(fork_args))) },
	{ "P2 clone3, a thread", CALL(SYS_clone3, B(thread_args), N(sizeof(thread_args))) },
	{ "P2 clone3 CLONE_NEWUSER", CALL(SYS_clone3, B(userns_args), N(sizeof(userns_args))) },
	{ "P2 exit of one thread", CALL(SYS_exit, N(0)) },
	{ "P2 wait4", CALL(SYS_wait4, N(-1), N(0), N(WNOHANG), N(0)) },
	{ "P2 waitid", CALL(SYS_waitid, N(P_ALL), N(0), B(room), N(WEXITED | WNOHANG), N(0)) },
	{ "P2 set_tid_address", CALL(SYS_set_tid_address, B(room)) },
	{ "P2 setsid", CALL(SYS_setsid) },
	{ "P2 setpgid", CALL(SYS_setpgid, N(0), N(0)) },

	{ "P4 ptrace PTRACE_ATTACH", CALL(SYS_ptrace, N(PTRACE_ATTACH), N(2), N(0), N(0)) },
	{ "P4 ptrace PTRACE_SEIZE", CALL(SYS_ptrace, N(PTRACE_SEIZE), N(2), N(0), N(0)) },
	{ "P4 ptrace PTRACE_TRACEME", CALL(SYS_ptrace, N(PTRACE_TRACEME), N(0), N(0), N(0)) },
	{ "P4 process_vm_readv", CALL(SYS_process_vm_readv, N(1), B(iov), N(1), B(iov), N(1), N(0)) },
	{ "P4 process_vm_writev", CALL(SYS_process_vm_writev, N(1), B(iov), N(1), B(iov), N(1), N(0)) },
	{ "P4 process_madvise", CALL(SYS_process_madvise, N(3), B(iov), N(1), N(20), N(0)) },
	{ "P4 process_mrelease", CALL(448, N(3), N(0)) },
	{ "P4 pidfd_open", CALL(SYS_pidfd_open, N(1), N(0)) },
	{ "P4 pidfd_getfd", CALL(SYS_pidfd_getfd, N(3), N(3), N(0)) },
	{ "P4 pidfd_send_signal", CALL(SYS_pidfd_send_signal, N(3), N(9), N(0), N(0)) },
	{ "P4 kill everybody", CALL(SYS_kill, N(-1), N(SIGKILL)) },
	{ "P4 kill its group", CALL(SYS_kill, N(0), N(SIGTERM)) },
	{ "P4 kill, only asking", CALL(SYS_kill, N(2), N(0)) },
	{ "P4 tkill", CALL(SYS_tkill, N(2), N(0)) },
	{ "P4 tgkill", CALL(SYS_tgkill, N(1), N(2), N(0)) },
	{ "P4 rt_sigqueueinfo", CALL(SYS_rt_sigqueueinfo, N(1), N(SIGTERM), B(room)) },
	{ "P4 rt_tgsigqueueinfo", CALL(SYS_rt_tgsigqueueinfo, N(1), N(2), N(SIGTERM), B(room)) },
	{ "P4 setpriority", CALL(SYS_setpriority, N(PRIO_USER), N(0), N(19)) },
	{ "P4 prlimit64 of itself", CALL(SYS_prlimit64, N(0), N(RLIMIT_NOFILE), B(limit), N(0)) },
	{ "P4 prlimit64 of another", CALL(SYS_prlimit64, N(2), N(RLIMIT_CPU), B(limit), N(0)) },
	{ "P4 setrlimit", CALL(SYS_setrlimit, N(RLIMIT_CORE), B(limit)) },
	{ "P4 sched_setscheduler", CALL(SYS_sched_setscheduler, N(0), N(1), B(room)) },
	{ "P4 sched_setattr", CALL(SYS_sched_setattr, N(0), B(room), N(0)) },
	{ "P4 sched_setaffinity", CALL(SYS_sched_setaffinity, N(0), N(8), B(room)) },
	{ "P4 ioprio_set", CALL(SYS_ioprio_set, N(1), N(0), N(0x2000)) },
	{ "P4 kcmp", CALL(SYS_kcmp, N(1), N(2), N(KCMP_FILE), N(3), N(3)) },
	{ "P4 get_robust_list", CALL(SYS_get_robust_list, N(2), B(room), B(room)) },
	{ "P4 move_pages", CALL(SYS_move_pages, N(0), N(0), N(0), N(0), N(0), N(0)) },
	{ "P4 migrate_pages", CALL(SYS_migrate_pages, N(0), N(0), N(0), N(0)) },
	{ .name = NULL },
};
