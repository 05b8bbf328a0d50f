/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_cache.c - worker/blk/engine_cache.c and slow.c, with a page cache and a
 * disk that are played (ld --wrap): what is cached, and when the disk answers, the test says.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "worker/blk/engine_cache.h"
#include "worker/blk/slow.h"

#define SIZE (1U << 20)
#define BLOCK 4096U
#define MAX 32U
#define READS (engine_cache.threads - SLOW_LONG_MAX)
#define WAIT_MS 20000

ssize_t __real_preadv(int fd, const struct iovec *iov, int n, off_t at);
ssize_t __wrap_preadv(int fd, const struct iovec *iov, int n, off_t at);
ssize_t __wrap_preadv2(int fd, const struct iovec *iov, int n, off_t at, int flags);
int __real_fdatasync(int fd);
int __wrap_fdatasync(int fd);

static struct backend backend;
static struct engine engine;
static struct io io[MAX];
static uint8_t buf[SIZE];
static pthread_t ours;

/* ---- the page cache and the disk ---- */

static enum { HIT, MISS, HALF, CANNOT_TELL } cache;
static unsigned looks;
static atomic_bool busy; /* the disk does not answer */
static atomic_uint reading, syncing; /* that wait for it */
static atomic_uint here; /* reads of the disk in the thread that submits */

static void wait_for_disk(atomic_uint *waiting)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	atomic_fetch_add(waiting, 1);
	while (atomic_load(&busy))
		(void)nanosleep(&ms, NULL);
	atomic_fetch_sub(waiting, 1);
}

ssize_t __wrap_preadv(int fd, const struct iovec *iov, int n, off_t at)
{
	if (pthread_equal(pthread_self(), ours))
		atomic_fetch_add(&here, 1);
	else
		wait_for_disk(&reading);
	return __real_preadv(fd, iov, n, at);
}

int __wrap_fdatasync(int fd)
{
	if (!pthread_equal(pthread_self(), ours))
		wait_for_disk(&syncing);
	return __real_fdatasync(fd);
}

ssize_t __wrap_preadv2(int fd, const struct iovec *iov, int n, off_t at, int flags)
{
	assert_int_equal(flags, RWF_NOWAIT);
	assert_true(pthread_equal(pthread_self(), ours));
	looks++;
	if (cache == HIT)
		return __real_preadv(fd, iov, n, at);
	if (cache == HALF)
		return (ssize_t)iov[0].iov_len / 2;
	errno = cache == MISS ? EAGAIN : EOPNOTSUPP;
	return -1;
}

static void until(atomic_uint *counter, unsigned n)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < WAIT_MS && atomic_load(counter) != n; i++)
		(void)nanosleep(&ms, NULL);
	assert_int_equal(atomic_load(counter), n);
}

/* ---- set-up ---- */

static int setup(void **state)
{
	(void)state;
	ours = pthread_self();
	cache = MISS;
	looks = 0;
	atomic_store(&busy, false);
	atomic_store(&here, 0);
	backend = (struct backend){ .fd = memfd_create("disk", MFD_CLOEXEC), .slow = backend.slow };
	engine = (struct engine){ .ops = &engine_cache, .backend = &backend };
	engine.wake_fd = eventfd(0, EFD_CLOEXEC);
	if (backend.fd < 0 || ftruncate(backend.fd, SIZE) < 0 || engine.wake_fd < 0 ||
	    pthread_mutex_init(&backend.flushing, NULL) != 0 ||
	    (!backend.slow && slow_create(&backend.slow, engine_cache.threads) < 0) || engine.ops->prepare(&engine) < 0)
		return -1;
	for (size_t i = 0; i < SIZE; i++)
		buf[i] = (uint8_t)(i * 7 + i / 4096);
	if (pwrite(backend.fd, buf, SIZE, 0) != SIZE)
		return -1;
	memset(io, 0, sizeof(io));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	atomic_store(&busy, false);
	free(engine.own);
	return close(backend.fd) || close(engine.wake_fd);
}

static struct io *fill(unsigned i, enum io_op op, uint64_t len)
{
	io[i] = (struct io){ .op = op, .ranges = op != IO_FLUSH, .range[0] = { (uint64_t)BLOCK * i, len }, .niov = 1 };
	io[i].iov = io[i].few;
	io[i].few[0] = (struct iovec){ .iov_base = buf + (size_t)BLOCK * i, .iov_len = len };
	if (op == IO_READ)
		memset(buf + (size_t)BLOCK * i, 0, len);
	return &io[i];
}

static enum engine_answer submit(unsigned i, enum io_op op)
{
	return engine.ops->submit(&engine, fill(i, op, BLOCK));
}

static void begin(unsigned i, enum io_op op)
{
	assert_int_equal(submit(i, op), ENGINE_PENDING);
	engine.ops->start(&engine);
}

static struct io *next(void)
{
	struct io *r = engine.ops->poll(&engine);

	while (!r) {
		struct pollfd p = { .fd = engine.wake_fd, .events = POLLIN };
		uint64_t n;

		assert_int_equal(poll(&p, 1, WAIT_MS), 1);
		assert_int_equal(read(engine.wake_fd, &n, sizeof(n)), sizeof(n));
		r = engine.ops->poll(&engine);
	}
	return r;
}

static void is_read(unsigned i)
{
	uint8_t *p = buf + (size_t)BLOCK * i;

	assert_int_equal(io[i].result, 0);
	for (size_t k = 0; k < BLOCK; k++)
		assert_int_equal(p[k], (uint8_t)(((size_t)BLOCK * i + k) * 7 + i));
}

static void all_end(unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		assert_int_equal(next()->result, 0);
	assert_null(engine.ops->poll(&engine));
}

/* ---- reads ---- */

static void what_is_cached_is_read_at_once(void **state)
{
	(void)state;
	cache = HIT;
	for (unsigned i = 0; i < MAX; i++) {
		assert_int_equal(submit(i, IO_READ), ENGINE_DONE);
		is_read(i);
	}
	assert_int_equal(looks, MAX);
	assert_int_equal(atomic_load(&here), 0); /* by one call each */
	assert_int_equal(engine.ops->submit(&engine, fill(0, IO_READ, 0)), ENGINE_DONE);
	assert_int_equal(io[0].result, 0);
}

static void what_is_not_is_read_in_threads(void **state)
{
	(void)state;
	atomic_store(&busy, true);
	for (unsigned i = 0; i < MAX; i++)
		assert_int_equal(submit(i, IO_READ), ENGINE_PENDING);
	engine.ops->start(&engine);
	engine.ops->start(&engine);
	until(&reading, READS);
	assert_null(engine.ops->poll(&engine));
	atomic_store(&busy, false);
	all_end(MAX);
	for (unsigned i = 0; i < MAX; i++)
		is_read(i);
	assert_int_equal(atomic_load(&here), 0);
}

static void part_of_it_is_not_enough(void **state)
{
	(void)state;
	cache = HALF;
	begin(1, IO_READ);
	assert_ptr_equal(next(), &io[1]);
	is_read(1);
}

static void a_file_that_cannot_tell_is_read_here(void **state)
{
	(void)state;
	cache = CANNOT_TELL;
	for (unsigned i = 0; i < 3; i++) {
		assert_int_equal(submit(i, IO_READ), ENGINE_DONE);
		is_read(i);
	}
	assert_int_equal(looks, 1);
	assert_int_equal(atomic_load(&here), 3);
}

static void what_is_wrong_is_an_error(void **state)
{
	void *gone = mmap(NULL, BLOCK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	cache = HIT;
	(void)fill(0, IO_READ, BLOCK);
	io->few[0].iov_base = gone;
	assert_int_equal(engine.ops->submit(&engine, io), ENGINE_DONE);
	assert_int_equal(io->result, -EFAULT);
	assert_return_code(munmap(gone, BLOCK), errno);
	assert_return_code(ftruncate(backend.fd, BLOCK + 512), errno);
	(void)submit(1, IO_READ); /* the beginning, then nothing: never made up with zeros */
	engine.ops->start(&engine);
	assert_ptr_equal(next(), &io[1]);
	assert_int_equal(io[1].result, -EIO);
	assert_int_equal(submit(2, IO_READ), ENGINE_DONE);
	assert_int_equal(io[2].result, -EIO);
}

/* Two at once, each time. */
static void two_misses(void)
{
	assert_int_equal(submit(0, IO_READ), ENGINE_PENDING);
	assert_int_equal(submit(1, IO_READ), ENGINE_PENDING);
	engine.ops->start(&engine);
	all_end(2);
	is_read(0);
	is_read(1);
}

/* Where nothing is cached it is seldom looked for; and soon again where something is. */
static void it_is_not_looked_for_in_vain(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		two_misses();
	assert_int_equal(looks, 8);
	for (unsigned i = 0; i < 32; i++)
		two_misses();
	assert_int_equal(looks, 8 + 2);
	cache = HIT;
	for (unsigned i = 0; i < 31; i++)
		begin(0, IO_READ), all_end(1);
	for (unsigned i = 0; i < 10; i++)
		assert_int_equal(submit(0, IO_READ), ENGINE_DONE);
	assert_int_equal(looks, 8 + 2 + 10);
}

/* What is cached does not wait for what is not. */
static void a_disk_that_does_not_answer_hides_nothing(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 4; i++)
		two_misses();
	atomic_store(&busy, true);
	for (unsigned i = 1; i < 20; i++)
		assert_int_equal(submit(i, IO_READ), ENGINE_PENDING);
	engine.ops->start(&engine);
	cache = HIT;
	assert_int_equal(submit(0, IO_READ), ENGINE_DONE);
	is_read(0);
	atomic_store(&busy, false);
	all_end(19);
}

static void reads_alone(unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		begin(0, IO_READ);
		all_end(1);
		is_read(0);
	}
}

/* Where one comes after the other, a thread would be for nothing. */
static void one_at_a_time_is_read_here(void **state)
{
	(void)state;
	reads_alone(16);
	assert_int_equal(atomic_load(&here), 0);
	begin(1, IO_READ);
	assert_ptr_equal(engine.ops->poll(&engine), &io[1]); /* without waiting */
	is_read(1);
	reads_alone(4);
	assert_int_equal(atomic_load(&here), 5);
	begin(0, IO_FLUSH); /* which is still one for a thread */
	all_end(1);
	two_misses();
	reads_alone(16);
	assert_int_equal(atomic_load(&here), 5);
}

/* While it is read here nobody sees that another comes: so one in 33 is not. */
static void two_readers_are_noticed(void **state)
{
	(void)state;
	reads_alone(16 + 32);
	assert_int_equal(atomic_load(&here), 32);
	atomic_store(&busy, true);
	begin(0, IO_READ);
	begin(1, IO_READ);
	until(&reading, 2);
	atomic_store(&busy, false);
	all_end(2);
	reads_alone(15);
	assert_int_equal(atomic_load(&here), 32);
}

/* One that comes while another is read is not alone. */
static void one_beside_another_is_not_alone(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 14; i++)
		begin(i, IO_READ), all_end(1);
	atomic_store(&busy, true);
	begin(0, IO_READ);
	begin(1, IO_READ);
	until(&reading, 2);
	atomic_store(&busy, false);
	all_end(2);
	begin(0, IO_READ), all_end(1);
	assert_int_equal(atomic_load(&here), 0);
}

/* ---- the others ---- */

static void writes_are_done_at_once(void **state)
{
	static uint8_t got[BLOCK];

	(void)state;
	memset(buf + BLOCK, 'w', BLOCK);
	assert_int_equal(submit(1, IO_WRITE), ENGINE_DONE);
	assert_int_equal(io[1].result, 0);
	assert_int_equal(pread(backend.fd, got, BLOCK, BLOCK), BLOCK);
	assert_memory_equal(got, buf + BLOCK, BLOCK);
}

/* Through the cache they go one at a time. */
static void flushes_hold_no_read_up(void **state)
{
	uint32_t failed = 0;

	(void)state;
	backend.flush_failed = &failed;
	atomic_store(&busy, true);
	for (unsigned i = 0; i < 4; i++)
		begin(i, IO_FLUSH);
	until(&syncing, 1);
	for (unsigned i = 4; i < 4 + READS; i++)
		begin(i, IO_READ);
	until(&reading, READS);
	assert_int_equal(atomic_load(&syncing), 1);
	cache = HIT;
	assert_int_equal(submit(MAX - 1, IO_READ), ENGINE_DONE);
	is_read(MAX - 1);
	atomic_store(&busy, false);
	all_end(4 + READS);
	io[0].now = true;
	assert_int_equal(engine.ops->submit(&engine, io), ENGINE_DONE);
}

static void reads_hold_no_flush_up(void **state)
{
	(void)state;
	atomic_store(&busy, true);
	for (unsigned i = 0; i < 2 * READS; i++)
		begin(i, IO_READ);
	until(&reading, READS);
	begin(MAX - 1, IO_FLUSH);
	until(&syncing, 1);
	assert_int_equal(atomic_load(&reading), READS);
	atomic_store(&busy, false);
	all_end(2 * READS + 1);
}

static void discards_and_zeroes(void **state)
{
	static const uint8_t zeros[2 * BLOCK];
	static uint8_t got[2 * BLOCK];
	struct stat st;

	(void)state;
	assert_int_equal(submit(0, IO_DISCARD), ENGINE_PENDING);
	assert_int_equal(submit(1, IO_ZERO), ENGINE_PENDING);
	engine.ops->start(&engine);
	all_end(2);
	assert_int_equal(pread(backend.fd, got, sizeof(got), 0), sizeof(got));
	assert_memory_equal(got, zeros, sizeof(got));
	assert_return_code(fstat(backend.fd, &st), errno);
	assert_int_equal(st.st_blocks, (SIZE - BLOCK) / 512);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(what_is_cached_is_read_at_once),
		T(what_is_not_is_read_in_threads),
		T(part_of_it_is_not_enough),
		T(a_file_that_cannot_tell_is_read_here),
		T(what_is_wrong_is_an_error),
		T(it_is_not_looked_for_in_vain),
		T(a_disk_that_does_not_answer_hides_nothing),
		T(one_at_a_time_is_read_here),
		T(two_readers_are_noticed),
		T(one_beside_another_is_not_alone),
		T(writes_are_done_at_once),
		T(flushes_hold_no_read_up),
		T(reads_hold_no_flush_up),
		T(discards_and_zeroes),
	};

	return cmocka_run_group_tests_name("worker/engine_cache", tests, NULL, NULL);
}
