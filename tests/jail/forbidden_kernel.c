/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/forbidden_kernel.c - P5: no right is gained. P6: calls that only widen what can be
 * attacked of the kernel. P8: this build has no io_uring. Test code: data for attempts.c.
 */
#include "tests/jail/forbidden.h"

#include <asm/prctl.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <linux/keyctl.h>
#include <linux/perf_event.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>

#include "tests/jail/numbers.h"

static const char room[256];
static const struct __user_cap_header_struct cap_head = { .version = _LINUX_CAPABILITY_VERSION_3 };
static const struct __user_cap_data_struct cap_all[2] = { { ~0U, ~0U, ~0U }, { ~0U, ~0U, ~0U } };
static const union bpf_attr bpf_map = {
	.map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
};
static const struct perf_event_attr perf = { .type = PERF_TYPE_SOFTWARE, .size = sizeof(perf) };

const struct forbidden forbidden_kernel[] = {
	{ "P5 setuid 0", CALL(SYS_setuid, N(0)) },
	{ "P5 setgid 0", CALL(SYS_setgid, N(0)) },
	{ "P5 setreuid", CALL(SYS_setreuid, N(0), N(0)) },
	{ "P5 setregid", CALL(SYS_setregid, N(0), N(0)) },
	{ "P5 setresuid", CALL(SYS_setresuid, N(0), N(0), N(0)) },
	{ "P5 setresuid to what it is", CALL(SYS_setresuid, N(-1), N(-1), N(-1)) },
	{ "P5 setresgid", CALL(SYS_setresgid, N(0), N(0), N(0)) },
	{ "P5 setfsuid", CALL(SYS_setfsuid, N(0)) },
	{ "P5 setfsgid", CALL(SYS_setfsgid, N(0)) },
	{ "P5 setgroups", CALL(SYS_setgroups, N(1), B(room)) },
	{ "P5 capget", CALL(SYS_capget, B(cap_head), B(room)) },
	{ "P5 capset", CALL(SYS_capset, B(cap_head), B(cap_all)) },
	{ "P5 unshare CLONE_NEWUSER", CALL(SYS_unshare, N(CLONE_NEWUSER)) },
	{ "P5 unshare CLONE_NEWNS", CALL(SYS_unshare, N(CLONE_NEWNS)) },
	{ "P5 unshare CLONE_FILES", CALL(SYS_unshare, N(CLONE_FILES)) },
	{ "P5 setns", CALL(SYS_setns, N(3), N(0)) },
	{ "P5 prctl PR_SET_DUMPABLE", CALL(SYS_prctl, N(PR_SET_DUMPABLE), N(1)) },
	{ "P5 prctl PR_SET_NO_NEW_PRIVS", CALL(SYS_prctl, N(PR_SET_NO_NEW_PRIVS), N(0)) },
	{ "P5 prctl PR_SET_SECCOMP", CALL(SYS_prctl, N(PR_SET_SECCOMP), N(SECCOMP_MODE_STRICT)) },
	{ "P5 prctl PR_SET_SECUREBITS", CALL(SYS_prctl, N(PR_SET_SECUREBITS), N(0)) },
	{ "P5 prctl PR_SET_KEEPCAPS", CALL(SYS_prctl, N(PR_SET_KEEPCAPS), N(1)) },
	{ "P5 prctl PR_CAP_AMBIENT", CALL(SYS_prctl, N(PR_CAP_AMBIENT), N(PR_CAP_AMBIENT_RAISE), N(CAP_SYS_ADMIN)) },
	{ "P5 prctl PR_SET_MDWE", CALL(SYS_prctl, N(65), N(0)) },
	{ "P5 prctl PR_SET_MM", CALL(SYS_prctl, N(PR_SET_MM), N(PR_SET_MM_BRK), N(0)) },
	{ "P5 prctl PR_SET_PTRACER", CALL(SYS_prctl, N(PR_SET_PTRACER), N(-1)) },
	{ "P5 prctl PR_SET_PDEATHSIG", CALL(SYS_prctl, N(PR_SET_PDEATHSIG), N(0)) },
	{ "P5 prctl PR_SET_CHILD_SUBREAPER", CALL(SYS_prctl, N(PR_SET_CHILD_SUBREAPER), N(1)) },
	{ "P5 prctl PR_SET_SYSCALL_USER_DISPATCH", CALL(SYS_prctl, N(59), N(0), N(0), N(0), N(0)) },
	{ "P5 prctl PR_SET_TSC", CALL(SYS_prctl, N(PR_SET_TSC), N(PR_TSC_ENABLE)) },
	{ "P5 prctl PR_SET_NAME", CALL(SYS_prctl, N(PR_SET_NAME), T("kworker/0:1")) },
	{ "P5 prctl PR_GET_SECCOMP", CALL(SYS_prctl, N(PR_GET_SECCOMP)) },
	{ "P5 arch_prctl ARCH_SET_FS", CALL(SYS_arch_prctl, N(ARCH_SET_FS), N(0)) },
	{ "P5 arch_prctl ARCH_SHSTK_DISABLE", CALL(SYS_arch_prctl, N(0x5002), N(1)) },
	{ "P5 seccomp: one more filter", CALL(SYS_seccomp, N(SECCOMP_SET_MODE_FILTER), N(0), B(room)) },
	{ "P5 seccomp: a listener", CALL(SYS_seccomp, N(SECCOMP_SET_MODE_FILTER), N(8), B(room)) },
	{ "P5 seccomp: strict", CALL(SYS_seccomp, N(SECCOMP_SET_MODE_STRICT), N(0), N(0)) },
	{ "P5 personality READ_IMPLIES_EXEC", CALL(SYS_personality, N(READ_IMPLIES_EXEC)) },
	{ "P5 keyctl", CALL(SYS_keyctl, N(KEYCTL_GET_KEYRING_ID), N(-3), N(1)) },
	{ "P5 add_key", CALL(SYS_add_key, T("user"), T("x"), T("y"), N(1), N(-3)) },
	{ "P5 request_key", CALL(SYS_request_key, T("user"), T("x"), T("y"), N(-3)) },
	{ "P5 landlock_create_ruleset", CALL(444, N(0), N(0), N(1)) },
	{ "P5 landlock_add_rule", CALL(445, N(7), N(1), B(room), N(0)) },
	{ "P5 landlock_restrict_self", CALL(446, N(7), N(0)) },
	{ "P5 lsm_set_self_attr", CALL(NR_LSM_SET_SELF_ATTR, N(100), B(room), N(64), N(0)) },
	{ "P5 lsm_get_self_attr", CALL(NR_LSM_GET_SELF_ATTR, N(100), B(room), B(room), N(0)) },
	{ "P5 lsm_list_modules", CALL(NR_LSM_LIST_MODULES, B(room), B(room), N(0)) },
	{ "P5 sethostname", CALL(SYS_sethostname, T("x"), N(1)) },
	{ "P5 setdomainname", CALL(SYS_setdomainname, T("x"), N(1)) },

	{ "P6 bpf", CALL(SYS_bpf, N(BPF_MAP_CREATE), B(bpf_map), N(sizeof(bpf_map))) },
	{ "P6 perf_event_open", CALL(SYS_perf_event_open, B(perf), N(0), N(-1), N(-1), N(0)) },
	{ "P6 userfaultfd", CALL(SYS_userfaultfd, N(1)) },
	{ "P6 init_module", CALL(SYS_init_module, B(room), N(64), T("")) },
	{ "P6 finit_module", CALL(SYS_finit_module, N(5), T(""), N(0)) },
	{ "P6 delete_module", CALL(SYS_delete_module, T("vduse"), N(0)) },
	{ "P6 kexec_load", CALL(SYS_kexec_load, N(0), N(0), N(0), N(0)) },
	{ "P6 kexec_file_load", CALL(SYS_kexec_file_load, N(5), N(5), N(1), T(""), N(0)) },
	{ "P6 iopl", CALL(SYS_iopl, N(3)) },
	{ "P6 ioperm", CALL(SYS_ioperm, N(0), N(8), N(1)) },
	{ "P6 modify_ldt", CALL(SYS_modify_ldt, N(1), B(room), N(16)) },
	{ "P6 set_thread_area", CALL(SYS_set_thread_area, B(room)) },
	{ "P6 quotactl", CALL(SYS_quotactl, N(0x80000700), N(0), N(0), B(room)) },
	{ "P6 quotactl_fd", CALL(443, N(5), N(0x80000700), N(0), B(room)) },
	{ "P6 syslog", CALL(SYS_syslog, N(3), B(room), N(sizeof(room))) },
	{ "P6 reboot", CALL(SYS_reboot, N(0xfee1dead), N(672274793), N(0), N(0)) },
	{ "P6 swapon", CALL(SYS_swapon, T("/x"), N(0)) },
	{ "P6 swapoff", CALL(SYS_swapoff, T("/x")) },
	{ "P6 acct", CALL(SYS_acct, N(0)) },
	{ "P6 vhangup", CALL(SYS_vhangup) },
	{ "P6 uselib", CALL(SYS_uselib, T("/x")) },
	{ "P6 _sysctl", CALL(SYS__sysctl, B(room)) },
	{ "P6 lookup_dcookie", CALL(SYS_lookup_dcookie, N(1), B(room), N(16)) },
	{ "P6 settimeofday", CALL(SYS_settimeofday, B(room), N(0)) },
	{ "P6 clock_settime", CALL(SYS_clock_settime, N(CLOCK_REALTIME), B(room)) },
	{ "P6 clock_adjtime", CALL(SYS_clock_adjtime, N(CLOCK_REALTIME), B(room)) },
	{ "P6 adjtimex", CALL(SYS_adjtimex, B(room)) },
	{ "P6 clock_gettime of another process", CALL(SYS_clock_gettime, N(-6), B(room)) },
	{ "P6 clock_gettime CLOCK_REALTIME", CALL(SYS_clock_gettime, N(CLOCK_REALTIME), B(room)) },
	{ "P6 clock_nanosleep", CALL(SYS_clock_nanosleep, N(CLOCK_MONOTONIC), N(0), B(room), N(0)) },
	{ "P6 nanosleep", CALL(SYS_nanosleep, B(room), N(0)) },
	{ "P6 timer_create", CALL(SYS_timer_create, N(1), N(0), B(room)) },
	{ "P6 setitimer", CALL(SYS_setitimer, N(ITIMER_REAL), B(room), N(0)) },
	{ "P6 alarm", CALL(SYS_alarm, N(1)) },
	{ "P6 pause", CALL(SYS_pause) },
	{ "P6 io_setup", CALL(SYS_io_setup, N(1), B(room)) },
	{ "P6 io_destroy", CALL(SYS_io_destroy, N(0)) },
	{ "P6 io_cancel", CALL(SYS_io_cancel, N(0), B(room), B(room)) },
	{ "P6 io_getevents", CALL(SYS_io_getevents, N(0), N(1), N(1), B(room), N(0)) },
	{ "P6 io_pgetevents", CALL(SYS_io_pgetevents, N(0), N(1), N(1), B(room), N(0), N(0)) },
	{ "P6 membarrier", CALL(SYS_membarrier, N(0), N(0), N(0)) },
	{ "P6 rseq", CALL(SYS_rseq, B(room), N(32), N(0), N(0)) },
	{ "P6 set_robust_list", CALL(SYS_set_robust_list, B(room), N(24)) },
	{ "P6 rt_sigaction", CALL(SYS_rt_sigaction, N(SIGBUS), B(room), N(0), N(8)) },
	{ "P6 rt_sigprocmask", CALL(SYS_rt_sigprocmask, N(0), B(room), N(0), N(8)) },
	{ "P6 rt_sigsuspend", CALL(SYS_rt_sigsuspend, B(room), N(8)) },
	{ "P6 sigaltstack", CALL(SYS_sigaltstack, B(room), N(0)) },
	{ "P6 futex FUTEX_WAIT, shared", CALL(SYS_futex, B(room), N(FUTEX_WAIT), N(1)) },
	{ "P6 futex FUTEX_WAKE, shared", CALL(SYS_futex, B(room), N(FUTEX_WAKE), N(1)) },
	{ "P6 futex FUTEX_LOCK_PI", CALL(SYS_futex, B(room), N(FUTEX_LOCK_PI_PRIVATE)) },
	{ "P6 futex FUTEX_CMP_REQUEUE_PI",
	  CALL(SYS_futex, B(room), N(FUTEX_CMP_REQUEUE_PI_PRIVATE), N(1), N(1), B(room), N(0)) },
	{ "P6 futex FUTEX_WAKE_OP", CALL(SYS_futex, B(room), N(FUTEX_WAKE_OP_PRIVATE), N(1), N(1), B(room), N(0)) },
	{ "P6 futex FUTEX_WAIT_BITSET",
	  CALL(SYS_futex, B(room), N(FUTEX_WAIT_BITSET_PRIVATE), N(1), N(0), N(0), N(-1)) },
	{ "P6 futex_waitv", CALL(449, B(room), N(1), N(0), N(0), N(0)) },
	{ "P6 futex_wait", CALL(NR_FUTEX_WAIT, B(room), N(1), N(-1), N(2), N(0), N(0)) },
	{ "P6 futex_wake", CALL(NR_FUTEX_WAKE, B(room), N(-1), N(1), N(2)) },
	{ "P6 futex_requeue", CALL(NR_FUTEX_REQUEUE, B(room), N(0), N(1), N(1)) },
	{ "P6 cachestat", CALL(NR_CACHESTAT, N(5), B(room), B(room), N(0)) },
	{ "P6 readahead", CALL(SYS_readahead, N(5), N(0), N(4096)) },
	{ "P6 fadvise64", CALL(SYS_fadvise64, N(5), N(0), N(0), N(4)) },
	{ "P6 sysinfo", CALL(SYS_sysinfo, B(room)) },
	{ "P6 uname", CALL(SYS_uname, B(room)) },
	{ "P6 getrandom", CALL(SYS_getrandom, B(room), N(1), N(0)) },

	{ "P8 io_uring_setup", CALL(SYS_io_uring_setup, N(1), B(room)) },
	{ "P8 io_uring_enter", CALL(SYS_io_uring_enter, N(7), N(1), N(0), N(0), N(0), N(0)) },
	{ "P8 io_uring_register", CALL(SYS_io_uring_register, N(7), N(0), B(room), N(1)) },
	{ "P8 io_uring_register without a ring", CALL(SYS_io_uring_register, N(-1), N(18), B(room), N(0)) },
	{ .name = NULL },
};
