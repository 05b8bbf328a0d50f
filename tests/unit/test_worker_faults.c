/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_faults.c - worker/blk/engine_pread.c on a kernel that fails as it is told:
 * preadv, pwritev, fdatasync and fallocate are wrapped (ld --wrap). threats: (c), backend faults.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "worker/blk/engine.h"
#include "worker/blk/engine_pread.h"

#define SIZE 8192U
#define PIECES 6U
#define STEPS 32U

ssize_t __real_preadv(int fd, const struct iovec *iov, int n, off_t at);
ssize_t __real_pwritev(int fd, const struct iovec *iov, int n, off_t at);
ssize_t __wrap_preadv(int fd, const struct iovec *iov, int n, off_t at);
ssize_t __wrap_pwritev(int fd, const struct iovec *iov, int n, off_t at);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);
int __real_fallocate(int fd, int mode, off_t at, off_t len);
int __wrap_fallocate(int fd, int mode, off_t at, off_t len);

/*
 * What the next calls do: fail with this errno when negative, else move so many bytes at most.
 * Then: all is well.
 */
static long step[STEPS];
static unsigned nsteps, calls;
static atomic_bool in_sync, sync_fails_late;

static struct backend backend;
static struct engine engine;
static struct io io;
static uint8_t buf[SIZE], disk[SIZE];
static uint32_t flush_failed;

#define PLAN(...)                                                                                                      \
	do {                                                                                                           \
		static const long p[] = { __VA_ARGS__ };                                                               \
		memcpy(step, p, sizeof(p));                                                                            \
		nsteps = sizeof(p) / sizeof(p[0]);                                                                     \
		calls = 0;                                                                                             \
	} while (0)

/* ---- the kernel ---- */

static long next_step(void)
{
	return calls < nsteps ? step[calls++] : (calls++, (long)SIZE);
}

static ssize_t move(bool write, int fd, const struct iovec *iov, int n, off_t at)
{
	struct iovec cut[PIECES + 1];
	long left = next_step();
	int k = 0;

	if (left < 0) {
		errno = (int)-left;
		return -1;
	}
	for (; k < n && k < (int)PIECES + 1 && left > 0; k++) {
		cut[k] = iov[k];
		if ((long)cut[k].iov_len > left)
			cut[k].iov_len = (size_t)left;
		left -= (long)cut[k].iov_len;
	}
	return write ? __real_pwritev(fd, cut, k, at) : __real_preadv(fd, cut, k, at);
}

ssize_t __wrap_preadv(int fd, const struct iovec *iov, int n, off_t at)
{
	return move(false, fd, iov, n, at);
}

ssize_t __wrap_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	return move(true, fd, iov, n, at);
}

static int fail_or(long todo)
{
	if (todo >= 0)
		return 0;
	errno = (int)-todo;
	return -1;
}

static void sleep_ms(long ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&ts, NULL);
}

int __wrap_fdatasync(int fd)
{
	(void)fd;
	/* the error is taken, but not returned yet */
	if (atomic_exchange(&sync_fails_late, false)) {
		atomic_store(&in_sync, true);
		sleep_ms(100);
		errno = EIO;
		return -1;
	}
	return fail_or(next_step());
}

int __wrap_fallocate(int fd, int mode, off_t at, off_t len)
{
	long todo = next_step();

	return todo < 0 ? fail_or(todo) : __real_fallocate(fd, mode, at, len);
}

/* ---- set-up ---- */

static void begin(bool cached)
{
	flush_failed = 0;
	backend.flush_failed = cached ? &flush_failed : NULL;
	assert_int_equal(pthread_mutex_init(&backend.flushing, NULL), 0);
	engine = (struct engine){ .ops = &engine_pread, .backend = &backend };
	memset(&io, 0, sizeof(io));
	io.iov = io.few;
	nsteps = calls = 0;
}

static int setup(void **state)
{
	(void)state;
	backend.fd = memfd_create("disk", MFD_CLOEXEC);
	if (backend.fd < 0 || ftruncate(backend.fd, SIZE) < 0)
		return -1;
	begin(true);
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

static const size_t piece[PIECES] = { 512, 1, 1535, 4096, 1024, 1024 };

/* All of the disk, in pieces of different sizes. */
static int transfer(enum io_op op)
{
	uint8_t *at = buf;

	io.op = op;
	io.ranges = 1;
	io.range[0] = (struct io_range){ .offset = 0, .len = SIZE };
	io.niov = PIECES;
	for (unsigned i = 0; i < PIECES; i++) {
		io.iov[i] = (struct iovec){ .iov_base = at, .iov_len = piece[i] };
		at += piece[i];
	}
	return submit();
}

static void fill(uint8_t *p, unsigned seed)
{
	for (size_t i = 0; i < SIZE; i++)
		p[i] = (uint8_t)(i * 7 + i / 256 + seed);
}

static void on_disk(void)
{
	uint8_t got[SIZE];

	assert_int_equal(pread(backend.fd, got, SIZE, 0), SIZE);
	assert_memory_equal(got, buf, SIZE);
}

/* ---- short transfers ---- */

static void moves_everything(long first, long second)
{
	fill(disk, (unsigned)first);
	assert_int_equal(pwrite(backend.fd, disk, SIZE, 0), SIZE);
	PLAN(0, 0);
	step[0] = first;
	step[1] = second;
	memset(buf, 0, SIZE);
	assert_int_equal(transfer(IO_READ), 0);
	assert_memory_equal(buf, disk, SIZE);
	fill(buf, (unsigned)first + 100);
	calls = 0;
	assert_int_equal(transfer(IO_WRITE), 0);
	on_disk();
}

static void short_at_every_boundary(void **state)
{
	long boundary = 0;

	(void)state;
	for (unsigned i = 0; i < PIECES; i++) {
		for (long d = -1; d <= 1; d++) {
			long at = boundary + d;

			if (at <= 0)
				continue;
			moves_everything(at, SIZE);
			assert_int_equal(calls, 2);
			moves_everything(at, 1);
			assert_int_equal(calls, 3);
			moves_everything(at, -EINTR);
			assert_int_equal(calls, 3);
		}
		boundary += (long)piece[i];
	}
	moves_everything(SIZE - 1, SIZE);
	assert_int_equal(calls, 2);
}

static void short_everywhere(void **state)
{
	(void)state;
	for (long at = 1; at < (long)SIZE; at += 37)
		moves_everything(at, 512);
}

static void interrupted(void **state)
{
	(void)state;
	fill(buf, 1);
	PLAN(-EINTR, -EINTR, 512, -EINTR, 1, -EINTR, 4096);
	assert_int_equal(transfer(IO_WRITE), 0);
	assert_int_equal(calls, 8);
	on_disk();
	memset(buf, 0, SIZE);
	calls = 0;
	assert_int_equal(transfer(IO_READ), 0);
	on_disk();
}

/* ---- errors ---- */

static void error_ends_the_request(enum io_op op, int error)
{
	PLAN(0, 0);
	step[0] = -error;
	assert_int_equal(transfer(op), -error);
	assert_int_equal(calls, 1); /* not tried again */
	calls = 0;
	step[0] = 4097; /* in the middle, after a part was transferred */
	step[1] = -error;
	assert_int_equal(transfer(op), -error);
	assert_int_equal(calls, 2);
}

static void errors_end_the_request(void **state)
{
	static const int errors[] = { EIO, ENOSPC, EDQUOT, EFBIG, EFAULT, EAGAIN, EINVAL, EROFS };

	(void)state;
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		error_ends_the_request(IO_READ, errors[i]);
		error_ends_the_request(IO_WRITE, errors[i]);
	}
	fill(buf, 3);
	assert_int_equal(transfer(IO_WRITE), 0); /* and the next one works */
	on_disk();
}

/*
 * The file shrank, or whatever makes a call transfer nothing: neither success nor an endless loop.
 */
static void nothing_transferred(void **state)
{
	(void)state;
	PLAN(0);
	assert_int_equal(transfer(IO_READ), -EIO);
	PLAN(0);
	assert_int_equal(transfer(IO_WRITE), -EIO);
	PLAN(513, 0);
	assert_int_equal(transfer(IO_READ), -EIO);
	PLAN(513, 0);
	assert_int_equal(transfer(IO_WRITE), -EIO);
	assert_int_equal(calls, 2);
}

/* ---- flush ---- */

static int flush(void)
{
	io.op = IO_FLUSH;
	io.ranges = 0;
	return submit();
}

static void failed_flush_is_reported(void **state)
{
	static const int errors[] = { EIO, ENOSPC, EDQUOT, EROFS };

	(void)state;
	for (int cached = 0; cached < 2; cached++) {
		for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
			begin(cached);
			PLAN(0);
			step[0] = -errors[i];
			assert_int_equal(flush(), -errors[i]);
			assert_int_equal(calls, 1);
		}
	}
}

static void interrupted_flush(void **state)
{
	(void)state;
	PLAN(-EINTR, -EINTR, 0);
	assert_int_equal(flush(), 0);
	assert_int_equal(calls, 3);
	assert_int_equal(flush_failed, 0);
	PLAN(-EINTR, -EIO, 0);
	assert_int_equal(flush(), -EIO);
	assert_int_equal(calls, 2);
}

/* The page cache would say yes now. Nobody asks it. */
static void failed_flush_stays_failed(void **state)
{
	(void)state;
	PLAN(-ENOSPC);
	assert_int_equal(flush(), -ENOSPC);
	assert_int_equal(flush(), -EIO);
	assert_int_equal(calls, 1);
	assert_int_not_equal(flush_failed, 0);
	assert_int_equal(transfer(IO_WRITE), 0);
	assert_int_equal(flush(), -EIO);
	/* the next worker, with the state file of this one */
	engine = (struct engine){ .ops = &engine_pread, .backend = &(struct backend){ .fd = backend.fd } };
	engine.backend->flush_failed = &flush_failed;
	assert_int_equal(pthread_mutex_init(&engine.backend->flushing, NULL), 0);
	calls = 0;
	assert_int_equal(flush(), -EIO);
	assert_int_equal(calls, 0);
}

static void direct_flushes_have_their_own_results(void **state)
{
	(void)state;
	begin(false);
	PLAN(-EIO, 0, -EIO);
	assert_int_equal(flush(), -EIO);
	assert_int_equal(flush(), 0);
	assert_int_equal(flush(), -EIO);
	assert_int_equal(calls, 3);
}

static void *flush_elsewhere(void *arg)
{
	struct io *other = arg;

	other->op = IO_FLUSH;
	(void)engine.ops->submit(&engine, other);
	return NULL;
}

/* The kernel tells only one of two queues that flush at the same time. */
static void failed_flush_is_everybodys(void **state)
{
	static struct io other;
	pthread_t thread;

	(void)state;
	atomic_store(&in_sync, false);
	atomic_store(&sync_fails_late, true);
	assert_int_equal(pthread_create(&thread, NULL, flush_elsewhere, &other), 0);
	while (!atomic_load(&in_sync))
		sleep_ms(1);
	assert_int_equal(flush(), -EIO);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(other.result, -EIO);
}

/* ---- discard and zero ---- */

static int ranges(enum io_op op, bool may_unmap, uint32_t n)
{
	io.op = op;
	io.may_unmap = may_unmap;
	io.ranges = n;
	for (uint32_t i = 0; i < n; i++)
		io.range[i] = (struct io_range){ .offset = 4096ULL * i, .len = 4096 };
	return submit();
}

static void discard_fails(void **state)
{
	(void)state;
	PLAN(-EOPNOTSUPP, 0);
	/* a hint, but not one to be claimed as taken */
	assert_int_equal(ranges(IO_DISCARD, false, 2), -EOPNOTSUPP);
	assert_int_equal(calls, 1);
	PLAN(-EINTR, 0, -EINTR, 0);
	assert_int_equal(ranges(IO_DISCARD, false, 2), 0);
	assert_int_equal(calls, 4);
	PLAN(-EIO, 0);
	assert_int_equal(ranges(IO_DISCARD, false, 2), -EIO);
	assert_int_equal(calls, 1);
	PLAN(0, -ENOSPC);
	assert_int_equal(ranges(IO_DISCARD, false, 2), -ENOSPC);
	assert_int_equal(calls, 2);
}

static void zeroes_fail(void **state)
{
	(void)state;
	for (int may_unmap = 0; may_unmap < 2; may_unmap++) {
		PLAN(-EIO);
		assert_int_equal(ranges(IO_ZERO, may_unmap, 1), -EIO);
		assert_int_equal(calls, 1);
		PLAN(-ENOSPC);
		assert_int_equal(ranges(IO_ZERO, may_unmap, 1), -ENOSPC);
		PLAN(-EOPNOTSUPP, -ENOSPC);
		assert_int_equal(ranges(IO_ZERO, may_unmap, 1), -ENOSPC);
		PLAN(-EOPNOTSUPP, 100, -EIO);
		assert_int_equal(ranges(IO_ZERO, may_unmap, 1), -EIO);
		assert_int_equal(calls, 3);
	}
}

static void zeroes_are_written_whole(void **state)
{
	(void)state;
	memset(buf, 'x', SIZE);
	assert_int_equal(transfer(IO_WRITE), 0);
	PLAN(-EINTR, -EOPNOTSUPP, -EINTR, 1, 1000, -EINTR);
	assert_int_equal(ranges(IO_ZERO, false, 1), 0);
	assert_int_equal(calls, 7);
	memset(buf, 0, 4096);
	on_disk();
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(short_at_every_boundary),
		T(short_everywhere),
		T(interrupted),
		T(errors_end_the_request),
		T(nothing_transferred),
		T(failed_flush_is_reported),
		T(interrupted_flush),
		T(failed_flush_stays_failed),
		T(direct_flushes_have_their_own_results),
		T(failed_flush_is_everybodys),
		T(discard_fails),
		T(zeroes_fail),
		T(zeroes_are_written_whole),
	};

	return cmocka_run_group_tests_name("worker/faults", tests, NULL, NULL);
}
