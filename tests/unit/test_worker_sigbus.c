/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_sigbus.c - worker/ring/sigbus.c: pages of the driver's memory that are
 * gone (D15), and the state file cut short (L2). Faults that end the process happen in a child.
 */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/unit/guest_memory.h"
#include "tests/unit/unit.h"
#include "worker/exit.h"
#include "worker/ring/sigbus.h"

#define BASE 0x100000ULL
#define SIZE 0x4000ULL

static int setup(void **state)
{
	(void)state;
	guest_memory_begin();
	guest_add(&guest, BASE, SIZE, 0, VDUSE_ACCESS_RW);
	return 0;
}

static int teardown(void **state)
{
	sigbus_set_state(NULL, 0);
	return guest_memory_end(state);
}

/* Faults since it was asked last. */
static unsigned new_faults(void)
{
	static unsigned seen;
	unsigned n = sigbus_count() - seen;

	seen += n;
	return n;
}

static void D15_page_gone(void **state)
{
	uint8_t byte = 1;

	(void)state;
	/* here: cmocka puts its own handler in front of every test */
	assert_int_equal(sigbus_install(&map), 0);
	assert_int_equal(iova_write(&view, BASE + 0x2000, &byte, 1), 0);
	assert_int_equal(new_faults(), 0);
	assert_return_code(ftruncate(guest.r[0].fd, 0x1000), errno);
	assert_int_equal(iova_read(&view, BASE + 0x2000, &byte, 1), 0);
	assert_int_equal(byte, 0);
	assert_int_equal(new_faults(), 1);
	assert_int_equal(new_faults(), 0);
	assert_int_equal(iova_write(&view, BASE + 0x3fff, &byte, 1), 0); /* another page: again */
	assert_int_equal(new_faults(), 1);
	assert_int_equal(iova_read(&view, BASE, &byte, 1), 0); /* what is left */
	assert_int_equal(new_faults(), 0);
}

static void D15_page_gone_is_forgotten_with_its_region(void **state)
{
	uint8_t byte;

	(void)state;
	assert_int_equal(sigbus_install(&map), 0);
	assert_int_equal(iova_read(&view, BASE, &byte, 1), 0);
	assert_return_code(ftruncate(guest.r[0].fd, 0), errno);
	assert_int_equal(iova_read(&view, BASE, &byte, 1), 0);
	assert_int_equal(new_faults(), 1);
	(void)iova_drop(&map, 0, UINT64_MAX);
	iova_sweep(&map);
	assert_return_code(ftruncate(guest.r[0].fd, (off_t)SIZE), errno);
	guest.r[0].mem[0] = 42;
	assert_int_equal(iova_read(&view, BASE, &byte, 1), 0);
	assert_int_equal(byte, 42);
	assert_int_equal(new_faults(), 0);
}

static void *short_mapping(void)
{
	int fd = memfd_create("short", MFD_CLOEXEC);
	void *p;

	assert_return_code(fd, errno);
	p = mmap(NULL, 0x1000, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(p, MAP_FAILED);
	assert_return_code(close(fd), errno);
	return p;
}

static int exit_code_of_touching(const void *p)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)*(const volatile uint8_t *)p;
		_exit(99);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

static void L2_state_file_cut_short(void **state)
{
	void *p = short_mapping();

	(void)state;
	assert_int_equal(sigbus_install(&map), 0);
	sigbus_set_state(p, 0x1000);
	assert_int_equal(exit_code_of_touching(p), WORKER_EXIT_STATE);
	assert_return_code(munmap(p, 0x1000), errno);
}

static void fault_elsewhere_ends_the_process(void **state)
{
	void *p = short_mapping();

	(void)state;
	assert_int_equal(sigbus_install(&map), 0);
	assert_int_equal(exit_code_of_touching(p), WORKER_EXIT_FAULT);
	assert_return_code(munmap(p, 0x1000), errno);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(D15_page_gone),
		T(D15_page_gone_is_forgotten_with_its_region),
		T(L2_state_file_cut_short),
		T(fault_elsewhere_ends_the_process),
	};

	return cmocka_run_group_tests_name("worker/sigbus", tests, NULL, NULL);
}
