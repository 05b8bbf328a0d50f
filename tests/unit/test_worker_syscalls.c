/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_syscalls.c - worker/jail/syscalls.c and common/seccomp.c: the shape of the
 * table, and that the filter made from it kills for what the table does not allow, with each pinned
 * argument changed (P7, P9, P11). Every attempt is made by a process of its own. The jail as a
 * whole is tested with the real binary elsewhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <linux/vduse.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "worker/jail/syscalls.h"

#define CALLS_MAX 24

/* ---- the table ---- */

static void table_is_sound(void **state)
{
	(void)state;
	assert_int_equal(seccomp_check_table(worker_syscalls, worker_syscalls_rows), 0);
}

static void no_more_calls_than_promised(void **state)
{
	(void)state;
	print_message("system calls allowed: %zu\n", seccomp_count_calls(worker_syscalls, worker_syscalls_rows));
	assert_true(seccomp_count_calls(worker_syscalls, worker_syscalls_rows) <= CALLS_MAX);
}

static void row_without_a_reason_is_refused(void **state)
{
	static const struct seccomp_row bad[] = { { .nr = SCMP_SYS(read), .reason = "" } };

	(void)state;
	assert_int_equal(seccomp_check_table(bad, 1), -EINVAL);
}

static void wider_row_of_the_same_call_is_refused(void **state)
{
	static const struct seccomp_row bad[] = {
		{ .nr = SCMP_SYS(read), .tests = 1, .test = { { 0, SCMP_CMP_EQ, 3, 0 } }, .reason = "narrow" },
		{ .nr = SCMP_SYS(read), .reason = "wide" },
	};

	(void)state;
	assert_int_equal(seccomp_check_table(bad, 2), -EINVAL);
	assert_int_equal(seccomp_enter(bad, 2), -EINVAL);
}

static void calls_are_counted_once(void **state)
{
	static const struct seccomp_row t[] = { { .nr = 1 }, { .nr = 2 }, { .nr = 1 } };

	(void)state;
	assert_int_equal(seccomp_count_calls(t, 3), 2);
}

static void filter_can_be_printed(void **state)
{
	char buf[256] = { 0 };
	int fd = memfd_create("pfc", MFD_CLOEXEC);

	(void)state;
	assert_return_code(fd, errno);
	assert_int_equal(seccomp_dump(worker_syscalls, worker_syscalls_rows, fd), 0);
	assert_true(pread(fd, buf, sizeof(buf) - 1, 0) > 0);
	assert_non_null(strstr(buf, "pseudo filter code"));
	assert_return_code(close(fd), errno);
}

/* ---- the filter ---- */

struct attempt {
	const char *what;
	long nr;
	unsigned long long arg[6];
	bool allowed; /* else SIGSYS */
};

/*
 * Descriptor numbers in the child: 3 socket, 4 /dev/null, 5 disk, 7 and 8 eventfds, nothing at 6
 * and 24.
 */
static void prepare_numbers(void)
{
	int fd[6] = { socket(AF_UNIX, SOCK_DGRAM, 0),
		      open("/dev/null", O_RDWR),
		      memfd_create("disk", 0),
		      eventfd(1, 0),
		      eventfd(1, 0),
		      0 };
	static const int want[5] = { FD_CHANNEL, FD_DEVICE, FD_BACKEND, FD_NOTES, FD_KICKS };

	for (int i = 0; i < 5; i++)
		fd[i] = fcntl(fd[i], F_DUPFD, 100);
	for (int i = 0; i < 5; i++)
		(void)dup2(fd[i], want[i]);
	(void)close(FD_TRANSIENT);
	if (ftruncate(FD_BACKEND, 65536) < 0)
		_exit(2);
}

static int run_attempt(const struct attempt *a)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		prepare_numbers();
		if (seccomp_enter(worker_syscalls, worker_syscalls_rows) < 0)
			_exit(1);
		(void)syscall(a->nr, a->arg[0], a->arg[1], a->arg[2], a->arg[3], a->arg[4], a->arg[5]);
		/* not _exit(): under a sanitizer it does more than that */
		(void)syscall(SYS_exit_group, 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

static char page[4096] __attribute__((aligned(4096)));
#define P (unsigned long long)(uintptr_t)page
#define HIGH (1ULL << 32)
#define RW (PROT_READ | PROT_WRITE)
#define PUNCH (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)
#define ANON_FIXED (MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED)
#define NONE 0xffffffffULL
#define CLOEXEC_NONBLOCK (SOCK_CLOEXEC | SOCK_NONBLOCK)

static const struct attempt attempts[] = {
	{ "read kicks", SYS_read, { 7, P, 8 }, true },
	{ "read the device", SYS_read, { 4, P, 152 }, true },
	{ "read the last queue's kicks", SYS_read, { 23, P, 8 }, true },
	{ "read behind the last queue", SYS_read, { 24, P, 8 }, false },
	{ "read notes with high bits", SYS_read, { HIGH | 7, P, 8 }, false },
	{ "read kicks with high bits", SYS_read, { HIGH | 8, P, 8 }, false },
	{ "write kicks with high bits", SYS_write, { HIGH | 5, P, 8 }, false },
	{ "read the disk", SYS_read, { 5, P, 1 }, false },
	{ "read stdin", SYS_read, { 0, P, 1 }, false },
	{ "read the transient fd", SYS_read, { 6, P, 1 }, false },
	{ "read with high bits", SYS_read, { HIGH | 4, P, 1 }, false },
	{ "write notes", SYS_write, { 8, P, 8 }, true },
	{ "write the device", SYS_write, { 4, P, 152 }, true },
	{ "write stdout", SYS_write, { 1, P, 1 }, false },
	{ "write the disk", SYS_write, { 5, P, 1 }, false },
	{ "preadv the disk", SYS_preadv, { 5, P, 0, 0, 0 }, true },
	{ "preadv the device", SYS_preadv, { 4, P, 0, 0, 0 }, false },
	{ "pwritev the disk", SYS_pwritev, { 5, P, 0, 0, 0 }, true },
	{ "pwritev the transient fd", SYS_pwritev, { 6, P, 0, 0, 0 }, false },
	{ "pwritev with high bits", SYS_pwritev, { HIGH | 5, P, 0, 0, 0 }, false },
	{ "submit requests", SYS_io_submit, { 0, 0, P }, true },
	{ "another context", SYS_io_setup, { 1, P }, false },
	{ "wait for requests", SYS_io_getevents, { 0, 1, 1, P, 0 }, false },
	{ "fdatasync the disk", SYS_fdatasync, { 5 }, true },
	{ "fdatasync the transient fd", SYS_fdatasync, { 6 }, false },
	{ "punch the disk", SYS_fallocate, { 5, PUNCH, 0, 4096 }, true },
	{ "zero the disk", SYS_fallocate, { 5, FALLOC_FL_ZERO_RANGE, 0, 4096 }, true },
	{ "blocks past its end", SYS_fallocate, { 5, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, 4096 }, false },
	{ "discard of the disk", SYS_ioctl, { 5, BLKDISCARD, 0 }, true },
	{ "discard of the device", SYS_ioctl, { 4, BLKDISCARD, 0 }, false },
	{ "secure discard of the disk", SYS_ioctl, { 5, BLKSECDISCARD, 0 }, false },
	{ "zeroes by ioctl", SYS_ioctl, { 5, BLKZEROOUT, 0 }, false },
	{ "grow the disk", SYS_fallocate, { 5, 0, 0, 1 << 20 }, false },
	{ "collapse the disk", SYS_fallocate, { 5, FALLOC_FL_COLLAPSE_RANGE, 0, 4096 }, false },
	{ "punch the driver's memory", SYS_fallocate, { 6, PUNCH, 0, 4096 }, false },
	{ "truncate the disk", SYS_ftruncate, { 5, 0 }, false },
	{ "inject an interrupt", SYS_ioctl, { 4, VDUSE_VQ_INJECT_IRQ, P }, true },
	{ "get a region", SYS_ioctl, { 4, VDUSE_IOTLB_GET_FD, P }, true },
	{ "get features", SYS_ioctl, { 4, VDUSE_DEV_GET_FEATURES, P }, true },
	{ "get a queue", SYS_ioctl, { 4, VDUSE_VQ_GET_INFO, P }, true },
	{ "set a kick fd", SYS_ioctl, { 4, VDUSE_VQ_SETUP_KICKFD, P }, true },
	{ "make non-blocking", SYS_ioctl, { 4, FIONBIO, P }, true },
	{ "inject on another fd", SYS_ioctl, { 5, VDUSE_VQ_INJECT_IRQ, P }, false },
	{ "change the configuration", SYS_ioctl, { 4, VDUSE_DEV_SET_CONFIG, P }, true },
	{ "tell the driver of it", SYS_ioctl, { 4, VDUSE_DEV_INJECT_CONFIG_IRQ }, true },
	{ "change another's configuration", SYS_ioctl, { 5, VDUSE_DEV_SET_CONFIG, P }, false },
	{ "change the channel's", SYS_ioctl, { 3, VDUSE_DEV_SET_CONFIG, P }, false },
	{ "tell another", SYS_ioctl, { 5, VDUSE_DEV_INJECT_CONFIG_IRQ }, false },
	{ "the number after it", SYS_ioctl, { 4, VDUSE_DEV_INJECT_CONFIG_IRQ + 1, P }, false },
	{ "configuration with high bits", SYS_ioctl, { 4, HIGH | VDUSE_DEV_SET_CONFIG, P }, false },
	{ "set a queue up", SYS_ioctl, { 4, VDUSE_VQ_SETUP, P }, false },
	{ "register memory", SYS_ioctl, { 4, VDUSE_IOTLB_REG_UMEM, P }, false },
	{ "create a device", SYS_ioctl, { 4, VDUSE_CREATE_DEV, P }, false },
	{ "destroy a device", SYS_ioctl, { 4, VDUSE_DESTROY_DEV, P }, false },
	{ "ioctl with high bits", SYS_ioctl, { 4, HIGH | VDUSE_VQ_INJECT_IRQ, P }, false },
	{ "map a region", SYS_mmap, { 0, 4096, RW, MAP_SHARED, 6, 0 }, true },
	{ "map it read-only", SYS_mmap, { 0, 4096, PROT_READ, MAP_SHARED, 6, 0 }, true },
	{ "map it executable", SYS_mmap, { 0, 4096, RW | PROT_EXEC, MAP_SHARED, 6, 0 }, false },
	{ "map it fixed", SYS_mmap, { P, 4096, RW, MAP_SHARED | MAP_FIXED, 6, 0 }, false },
	{ "map the disk", SYS_mmap, { 0, 4096, RW, MAP_SHARED, 5, 0 }, false },
	{ "map the device", SYS_mmap, { 0, 4096, RW, MAP_SHARED, 4, 0 }, false },
	{ "zeros in the place of a page", SYS_mmap, { P, 4096, RW, ANON_FIXED, NONE, 0 }, true },
	{ "the same, sign extended", SYS_mmap, { P, 4096, RW, ANON_FIXED, ~0ULL, 0 }, true },
	{ "the same, of a huge page", SYS_mmap, { P, 2 << 20, PROT_READ, ANON_FIXED, NONE, 0 }, true },
	{ "the same, no access", SYS_mmap, { P, 4096, PROT_NONE, ANON_FIXED, NONE, 0 }, false },
	{ "the same, write only", SYS_mmap, { P, 4096, PROT_WRITE, ANON_FIXED, NONE, 0 }, false },
	{ "the same, garbage above", SYS_mmap, { P, 4096, RW | 1ULL << 32, ANON_FIXED, NONE, 0 }, false },
	{ "the same, executable", SYS_mmap, { P, 4096, RW | PROT_EXEC, ANON_FIXED, NONE, 0 }, false },
	{ "new memory", SYS_mmap, { 0, 4096, RW, MAP_PRIVATE | MAP_ANONYMOUS, NONE, 0 }, false },
	{ "mprotect", SYS_mprotect, { P, 4096, RW }, false },
	{ "brk", SYS_brk, { 0 }, false },
	{ "mremap", SYS_mremap, { P, 4096, 8192, MREMAP_MAYMOVE }, false },
	{ "close the transient fd", SYS_close, { 6 }, true },
	{ "close the disk", SYS_close, { 5 }, false },
	{ "close the channel", SYS_close, { 3 }, false },
	{ "recvmsg", SYS_recvmsg, { 3, 0, MSG_CMSG_CLOEXEC }, true },
	{ "recvmsg without close-on-exec", SYS_recvmsg, { 3, 0, 0 }, false },
	{ "recvmsg elsewhere", SYS_recvmsg, { 4, 0, MSG_CMSG_CLOEXEC }, false },
	{ "sendmsg", SYS_sendmsg, { 3, 0, MSG_NOSIGNAL }, true },
	{ "sendmsg elsewhere", SYS_sendmsg, { 7, 0, MSG_NOSIGNAL }, false },
	{ "futex wait", SYS_futex, { P, 128, 1, 0 }, true },
	{ "futex requeue", SYS_futex, { P, 3, 0, 0, P, 0 }, false },
	{ "clock", SYS_clock_gettime, { CLOCK_MONOTONIC, P }, true },
	{ "another process's clock", SYS_clock_gettime, { (unsigned long long)-6, P }, false },
	{ "poll", SYS_poll, { P, 0, 0 }, true },
	{ "open", SYS_openat, { (unsigned long long)AT_FDCWD, P, O_RDONLY }, false },
	{ "socket", SYS_socket, { AF_UNIX, SOCK_STREAM, 0 }, false },
	{ "accept", SYS_accept4, { 24, 0, 0, CLOEXEC_NONBLOCK }, true },
	{ "accept on the channel", SYS_accept4, { 3, 0, 0, CLOEXEC_NONBLOCK }, false },
	{ "accept on the next number", SYS_accept4, { 25, 0, 0, CLOEXEC_NONBLOCK }, false },
	{ "accept without close-on-exec", SYS_accept4, { 24, 0, 0, SOCK_NONBLOCK }, false },
	{ "accept a blocking one", SYS_accept4, { 24, 0, 0, SOCK_CLOEXEC }, false },
	{ "accept and ask who it is", SYS_accept4, { 24, P, 0, CLOEXEC_NONBLOCK }, false },
	{ "accept with a length", SYS_accept4, { 24, 0, P, CLOEXEC_NONBLOCK }, false },
	{ "accept with high bits", SYS_accept4, { HIGH | 24, 0, 0, CLOEXEC_NONBLOCK }, false },
	{ "old accept", SYS_accept, { 24, 0, 0 }, false },
	{ "a connection becomes the channel", SYS_dup3, { 6, 3, O_CLOEXEC }, true },
	{ "the channel becomes the listening socket", SYS_dup3, { 24, 3, O_CLOEXEC }, true },
	{ "a connection becomes the device", SYS_dup3, { 6, 4, O_CLOEXEC }, false },
	{ "a connection becomes standard error", SYS_dup3, { 6, 2, O_CLOEXEC }, false },
	{ "the disk becomes the channel", SYS_dup3, { 5, 3, O_CLOEXEC }, false },
	{ "the channel becomes the transient fd", SYS_dup3, { 3, 6, O_CLOEXEC }, false },
	{ "a channel that stays open on exec", SYS_dup3, { 6, 3, 0 }, false },
	{ "dup3 with high bits", SYS_dup3, { HIGH | 6, 3, O_CLOEXEC }, false },
	{ "dup", SYS_dup, { 3 }, false },
	{ "dup2", SYS_dup2, { 6, 3 }, false },
	{ "fork", SYS_clone, { SIGCHLD, 0, 0, 0, 0 }, false },
	{ "execve", SYS_execve, { P, 0, 0 }, false },
	{ "kill", SYS_kill, { 1, 0 }, false },
	{ "prctl", SYS_prctl, { 4, 1 }, false },
	{ "ptrace", SYS_ptrace, { 0 }, false },
	{ "io_uring_setup", SYS_io_uring_setup, { 1, P }, false },
	{ "sigaction", SYS_rt_sigaction, { SIGBUS, 0, 0, 8 }, false },
	{ "x32 read", 0x40000000L | SYS_read, { 7, P, 8 }, false },
	{ "no such call", 100000, { 0 }, false },
	{ "call -1", -1, { 0 }, false },
};

static void P7_P9_P11_filter(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++) {
		const struct attempt *a = &attempts[i];
		int status = run_attempt(a);
		bool killed = WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS;
		bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;

		if (a->allowed ? !done : !killed)
			fail_msg("%s: status 0x%x", a->what, (unsigned)status);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(no_more_calls_than_promised),
		cmocka_unit_test(row_without_a_reason_is_refused),
		cmocka_unit_test(wider_row_of_the_same_call_is_refused),
		cmocka_unit_test(calls_are_counted_once),
		cmocka_unit_test(filter_can_be_printed),
		cmocka_unit_test(P7_P9_P11_filter),
	};

	return cmocka_run_group_tests_name("worker/syscalls", tests, NULL, NULL);
}
