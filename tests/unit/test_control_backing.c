/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Backing files: what a client may pass (C10, C11, F11, F13), and who excludes whom (F12).
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "control/steps/backing_open.h"
#include "control/steps/find_file.h"
#include "control/sys/with_parent.h"
#include "proto/ctl_msg.h"

static char dir[] = "/tmp/vdused-unit.XXXXXX";

static int make_file(const char *name, off_t size, int flags)
{
	char path[128];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, size), 0);
	(void)close(fd);
	fd = open(path, flags | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/*
 * The rest of the child's life is backing_check() with sock as HELPER_FD; its verdict comes through
 * shared memory.
 */
struct verdict {
	struct helper_result res;
	int rc;
	unsigned nfds;
};

/* In the place of backing_become(), where nobody can become anybody (see control.mk). */
int __wrap_backing_become(const struct owner *o, struct err *e);
int __real_backing_become(const struct owner *o, struct err *e);
int __wrap_backing_become(const struct owner *o, struct err *e)
{
	return geteuid() == 0 ? __real_backing_become(o, e) : 0;
}

static void check_in_child(const struct backing_arg *how, int sock, struct verdict *v)
{
	struct backing_check_arg a = { .how = *how, .owner = { .uid = geteuid(), .gid = getegid() } };
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		struct helper_out out = { .result = &v->res };

		if (sock != HELPER_FD && dup2(sock, HELPER_FD) < 0)
			_exit(1);
		v->rc = backing_check(&a, &out);
		v->nfds = out.nfds;
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static struct verdict *shared;

static int check_fds(const struct backing_arg *a, const int *fds, unsigned nfds)
{
	struct ctl_plain m = { 0 };
	int sv[2];

	memset(shared, 0, sizeof(*shared));
	msg_init(&m, CTL_FILE, sizeof(m));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(chan_send(sv[0], &m, sizeof(m), fds, nfds), 0);
	check_in_child(a, sv[1], shared);
	(void)close(sv[0]);
	(void)close(sv[1]);
	if (shared->rc == -EINVAL) /* by its request a client says which file it shall be */
		assert_int_equal(shared->res.err.class, CTL_E_INVALID);
	return shared->rc;
}

static int check_one(const struct backing_arg *a, int fd)
{
	int rc = check_fds(a, &fd, 1);

	(void)close(fd);
	return rc;
}

static const struct backing_arg rw = { .block_size = 512 };
static const struct backing_arg rw4k = { .block_size = 4096 };
static const struct backing_arg ro = { .block_size = 512, .read_only = true };

static void test_good_files_pass(void **state)
{
	struct backing_info info;

	(void)state;
	assert_int_equal(check_one(&rw, make_file("a", 1 << 20, O_RDWR)), 0);
	memcpy(&info, shared->res.data, sizeof(info));
	assert_int_equal(info.size, 1 << 20);
	assert_int_equal(info.is_block, 0);
	assert_non_null(strstr(info.path, "/a"));
	assert_int_equal(shared->nfds, 1);
	assert_int_equal(check_one(&rw4k, make_file("a", 1 << 20, O_RDWR)), 0);
	assert_int_equal(check_one(&ro, make_file("a", 1 << 20, O_RDONLY)), 0);
	assert_int_equal(check_one(&ro, make_file("a", 1 << 20, O_RDWR)), 0);
}

static void test_C11_wrong_access_modes_and_O_PATH(void **state)
{
	(void)state;
	assert_int_equal(check_one(&rw, make_file("a", 4096, O_RDONLY)), -EINVAL);
	assert_non_null(strstr(shared->res.err.text, "O_RDWR"));
	assert_int_equal(check_one(&rw, make_file("a", 4096, O_WRONLY)), -EINVAL);
	assert_int_equal(check_one(&ro, make_file("a", 4096, O_WRONLY)), -EINVAL);
	assert_int_equal(check_one(&rw, make_file("a", 4096, O_PATH)), -EINVAL);
	assert_int_equal(check_one(&ro, make_file("a", 4096, O_PATH)), -EINVAL);
	assert_non_null(strstr(shared->res.err.text, "O_PATH"));
}

static void test_C11_F11_wrong_kinds(void **state)
{
	int p[2], sv[2];

	(void)state;
	assert_int_equal(check_one(&ro, open(dir, O_RDONLY | O_CLOEXEC)), -EINVAL);
	assert_int_equal(check_one(&rw, open("/dev/null", O_RDWR | O_CLOEXEC)), -EINVAL);
	assert_int_equal(pipe2(p, O_CLOEXEC), 0);
	assert_int_equal(check_one(&ro, p[0]), -EINVAL);
	(void)close(p[1]);
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, sv), 0);
	assert_int_equal(check_one(&rw, sv[0]), -EINVAL);
	(void)close(sv[1]);
	/* procfs */
	assert_int_equal(check_one(&ro, open("/proc/self/status", O_RDONLY | O_CLOEXEC)), -EINVAL);
}

static void test_F13_sizes(void **state)
{
	int fd;

	(void)state;
	assert_int_equal(check_one(&rw, make_file("empty", 0, O_RDWR)), -EINVAL);
	assert_non_null(strstr(shared->res.err.text, "empty"));
	assert_int_equal(check_one(&rw, make_file("odd", 1000, O_RDWR)), -EINVAL);
	assert_non_null(strstr(shared->res.err.text, "1024")); /* the remedy */
	assert_int_equal(check_one(&rw4k, make_file("half", 4096 + 512, O_RDWR)), -EINVAL);
	assert_int_equal(check_one(&rw, make_file("half", 4096 + 512, O_RDWR)), 0);
	fd = memfd_create("large", MFD_CLOEXEC);
	assert_int_equal(ftruncate(fd, (off_t)VD_CAPACITY_MAX + 512), 0);
	assert_int_equal(check_one(&rw, fd), -EINVAL);
	assert_non_null(strstr(shared->res.err.text, "larger than a device can be"));
}

/* find_file() in a child, whose ids it takes on. */
static int find_again(const char *name)
{
	struct find_arg a = { .owner = { .uid = geteuid(), .gid = getegid() }, .how = rw };
	pid_t pid;

	(void)snprintf(a.path, sizeof(a.path), "%s/%s", dir, name);
	(void)snprintf(a.info.path, sizeof(a.info.path), "%s/%s", dir, name);
	memset(shared, 0, sizeof(*shared));
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		struct helper_out out = { .result = &shared->res };

		shared->rc = find_file(&a, &out);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	return shared->rc;
}

/*
 * What a device had may be found again as something that no create would take. The request says
 * only which device is meant: it is not what breaks the rule.
 */
static void test_found_again_as_what_breaks_a_rule(void **state)
{
	(void)state;
	(void)close(make_file("short", 1000, O_RDWR));
	assert_int_equal(find_again("short"), -EINVAL);
	assert_non_null(strstr(shared->res.err.text, "not a multiple of the block size"));
	assert_int_equal(shared->res.err.class, CTL_E_FAILED);
	assert_int_equal(find_again("nowhere"), -ENOENT); /* which device there is */
	assert_int_equal(shared->res.err.class, CTL_E_FAILED);
}

static void test_C10_wrong_numbers_of_fds(void **state)
{
	int fds[2] = { make_file("a", 4096, O_RDWR), make_file("b", 4096, O_RDWR) };

	(void)state;
	assert_int_equal(check_fds(&rw, fds, 0), -EPROTO);
	assert_int_equal(check_fds(&rw, fds, 2), -EPROTO);
	assert_int_equal(shared->res.err.class, CTL_E_PROTOCOL);
	assert_int_equal(check_fds(&rw, fds, 1), 0);
	(void)close(fds[0]);
	(void)close(fds[1]);
}

static void test_C1_C18_other_messages_instead_of_the_file(void **state)
{
	struct ctl_list m = { 0 };
	int sv[2];

	(void)state;
	msg_init(&m, CTL_LIST, sizeof(m));
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv), 0);
	assert_int_equal(chan_send(sv[0], &m, sizeof(m), NULL, 0), 0);
	check_in_child(&rw, sv[1], shared);
	assert_int_equal(shared->rc, -EPROTO);
	assert_int_equal(chan_send(sv[0], "x", 1, NULL, 0), 0);
	check_in_child(&rw, sv[1], shared);
	assert_int_equal(shared->rc, -EPROTO);
	(void)close(sv[0]); /* C14: gone */
	check_in_child(&rw, sv[1], shared);
	assert_int_equal(shared->rc, -EPROTO);
	(void)close(sv[1]);
}

static int open_as(const struct backing_arg *a, int path_fd)
{
	struct backing_info info = { 0 };
	struct err e = { 0 };
	struct stat st;
	int fd;

	assert_int_equal(fstat(path_fd, &st), 0);
	info.dev = st.st_dev;
	info.ino = st.st_ino;
	info.rdev = st.st_rdev;
	fd = backing_open(path_fd, a, &info, &e);
	assert_int_equal(e.class, fd < 0 ? CTL_E_BUSY : 0);
	return fd;
}

static void test_F12_locks(void **state)
{
	int path = make_file("lock", 4096, O_PATH), w, r1, r2;

	(void)state;
	w = open_as(&rw, path);
	assert_true(w >= 0);
	assert_int_equal(open_as(&rw, path), -EBUSY);
	assert_int_equal(open_as(&ro, path), -EBUSY);
	(void)close(w);
	r1 = open_as(&ro, path);
	assert_true(r1 >= 0);
	r2 = open_as(&ro, path); /* a golden image: readers share */
	assert_true(r2 >= 0);
	assert_int_equal(open_as(&rw, path), -EBUSY);
	assert_int_equal(fcntl(r1, F_GETFL) & O_ACCMODE, O_RDONLY);
	(void)close(r1);
	(void)close(r2);
	w = open_as(&rw, path);
	assert_true(w >= 0);
	(void)close(w);
	(void)close(path);
}

/* The last close of a worker that has ended comes late. */
static void *lets_go(void *fd)
{
	struct timespec ms = { .tv_nsec = 50000000 };

	(void)nanosleep(&ms, NULL);
	(void)close(*(int *)fd);
	return NULL;
}

static void test_one_that_is_about_to_be_free(void **state)
{
	int path = make_file("soon", 4096, O_PATH), w = open_as(&rw, path), fd;
	struct backing_info info = { 0 };
	struct err e = { 0 };
	pthread_t other;

	(void)state;
	assert_int_equal(backing_identify(path, &info), 0);
	assert_int_equal(backing_open_soon(path, &rw, &info, 0, &e), -EBUSY);
	assert_int_equal(backing_open_soon(path, &rw, &info, 30, &e), -EBUSY);
	assert_int_equal(e.class, CTL_E_BUSY);
	memset(&e, 0, sizeof(e));
	assert_int_equal(pthread_create(&other, NULL, lets_go, &w), 0);
	fd = backing_open_soon(path, &rw, &info, 60000, &e);
	assert_true(fd >= 0);
	assert_int_equal(e.code, 0);
	assert_int_equal(pthread_join(other, NULL), 0);
	info.ino++; /* and what is no matter of time is said at once */
	assert_int_equal(backing_open_soon(path, &rw, &info, INT64_MAX, &e), -ESTALE);
	(void)close(fd);
	(void)close(path);
}

/* While a worker has it, everything but the lock can be tried, and nothing is left of that. */
static void test_tried_while_it_is_locked(void **state)
{
	int path = make_file("held", 4096, O_PATH), w = open_as(&rw, path);
	struct backing_info info = { 0 };
	struct err e = { 0 };

	(void)state;
	assert_true(w >= 0);
	assert_int_equal(backing_identify(path, &info), 0);
	assert_int_equal(backing_try(path, &rw, &info, &e), 0);
	assert_int_equal(open_as(&rw, path), -EBUSY); /* the lock is still there */
	info.ino++;
	assert_int_equal(backing_try(path, &rw, &info, &e), -ESTALE);
	assert_non_null(strstr(e.text, "put that back there"));
	(void)close(w);
	w = open_as(&rw, path);
	assert_true(w >= 0);
	(void)close(w);
	(void)close(path);
}

static void test_F9_another_file_is_noticed(void **state)
{
	int path = make_file("one", 4096, O_PATH);
	struct backing_info info = { .dev = 1, .ino = 2 };
	struct err e = { 0 };

	(void)state;
	assert_int_equal(backing_open(path, &rw, &info, &e), -ESTALE);
	(void)close(path);
}

static void test_same_file(void **state)
{
	struct backing_info f = { .dev = 1, .ino = 2, .born = 3 }, g = f;

	(void)state;
	assert_true(backing_same(&f, &g));
	g.ino = 4;
	assert_false(backing_same(&f, &g));
	g = f;
	g.born = 4; /* a later file of that inode number */
	assert_false(backing_same(&f, &g));
	g.born = 0; /* not known */
	assert_true(backing_same(&f, &g));
}

static void test_same_disk(void **state)
{
	struct backing_info d = { .dev = 5, .ino = 6, .rdev = 9, .diskseq = 3, .start = 8, .is_block = 1 }, o = d;
	struct backing_info f = { .dev = 5, .ino = 6 };

	(void)state;
	o.ino = 7; /* another node of the same disk */
	assert_true(backing_same(&d, &o));
	assert_false(backing_same(&d, &f));
	o = d;
	o.diskseq = 4; /* its number was given to another disk */
	assert_false(backing_same(&d, &o));
	o = d;
	o.start = 16; /* another partition of that number */
	assert_false(backing_same(&d, &o));
	o.diskseq = o.start = 0; /* of a vdused that did not record it: it may be */
	assert_true(backing_same(&d, &o));
	o.rdev = 10;
	assert_false(backing_same(&d, &o));
}

/* That it may be the same is enough to keep two devices apart, and not to open it. */
static void test_a_disk_that_is_not_known_is_none(void **state)
{
	struct backing_info info = { .rdev = 9, .is_block = 1 };
	int fd = make_file("a", 4096, O_RDWR);
	struct err e = { 0 };

	(void)state;
	assert_int_equal(backing_must_be(fd, &info, &e), -ESTALE);
	assert_non_null(strstr(e.text, "create it anew"));
	(void)close(fd);
}

/* Longer than any path may be: the kernel cannot name it, so nobody could find it again. */
static void test_path_that_is_too_long(void **state)
{
	char name[251];
	int at = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC), below, fd;

	(void)state;
	memset(name, 'd', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	for (unsigned n = 0; n < 17; n++, at = below) {
		fd = openat(at, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		assert_int_equal(ftruncate(fd, 4096), 0);
		assert_int_equal(check_one(&rw, fd), strlen(dir) + n * sizeof(name) + 2 < PATH_MAX ? 0 : -EINVAL);
		assert_int_equal(mkdirat(at, name, 0700), 0);
		below = openat(at, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
		assert_true(below >= 0);
		(void)close(at);
	}
	fd = openat(at, "f", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(check_one(&rw, fd), -EINVAL);
	assert_non_null(strstr(shared->res.err.text, "more than 4095 bytes"));
	(void)close(at);
}

/* Its name is that of another file for us: in another mount namespace, or below another mount. */
static void test_a_name_that_leads_to_another_file(void **state)
{
	struct backing_info info = { 0 };
	struct err e = { 0 };
	int here = make_file("here", 4096, O_RDWR), other = make_file("other", 4096, O_RDWR);
	int none = memfd_create("none", MFD_CLOEXEC);

	(void)state;
	assert_int_equal(backing_identify(here, &info), 0);
	assert_int_equal(find_no_other(here, &info, &e), 0);
	assert_int_equal(find_no_other(none, &info, &e), 0);
	assert_int_equal(find_no_other(other, &info, &e), -EINVAL);
	assert_non_null(strstr(e.text, "mount namespace"));
	(void)close(here);
	(void)close(other);
	(void)close(none);
}

/* The kernel forgets it when the ids for files change. */
static void test_who_takes_on_the_owners_ids_ends_with_vdused(void **state)
{
	struct owner o = { .uid = 1000, .gid = 1000 };
	pid_t parent = getpid(), pid;
	int status, sig = 0;

	(void)state;
	if (geteuid() != 0)
		skip();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		with_parent(parent);
		_exit(backing_become(&o, NULL) != 0 || prctl(PR_GET_PDEATHSIG, &sig) != 0 || sig != SIGKILL);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

static int setup(void **state)
{
	(void)state;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	return mkdtemp(dir) && shared != MAP_FAILED ? 0 : -1;
}

static int teardown(void **state)
{
	char cmd[64];

	(void)state;
	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	return system(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_good_files_pass),
		cmocka_unit_test(test_C11_wrong_access_modes_and_O_PATH),
		cmocka_unit_test(test_C11_F11_wrong_kinds),
		cmocka_unit_test(test_F13_sizes),
		cmocka_unit_test(test_found_again_as_what_breaks_a_rule),
		cmocka_unit_test(test_C10_wrong_numbers_of_fds),
		cmocka_unit_test(test_C1_C18_other_messages_instead_of_the_file),
		cmocka_unit_test(test_F12_locks),
		cmocka_unit_test(test_one_that_is_about_to_be_free),
		cmocka_unit_test(test_F9_another_file_is_noticed),
		cmocka_unit_test(test_tried_while_it_is_locked),
		cmocka_unit_test(test_same_file),
		cmocka_unit_test(test_same_disk),
		cmocka_unit_test(test_a_disk_that_is_not_known_is_none),
		cmocka_unit_test(test_path_that_is_too_long),
		cmocka_unit_test(test_a_name_that_leads_to_another_file),
		cmocka_unit_test(test_who_takes_on_the_owners_ids_ends_with_vdused),
	};

	return cmocka_run_group_tests_name("control_backing", tests, setup, teardown);
}
