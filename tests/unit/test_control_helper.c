/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Helpers: what they get, what they hand back, and that none of them can hold up vdused.
 */
#include "tests/unit/unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/helper/close_elsewhere.h"
#include "control/helper/helper.h"

static struct event_base *base;
static struct helper_result got;
static int got_fd;
static int calls;

static bool no_pidfd;

/* In the place of syscall(2) and waitpid(2): see control.mk. */
long __wrap_syscall(long nr, long a, long b, long c, long d, long f, long g);
long __real_syscall(long nr, long a, long b, long c, long d, long f, long g);
long __wrap_syscall(long nr, long a, long b, long c, long d, long f, long g)
{
	if (nr == SYS_pidfd_open && no_pidfd) {
		errno = ENFILE;
		return -1;
	}
	return __real_syscall(nr, a, b, c, d, f, g);
}

pid_t __wrap_waitpid(pid_t pid, int *status, int options);
pid_t __real_waitpid(pid_t pid, int *status, int options);
pid_t __wrap_waitpid(pid_t pid, int *status, int options)
{
	assert_true(options & WNOHANG);
	return __real_waitpid(pid, status, options);
}

static void done(void *ctx, struct helper_result *res)
{
	(void)ctx;
	calls++;
	got = *res;
	got_fd = res->nfds ? fd_take(&res->fds[0]) : -1;
}

static void run(helper_fn *fn, const void *arg, const int *fds, unsigned nfds, unsigned ms)
{
	const struct helper_kind kind = { .name = "test", .fn = fn, .deadline_ms = ms };
	struct helper_call call = { .arg = arg, .nfds = nfds };
	struct err e = { 0 };
	long long end = now_ms() + 5000;

	for (unsigned i = 0; i < nfds; i++)
		call.fds[i] = fds[i];
	calls = 0;
	memset(&got, 0, sizeof(got));
	assert_int_equal(helper_start(base, &kind, &call, done, NULL, &e), 0);
	while (calls == 0 && now_ms() < end)
		(void)event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(calls, 1);
}

static int step_ok(const void *arg, struct helper_out *out)
{
	memcpy(out->result->data, arg, 4);
	out->fds[out->nfds++] = open("/dev/zero", O_RDONLY | O_CLOEXEC);
	return 0;
}

static void test_result_data_and_fd_come_back(void **state)
{
	struct stat st;

	(void)state;
	run(step_ok, "abc", NULL, 0, 5000);
	assert_int_equal(got.err.code, 0);
	assert_string_equal((const char *)got.data, "abc");
	assert_int_equal(got.nfds, 1);
	assert_int_equal(fstat(got_fd, &st), 0);
	assert_true(S_ISCHR(st.st_mode));
	assert_true(fcntl(got_fd, F_GETFD) & FD_CLOEXEC);
	(void)close(got_fd);
}

/* Hands two back; the owner takes the first only. */
static int step_hands_two_back(const void *arg, struct helper_out *out)
{
	(void)arg;
	out->fds[out->nfds++] = HELPER_FD;
	out->fds[out->nfds++] = HELPER_FD + 1;
	return 0;
}

/* What the owner leaves in a result is closed for him, by another helper, as it may take long. */
static void test_what_is_not_taken_is_closed(void **state)
{
	long long end = now_ms() + 10000;
	int kept[2], left[2], fds[2];
	struct pollfd p;

	(void)state;
	assert_int_equal(pipe2(kept, O_CLOEXEC), 0);
	assert_int_equal(pipe2(left, O_CLOEXEC), 0);
	fds[0] = kept[1];
	fds[1] = left[1];
	run(step_hands_two_back, NULL, fds, 2, 5000);
	assert_int_equal(got.nfds, 2);
	(void)close(kept[1]);
	(void)close(left[1]);
	p = (struct pollfd){ .fd = left[0], .events = POLLIN };
	while (poll(&p, 1, 0) == 0 && now_ms() < end)
		(void)event_base_loop(base, EVLOOP_ONCE);
	assert_true(p.revents & POLLHUP);
	while (helper_count() > 0 && now_ms() < end)
		(void)event_base_loop(base, EVLOOP_ONCE);
	p.fd = kept[0];
	assert_int_equal(poll(&p, 1, 0), 0);
	(void)close(got_fd);
	assert_int_equal(poll(&p, 1, 0), 1);
	(void)close(kept[0]);
	(void)close(left[0]);
}

static int step_fails(const void *arg, struct helper_out *out)
{
	(void)arg;
	return err_class(&out->result->err, CTL_E_BUSY, "the thing is busy\n: wait");
}

/* As by whoever took a helper over: no class that no client could be told. */
static int step_lies(const void *arg, struct helper_out *out)
{
	out->result->err.class = *(const uint32_t *)arg;
	out->result->err.code = -EIO;
	return -EIO;
}

static void test_a_class_that_is_none(void **state)
{
	static const uint32_t classes[] = { 0, CTL_E_LAST + 1, UINT32_MAX };

	(void)state;
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		run(step_lies, &classes[i], NULL, 0, 5000);
		assert_int_equal(got.err.class, CTL_E_FAILED);
	}
}

static void test_error_comes_back_printable(void **state)
{
	(void)state;
	run(step_fails, NULL, NULL, 0, 5000);
	assert_int_equal(got.err.code, -EBUSY);
	assert_int_equal(got.err.class, CTL_E_BUSY);
	assert_string_equal(got.err.text, "the thing is busy?: wait");
}

/* Fds of the child: 0 to 3, what the spec names, and the directory being read. */
static int step_count_fds(const void *arg, struct helper_out *out)
{
	DIR *d = opendir("/proc/self/fd");
	int n = 0;

	(void)arg;
	while (d && readdir(d))
		n++;
	n -= 3; /* ".", ".." and d itself */
	memcpy(out->result->data, &n, sizeof(n));
	return d ? 0 : -errno;
}

static void test_child_has_only_its_fds(void **state)
{
	int a = open("/dev/null", O_RDONLY | O_CLOEXEC), b = open("/dev/zero", O_RDONLY | O_CLOEXEC), n;
	int fds[2] = { b, a };

	(void)state;
	run(step_count_fds, NULL, NULL, 0, 5000);
	memcpy(&n, got.data, sizeof(n));
	assert_int_equal(n, 4);
	run(step_count_fds, NULL, fds, 2, 5000);
	memcpy(&n, got.data, sizeof(n));
	assert_int_equal(n, 6);
	(void)close(a);
	(void)close(b);
}

static int step_hangs(const void *arg, struct helper_out *out)
{
	(void)arg;
	(void)out;
	(void)pause(); /* no signal of ours comes */
	return 0;
}

static void test_P20_hanging_step_is_killed_at_its_deadline(void **state)
{
	long long at = now_ms();

	(void)state;
	run(step_hangs, NULL, NULL, 0, 100);
	assert_int_equal(helper_count(), 0);
	assert_int_equal(got.err.code, -ETIMEDOUT);
	assert_in_range(now_ms() - at, 90, 3000);
}

/* Waits until nobody waits for it, then leaves a mark. */
static int step_patient(const void *arg, struct helper_out *out)
{
	(void)out;
	while (helper_wanted())
		(void)usleep(1000);
	return write(HELPER_FD, arg, 1) == 1 ? 0 : -errno;
}

static void test_patient_helper_is_given_up_but_not_killed(void **state)
{
	const struct helper_kind kind = { .name = "test", .fn = step_patient, .deadline_ms = 50, .patient = true };
	struct helper_call call = { .arg = "x", .nfds = 1 };
	struct err e = { 0 };
	int p[2];
	char mark = 0;

	(void)state;
	assert_int_equal(pipe(p), 0);
	call.fds[0] = p[1];
	calls = 0;
	assert_int_equal(helper_start(base, &kind, &call, done, NULL, &e), 0);
	(void)close(p[1]);
	while (helper_count() > 0)
		(void)event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(calls, 1);
	assert_int_equal(got.err.code, -ETIMEDOUT);
	assert_int_equal(read(p[0], &mark, 1), 1); /* it went on to its end */
	assert_int_equal(mark, 'x');
	(void)close(p[0]);
}

static int step_dies(const void *arg, struct helper_out *out)
{
	(void)arg;
	(void)out;
	(void)raise(SIGKILL);
	return 0;
}

static void test_dead_helper_is_an_error(void **state)
{
	(void)state;
	run(step_dies, NULL, NULL, 0, 5000);
	assert_int_equal(got.err.code, -EIO);
}

static int setup(void **state)
{
	(void)state;
	helper_init(close_elsewhere);
	base = event_base_new();
	return base ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	event_base_free(base);
	return 0;
}

static int step_nothing(const void *arg, struct helper_out *out)
{
	(void)arg;
	(void)out;
	return 0;
}

/* One that cannot be watched is not waited for in the main process. */
static void test_without_a_pidfd(void **state)
{
	const struct helper_kind kind = { .name = "test", .fn = step_nothing, .deadline_ms = 5000 };
	struct helper_call call = { 0 };
	struct err e = { 0 };

	(void)state;
	no_pidfd = true;
	assert_int_equal(helper_start(base, &kind, &call, done, NULL, &e), -ENFILE);
	no_pidfd = false;
	while (helper_count() > 0)
		(void)event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(waitid(P_ALL, 0, &(siginfo_t){ 0 }, WEXITED | WNOHANG), -1);
	assert_int_equal(errno, ECHILD);
}

/*
 * Few helpers at a time for one uid, however many descriptors; each is closed in the end, and none
 * at once by us.
 */
static void test_closing_for_one_uid(void **state)
{
	enum { MANY = 3 * CLOSER_BATCH };
	struct pollfd p[MANY];
	long long end = now_ms() + 20000;
	unsigned open_still = MANY, most = 0;

	(void)state;
	for (unsigned i = 0; i < MANY; i++) {
		int fd[2];

		assert_int_equal(pipe2(fd, O_CLOEXEC), 0);
		p[i] = (struct pollfd){ .fd = fd[0], .events = POLLIN };
		close_elsewhere(base, &fd[1], 4711);
		assert_int_equal(fd[1], -1);
		most = helper_count() > most ? helper_count() : most;
	}
	while (open_still > 0 && now_ms() < end) {
		(void)event_base_loop(base, EVLOOP_ONCE);
		open_still = 0;
		for (unsigned i = 0; i < MANY; i++)
			open_still += poll(&p[i], 1, 0) == 0;
	}
	assert_int_equal(open_still, 0);
	assert_in_range(most, CLOSER_STUCK_MAX, CLOSER_STUCK_MAX + MANY / CLOSER_BATCH);
	while (helper_count() > 0 && now_ms() < end)
		(void)event_base_loop(base, EVLOOP_ONCE);
	assert_int_equal(helper_count(), 0);
	for (unsigned i = 0; i < MANY; i++)
		(void)close(p[i].fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_result_data_and_fd_come_back),
		cmocka_unit_test(test_what_is_not_taken_is_closed),
		cmocka_unit_test(test_error_comes_back_printable),
		cmocka_unit_test(test_a_class_that_is_none),
		cmocka_unit_test(test_child_has_only_its_fds),
		cmocka_unit_test(test_P20_hanging_step_is_killed_at_its_deadline),
		cmocka_unit_test(test_patient_helper_is_given_up_but_not_killed),
		cmocka_unit_test(test_dead_helper_is_an_error),
		cmocka_unit_test(test_without_a_pidfd),
		cmocka_unit_test(test_closing_for_one_uid),
	};

	return cmocka_run_group_tests_name("control_helper", tests, setup, teardown);
}
