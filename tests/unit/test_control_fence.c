/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/sys/fence.c: who keeps the lock of a state file, and until when. The file,
 * the mappings and the processes are real.
 */
#include "tests/unit/unit.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/sys/fence.h"

static char path[] = "/tmp/vdused-fence.XXXXXX";

static int setup(void **state)
{
	int fd;

	(void)state;
	memcpy(path + sizeof(path) - 7, "XXXXXX", 6);
	fd = mkstemp(path);
	if (fd < 0 || ftruncate(fd, 4096) != 0)
		return -1;
	fd_close(&fd);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(path);
}

static int open_it(void)
{
	int fd = open(path, O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void *map_it(int fd)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

static void test_one_has_it(void **state)
{
	int one = open_it(), two = open_it();

	(void)state;
	assert_int_equal(fence_look(path), 0);
	assert_int_equal(fence_take(one, 0), 0);
	assert_int_equal(fence_look(path), FENCE_HELD);
	assert_int_equal(fence_take(two, 0), FENCE_HELD);
	assert_int_equal(fence_take(two, 20), FENCE_HELD);
	fd_close(&one);
	assert_int_equal(fence_look(path), 0);
	assert_int_equal(fence_take(two, 0), 0);
	fd_close(&two);
}

/* To look takes nothing from anybody, nor does it keep the lock from whoever takes it. */
static void test_looking_changes_nothing(void **state)
{
	int fd = open_it(), other = open_it();
	void *kept = map_it(other);

	(void)state;
	assert_int_equal(fence_take(fd, 0), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(fence_look(path), FENCE_HELD);
	fd_close(&other);
	assert_int_equal(munmap(kept, 4096), 0);
	assert_int_equal(fence_look(path), FENCE_HELD);
	fd_close(&fd);
}

static void test_a_mapping_alone_keeps_it(void **state)
{
	int fd = open_it();
	void *p = map_it(fd);

	(void)state;
	assert_int_equal(fence_take(fd, 0), 0);
	fd_close(&fd);
	assert_int_equal(fence_look(path), FENCE_HELD);
	assert_int_equal(munmap(p, 4096), 0);
	assert_int_equal(fence_look(path), 0);
}

/* The hand-over: one takes it, another gets the descriptor, maps it, and is killed. */
static void test_it_ends_with_the_process_that_maps_it(void **state)
{
	int fd = open_it(), ready[2];
	pid_t child;
	char c;

	(void)state;
	assert_int_equal(fence_take(fd, 0), 0);
	assert_int_equal(pipe(ready), 0);
	child = fork();
	if (child == 0) {
		(void)map_it(fd);
		fd_close(&fd);
		(void)!write(ready[1], "", 1);
		for (;;)
			(void)pause();
	}
	assert_int_equal(read(ready[0], &c, 1), 1);
	fd_close(&fd);
	assert_int_equal(fence_look(path), FENCE_HELD);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_int_equal(fence_look(path), 0);
	fd_close(&ready[0]);
	fd_close(&ready[1]);
}

static void test_no_file_is_nobodys(void **state)
{
	(void)state;
	assert_int_equal(fence_look("/nonexistent/disk0"), 0);
	assert_int_equal(fence_look("/etc/passwd/disk0"), -ENOTDIR);
}

static void test_the_longer_the_more_rarely(void **state)
{
	(void)state;
	assert_int_equal(fence_pause_ms(0), 5);
	assert_int_equal(fence_pause_ms(100), 25);
	assert_int_equal(fence_pause_ms(1000000), 500);
}

#define FENCE(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FENCE(one_has_it),
		FENCE(looking_changes_nothing),
		FENCE(a_mapping_alone_keeps_it),
		FENCE(it_ends_with_the_process_that_maps_it),
		FENCE(no_file_is_nobodys),
		FENCE(the_longer_the_more_rarely),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
