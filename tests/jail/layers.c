/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/layers.c - see layers.h: the layers from inside, in a worker without its filter, and
 * the filter in each thread. Runs as root. Test code.
 */
#include "tests/jail/layers.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <netinet/in.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "tests/jail/forbidden.h"
#include "tests/jail/report.h"
#include "tests/jail/try.h"

#define GET_MDWE 66
#define SECUREBITS                                                                                                     \
	(SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP | SECBIT_NO_SETUID_FIXUP_LOCKED |               \
	 SECBIT_KEEP_CAPS_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED)

enum needs { NEEDS_NOTHING, NEEDS_LANDLOCK, NEEDS_MDWE };

struct inside {
	const char *name;
	struct call call;
	long want; /* what it returns; ANY_ERROR */
	enum needs needs;
	/* if there is a number: made before, and what it returns is argument 0 of the other */
	struct call first;
};

#define BOUNDING "without the filter: P5 the bounding set is empty"
#define ANY_ERROR LONG_MAX
#define MAP_SOME CALL(SYS_mmap, N(0), N(4096), N(PROT_READ | PROT_WRITE), N(MAP_PRIVATE | MAP_ANONYMOUS), N(-1), N(0))

static const char room[256];
static const struct sockaddr_un abstract = { .sun_family = AF_UNIX, .sun_path = "\0vdused" };
static const struct sockaddr_in loopback = { .sin_family = AF_INET, .sin_port = 0x1600, .sin_addr.s_addr = 0x0100007f };
static const struct __user_cap_header_struct cap_head = { .version = _LINUX_CAPABILITY_VERSION_3 };
static const struct __user_cap_data_struct cap_one[2] = { { 1U << CAP_SYS_ADMIN, 1U << CAP_SYS_ADMIN, 0 } };
static const struct rlimit64 more = { 1 << 20, 1 << 20 };

static const struct inside cases[] = {
	{ .name = "P1 Landlock: open the root",
	  .want = -EACCES,
	  .call = CALL(SYS_openat, N(AT_FDCWD), T("/"), N(O_RDONLY | O_DIRECTORY)),
	  .needs = NEEDS_LANDLOCK },
	{ .name = "P1 a file to write", .want = ANY_ERROR, .call = CALL(SYS_creat, T("/x"), N(0600)) },
	{ .name = "P1 a file without a name",
	  .want = ANY_ERROR,
	  .call = CALL(SYS_openat, N(AT_FDCWD), T("/"), N(O_TMPFILE | O_RDWR), N(0600)) },
	{ .name = "P1 mkdir", .want = ANY_ERROR, .call = CALL(SYS_mkdir, T("/x"), N(0700)) },
	{ .name = "P1 a device node", .want = ANY_ERROR, .call = CALL(SYS_mknod, T("/x"), N(060600), N(0)) },
	{ .name = "P1 /proc is not there",
	  .want = -ENOENT,
	  .call = CALL(SYS_openat, N(AT_FDCWD), T("/proc/self/status"), N(O_RDONLY)) },
	{ .name = "P1 /dev is not there",
	  .want = -ENOENT,
	  .call = CALL(SYS_openat, N(AT_FDCWD), T("/dev/null"), N(O_RDONLY)) },
	{ .name = "P1 .. leads nowhere",
	  .want = ANY_ERROR,
	  .call = CALL(SYS_openat, N(AT_FDCWD), T("../../../etc/passwd"), N(O_RDONLY)) },
	{ .name = "P1 mount", .want = -EPERM, .call = CALL(SYS_mount, T("x"), T("/"), T("tmpfs"), N(0), N(0)) },
	{ .name = "P1 remount", .want = -EPERM, .call = CALL(SYS_mount, N(0), T("/"), N(0), N(MS_REMOUNT), N(0)) },
	{ .name = "P1 umount", .want = ANY_ERROR, .call = CALL(SYS_umount2, T("/"), N(MNT_DETACH)) },
	{ .name = "P1 chroot", .want = -EPERM, .call = CALL(SYS_chroot, T("/")) },
	{ .name = "P2 execute itself by path",
	  .want = -ENOENT,
	  .call = CALL(SYS_execve, T("/proc/self/exe"), N(0), N(0)) },
	{ .name = "P3 connect to the network",
	  .want = ANY_ERROR,
	  .call = CALL(SYS_connect, N(0), B(loopback), N(sizeof(loopback))),
	  .first = CALL(SYS_socket, N(AF_INET), N(SOCK_STREAM), N(0)) },
	{ .name = "P3 Landlock: bind a port",
	  .want = ANY_ERROR,
	  .call = CALL(SYS_bind, N(0), B(loopback), N(sizeof(loopback))),
	  .first = CALL(SYS_socket, N(AF_INET), N(SOCK_STREAM), N(0)) },
	{ .name = "P3 connect to an abstract name",
	  .want = ANY_ERROR,
	  .call = CALL(SYS_connect, N(0), B(abstract), N(9)),
	  .first = CALL(SYS_socket, N(AF_UNIX), N(SOCK_SEQPACKET), N(0)) },
	{ .name = "P3 a raw socket", .want = -EPERM, .call = CALL(SYS_socket, N(AF_INET), N(SOCK_RAW), N(1)) },
	{ .name = "P4 there is nobody to kill", .want = -ESRCH, .call = CALL(SYS_kill, N(-1), N(SIGKILL)) },
	{ .name = "P4 there is no process 2", .want = ANY_ERROR, .call = CALL(SYS_pidfd_open, N(2), N(0)) },
	{ .name = "P4 more descriptors",
	  .want = -EPERM,
	  .call = CALL(SYS_prlimit64, N(0), N(RLIMIT_NOFILE), B(more), N(0)) },
	{ .name = "P4 a core dump", .want = -EPERM, .call = CALL(SYS_prlimit64, N(0), N(RLIMIT_CORE), B(more), N(0)) },
	{ .name = "P4 more processes",
	  .want = -EPERM,
	  .call = CALL(SYS_prlimit64, N(0), N(RLIMIT_NPROC), B(more), N(0)) },
	{ .name = "P4 not dumpable", .want = 0, .call = CALL(SYS_prctl, N(PR_GET_DUMPABLE)) },
	{ .name = "P5 no_new_privs",
	  .want = 1,
	  .call = CALL(SYS_prctl, N(PR_GET_NO_NEW_PRIVS), N(0), N(0), N(0), N(0)) },
	{ .name = "P5 the securebits are locked", .want = SECUREBITS, .call = CALL(SYS_prctl, N(PR_GET_SECUREBITS)) },
	{ .name = "P5 the securebits stay", .want = -EPERM, .call = CALL(SYS_prctl, N(PR_SET_SECUREBITS), N(0)) },
	{ .name = "P5 setuid 0", .want = -EPERM, .call = CALL(SYS_setuid, N(0)) },
	{ .name = "P5 setgid 0", .want = -EPERM, .call = CALL(SYS_setgid, N(0)) },
	{ .name = "P5 setgroups", .want = -EPERM, .call = CALL(SYS_setgroups, N(1), B(room)) },
	{ .name = "P5 capset", .want = -EPERM, .call = CALL(SYS_capset, B(cap_head), B(cap_one)) },
	{ .name = "P5 an ambient capability",
	  .want = -EPERM,
	  .call = CALL(SYS_prctl, N(PR_CAP_AMBIENT), N(PR_CAP_AMBIENT_RAISE), N(CAP_SYS_ADMIN), N(0), N(0)) },
	{ .name = "P5 unshare CLONE_NEWNS", .want = -EPERM, .call = CALL(SYS_unshare, N(CLONE_NEWNS)) },
	{ .name = "P5 sethostname", .want = -EPERM, .call = CALL(SYS_sethostname, T("x"), N(1)) },
	{ .name = "P6 init_module", .want = -EPERM, .call = CALL(SYS_init_module, B(room), N(64), T("")) },
	{ .name = "P6 swapon", .want = -EPERM, .call = CALL(SYS_swapon, T("/x"), N(0)) },
	{ .name = "P6 iopl", .want = -EPERM, .call = CALL(SYS_iopl, N(3)) },
	{ .name = "P6 reboot",
	  .want = -EPERM,
	  .call = CALL(SYS_reboot, N(0xfee1dead), N(672274793), N(0x89abcdef), N(0)) },
	{ .name = "P6 clock_settime", .want = -EPERM, .call = CALL(SYS_clock_settime, N(0), B(room)) },
	{ .name = "P9 MDWE is on",
	  .want = 1,
	  .call = CALL(SYS_prctl, N(GET_MDWE), N(0), N(0), N(0), N(0)),
	  .needs = NEEDS_MDWE },
	{ .name = "P9 MDWE stays on",
	  .want = -EPERM,
	  .call = CALL(SYS_prctl, N(65), N(0), N(0), N(0), N(0)),
	  .needs = NEEDS_MDWE },
	{ .name = "P9 MDWE: mmap rwx",
	  .want = -EACCES,
	  .call = CALL(SYS_mmap, N(0), N(4096), N(7), N(MAP_PRIVATE | MAP_ANONYMOUS), N(-1), N(0)),
	  .needs = NEEDS_MDWE },
	{ .name = "P9 MDWE: mprotect rx",
	  .want = -EACCES,
	  .call = CALL(SYS_mprotect, N(0), N(4096), N(PROT_READ | PROT_EXEC)),
	  .needs = NEEDS_MDWE,
	  .first = MAP_SOME },
	{ .name = "P9 MDWE: mprotect rwx",
	  .want = -EACCES,
	  .call = CALL(SYS_mprotect, N(0), N(4096), N(7)),
	  .needs = NEEDS_MDWE,
	  .first = MAP_SOME },
	{ .name = "P9 MDWE: pkey_mprotect rx",
	  .want = -EACCES,
	  .call = CALL(SYS_pkey_mprotect, N(0), N(4096), N(5), N(-1)),
	  .needs = NEEDS_MDWE,
	  .first = MAP_SOME },
};

/* ---- what this kernel has ---- */

static bool have_landlock(void)
{
	return syscall(SYS_landlock_create_ruleset, NULL, 0, 1) > 0;
}

static bool have_mdwe(void)
{
	return prctl(GET_MDWE, 0, 0, 0, 0) >= 0;
}

static const char *missing(enum needs n)
{
	if (n == NEEDS_LANDLOCK && !have_landlock())
		return "this kernel has no Landlock";
	return n == NEEDS_MDWE && !have_mdwe() ? "this kernel has no PR_SET_MDWE" : NULL;
}

/* ---- without the filter ---- */

static bool as_wanted(struct fate f, long want)
{
	if (f.kind != FATE_RETURNED)
		return false;
	return want == ANY_ERROR ? f.value < 0 && f.value > -4096 : f.value == want;
}

static struct fate call_inside(struct subject *s, const struct inside *i)
{
	struct call c = i->call;
	struct fate f;

	if (i->first.nr != 0) {
		f = inject_call(s, s->pid, &i->first);
		if (f.kind != FATE_RETURNED || as_wanted(f, ANY_ERROR))
			return f;
		c.arg[0].value = (uint64_t)f.value;
	}
	return inject_call(s, s->pid, &c);
}

static void one_inside(const struct inside *i, const char *name)
{
	struct err e = { 0 };
	struct subject s;
	struct fate f;
	int rc = subject_start(&s, &e);

	if (rc == 0)
		rc = inject_attach(s.pid);
	if (rc == 0) {
		f = call_inside(&s, i);
		report(as_wanted(f, i->want), name, "%s", fate_text(f));
	} else {
		report(false, name, "%s", e.code ? e.text : err_str(rc));
	}
	subject_end(&s);
}

/* The kernel answers 1 for what is in it, and EINVAL past the last one. */
static void bounding_set(void)
{
	static const char name[] = BOUNDING;
	struct call c = CALL(SYS_prctl, N(PR_CAPBSET_READ), N(0));
	struct err e = { 0 };
	struct subject s;
	struct fate f = { 0 };
	unsigned cap = 0;
	int rc = subject_start(&s, &e);

	if (rc == 0)
		rc = inject_attach(s.pid);
	while (rc == 0) {
		c.arg[1].value = cap;
		f = inject_call(&s, s.pid, &c);
		if (f.kind != FATE_RETURNED || f.value != 0)
			break;
		cap++;
	}
	report(rc == 0 && f.kind == FATE_RETURNED && f.value == -EINVAL && cap > CAP_CHECKPOINT_RESTORE, name,
	       "%u capabilities; then %s", cap, fate_text(f));
	subject_end(&s);
}

void layers_inside(void)
{
	char name[160];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *why = missing(cases[i].needs);

		(void)snprintf(name, sizeof(name), "without the filter: %s", cases[i].name);
		if (!report_wanted(name))
			continue;
		if (why)
			report_skip(name, why);
		else
			one_inside(&cases[i], name);
	}
	if (report_wanted(BOUNDING))
		bounding_set();
}

/* ---- each thread ---- */

/* The n-th thread besides the main one, or 0. */
static pid_t other_thread(pid_t pid, unsigned n)
{
	pid_t tid = 0;
	struct dirent *de;
	char path[64];
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && (de = readdir(d)) && tid == 0) {
		pid_t t = (pid_t)atoi(de->d_name);

		if (t != 0 && t != pid && n-- == 0)
			tid = t;
	}
	if (d)
		(void)closedir(d);
	return tid;
}

static void one_thread(unsigned n, const char *name)
{
	static const struct call open_root = CALL(SYS_openat, N(AT_FDCWD), T("/"), N(O_PATH));
	struct fate f = { FATE_BLOCKED, 0 };
	struct err e = { 0 };
	struct subject s;
	pid_t tid = 0;
	int rc = subject_start(&s, &e);

	if (rc == 0)
		rc = subject_seal(&s, &e);
	if (rc == 0)
		tid = other_thread(s.pid, n);
	if (tid != 0 && inject_attach(tid) == 0)
		f = inject_call(&s, tid, &open_root);
	report(f.kind == FATE_SIGSYS, name, "%s",
	       rc < 0     ? e.text
	       : tid == 0 ? "there is no such thread"
			  : fate_text(f));
	subject_end(&s);
}

void layers_threads(void)
{
	char name[64];

	for (unsigned i = 0; i < SUBJECT_QUEUES; i++) {
		(void)snprintf(name, sizeof(name), "P5 the filter is in queue thread %u", i);
		if (report_wanted(name))
			one_thread(i, name);
	}
}
