/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_engine.c - worker/blk/engine_pread.c and engine_fail.c on real files: a
 * sparse file on tmpfs (memfd), a file that shrank, a full one (RLIMIT_FSIZE), a read-only
 * descriptor.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "worker/blk/engine.h"
#include "worker/blk/engine_fail.h"
#include "worker/blk/engine_pread.h"

#define SIZE (1U << 20)

static struct backend backend;
static struct engine engine;
static struct io io;
static uint8_t buf[SIZE];

static int setup(void **state)
{
	(void)state;
	backend.fd = memfd_create("disk", MFD_CLOEXEC);
	if (backend.fd < 0 || ftruncate(backend.fd, SIZE) < 0)
		return -1;
	engine = (struct engine){ .ops = &engine_pread, .backend = &backend };
	memset(&io, 0, sizeof(io));
	io.iov = io.few;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	return close(backend.fd);
}

static int submit(void)
{
	assert_int_equal(engine.ops->submit(&engine, &io), ENGINE_DONE);
	return io.result;
}

static int transfer(enum io_op op, uint64_t offset, uint64_t len, uint32_t pieces)
{
	io.op = op;
	io.ranges = 1;
	io.range[0] = (struct io_range){ .offset = offset, .len = len };
	io.niov = pieces;
	for (uint32_t i = 0; i < pieces; i++)
		io.iov[i] = (struct iovec){ .iov_base = buf + i * (len / pieces), .iov_len = len / pieces };
	return submit();
}

static int ranges(enum io_op op, uint64_t offset, uint64_t len, bool may_unmap)
{
	io.op = op;
	io.may_unmap = may_unmap;
	io.ranges = 1;
	io.range[0] = (struct io_range){ .offset = offset, .len = len };
	return submit();
}

static long blocks(void)
{
	struct stat st;

	assert_return_code(fstat(backend.fd, &st), errno);
	return st.st_blocks;
}

static void writes_and_reads_vectors(void **state)
{
	(void)state;
	for (size_t i = 0; i < 8192; i++)
		buf[i] = (uint8_t)(i * 7);
	assert_int_equal(transfer(IO_WRITE, 4096, 8192, 8), 0);
	memset(buf, 0, sizeof(buf));
	assert_int_equal(transfer(IO_READ, 4096, 8192, 4), 0);
	for (size_t i = 0; i < 8192; i++)
		assert_int_equal(buf[i], (uint8_t)(i * 7));
}

static void nothing_to_transfer(void **state)
{
	(void)state;
	assert_int_equal(transfer(IO_READ, SIZE, 0, 0), 0);
}

static void file_shrank_is_an_error_not_zeros(void **state)
{
	(void)state;
	assert_return_code(ftruncate(backend.fd, 5000), errno);
	/* a short read first, then nothing */
	assert_int_equal(transfer(IO_READ, 4096, 4096, 2), -EIO);
	assert_int_equal(transfer(IO_READ, 8192, 4096, 1), -EIO);
}

static void short_write_is_completed_or_fails(void **state)
{
	struct rlimit old, small = { 6000, 6000 };

	(void)state;
	assert_return_code(getrlimit(RLIMIT_FSIZE, &old), errno);
	small.rlim_max = old.rlim_max;
	assert_ptr_not_equal(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	assert_return_code(setrlimit(RLIMIT_FSIZE, &small), errno);
	assert_int_equal(transfer(IO_WRITE, 4096, 4096, 2), -EFBIG);
	assert_return_code(setrlimit(RLIMIT_FSIZE, &old), errno);
}

static void bad_memory_is_an_error(void **state)
{
	void *gone = mmap(NULL, 8192, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(gone, MAP_FAILED);
	io.op = IO_READ;
	io.ranges = 1;
	io.range[0] = (struct io_range){ .offset = 0, .len = 8192 };
	io.niov = 2;
	io.iov[0] = (struct iovec){ .iov_base = buf, .iov_len = 4096 };
	io.iov[1] = (struct iovec){ .iov_base = gone, .iov_len = 4096 };
	assert_int_equal(submit(), -EFAULT);
	assert_return_code(munmap(gone, 8192), errno);
}

static void write_to_a_read_only_descriptor(void **state)
{
	char path[64];
	int rw = backend.fd;

	(void)state;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", rw);
	backend.fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_return_code(backend.fd, errno);
	assert_int_equal(transfer(IO_WRITE, 0, 4096, 1), -EBADF);
	assert_return_code(close(backend.fd), errno);
	backend.fd = rw;
}

static void flushes(void **state)
{
	(void)state;
	io.op = IO_FLUSH;
	assert_int_equal(submit(), 0);
}

static void discard_frees_blocks(void **state)
{
	(void)state;
	memset(buf, 1, sizeof(buf));
	assert_int_equal(transfer(IO_WRITE, 0, SIZE, 1), 0);
	assert_int_equal(blocks(), SIZE / 512);
	io.op = IO_DISCARD;
	io.ranges = 3;
	io.range[0] = (struct io_range){ .offset = 0, .len = 4096 };
	io.range[1] = (struct io_range){ .offset = 8192, .len = 0 };
	io.range[2] = (struct io_range){ .offset = 16384, .len = 8192 };
	assert_int_equal(submit(), 0);
	assert_int_equal(blocks(), SIZE / 512 - 24);
	assert_int_equal(transfer(IO_READ, 8192, 4096, 1), 0);
	assert_int_equal(buf[0], 1);
}

static void check_zeroed(uint64_t offset, uint64_t len)
{
	memset(buf, 9, sizeof(buf));
	assert_int_equal(transfer(IO_READ, 0, SIZE, 1), 0);
	for (uint64_t i = 0; i < SIZE; i++)
		assert_int_equal(buf[i], i >= offset && i < offset + len ? 0 : 1);
}

static void zeroes_by_punching(void **state)
{
	(void)state;
	memset(buf, 1, sizeof(buf));
	assert_int_equal(transfer(IO_WRITE, 0, SIZE, 1), 0);
	assert_int_equal(ranges(IO_ZERO, 4096, 65536, true), 0);
	assert_int_equal(blocks(), (SIZE - 65536) / 512);
	check_zeroed(4096, 65536);
}

/* tmpfs has no FALLOC_FL_ZERO_RANGE: zeros are written. */
static void zeroes_by_writing(void **state)
{
	(void)state;
	memset(buf, 1, sizeof(buf));
	assert_int_equal(transfer(IO_WRITE, 0, SIZE, 1), 0);
	assert_int_equal(ranges(IO_ZERO, 512, 200 * 1024 + 512, false), 0);
	assert_int_equal(blocks(), SIZE / 512);
	check_zeroed(512, 200 * 1024 + 512);
}

static void zeroes_nothing(void **state)
{
	(void)state;
	assert_int_equal(ranges(IO_ZERO, 512, 0, false), 0);
}

/* A pipe can do none of it: not a backend, but every call fails. */
static void errors_of_the_backend_are_passed_on(void **state)
{
	int fds[2], saved = backend.fd;

	(void)state;
	assert_return_code(pipe2(fds, O_CLOEXEC), errno);
	backend.fd = fds[0];
	assert_int_equal(transfer(IO_READ, 0, 512, 1), -ESPIPE);
	io.op = IO_FLUSH;
	assert_int_equal(submit(), -EINVAL);
	assert_true(ranges(IO_DISCARD, 0, 512, false) < 0);
	assert_true(ranges(IO_ZERO, 0, 512, false) < 0);
	backend.fd = saved;
	assert_return_code(close(fds[0]), errno);
	assert_return_code(close(fds[1]), errno);
}

static void fail_mode_fails_everything(void **state)
{
	(void)state;
	engine.ops = &engine_fail;
	for (int op = IO_READ; op <= IO_ZERO; op++) {
		io.op = (enum io_op)op;
		io.ranges = op == IO_FLUSH ? 0 : 1;
		assert_int_equal(submit(), -EIO);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(writes_and_reads_vectors),
		T(nothing_to_transfer),
		T(file_shrank_is_an_error_not_zeros),
		T(short_write_is_completed_or_fails),
		T(bad_memory_is_an_error),
		T(write_to_a_read_only_descriptor),
		T(flushes),
		T(discard_frees_blocks),
		T(zeroes_by_punching),
		T(zeroes_by_writing),
		T(zeroes_nothing),
		T(errors_of_the_backend_are_passed_on),
		T(fail_mode_fails_everything),
	};

	return cmocka_run_group_tests_name("worker/engine", tests, NULL, NULL);
}
