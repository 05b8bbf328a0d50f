/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_aio.c - worker/blk/engine_aio.c and slow.c: on the kernel, and with a
 * kernel that is played (ld --wrap=syscall), which refuses requests, moves less than was asked for,
 * and ends them in the order that the test says.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "worker/blk/engine.h"
#include "worker/blk/engine_aio.h"
#include "worker/blk/engine_pread.h"
#include "worker/blk/slow.h"

#define SIZE (1U << 20)
#define BLOCK 4096U
#define MAX 128U
#define WAIT_MS 5000

long __real_syscall(long nr, long a, long b, long c, long d);
long __wrap_syscall(long nr, long a, long b, long c, long d);

struct ring { /* as the kernel has it */
	uint32_t id, nr, head, tail, magic, compat, incompat, size;
	struct io_event event[];
};

static struct backend backend;
static struct engine engine;
static struct io io[MAX];
static uint8_t buf[SIZE];

/* ---- the kernel ---- */

static bool played;
static long setup_error;
static uint32_t wrong_magic;
static struct ring *ring;
static struct iocb *held[MAX]; /* begun, not ended */
static unsigned nheld, submits;
static int refuse_in; /* counts down to the request that is refused; 0 = none */

static long fail_with(long error)
{
	errno = (int)-error;
	return -1;
}

static long play_submit(long n, struct iocb **cb)
{
	long taken = 0;

	submits++;
	for (; taken < n; taken++) {
		if (refuse_in > 0 && --refuse_in == 0)
			return taken > 0 ? (refuse_in = 1, taken) : fail_with(-EAGAIN);
		assert_true(cb[taken]->aio_flags & IOCB_FLAG_RESFD);
		assert_int_equal(cb[taken]->aio_resfd, engine.wake_fd);
		assert_int_equal(cb[taken]->aio_fildes, backend.fd);
		assert_true(nheld < MAX);
		held[nheld++] = cb[taken];
	}
	return taken;
}

long __wrap_syscall(long nr, long a, long b, long c, long d)
{
	long rc;

	if (nr == SYS_io_submit && played)
		return play_submit(b, (struct iocb **)c);
	if (nr == SYS_io_setup && setup_error)
		return fail_with(setup_error);
	rc = __real_syscall(nr, a, b, c, d);
	if (nr == SYS_io_setup && rc == 0) {
		ring = *(struct ring **)b;
		if (wrong_magic)
			ring->magic = wrong_magic;
	}
	return rc;
}

/* The n-th that is held ends, after so many bytes, or with an error. */
static void end(unsigned n, int64_t res)
{
	struct iocb *cb = held[n];
	uint64_t one = 1;

	assert_true(n < nheld);
	memmove(&held[n], &held[n + 1], (--nheld - n) * sizeof(struct iocb *));
	ring->event[ring->tail] = (struct io_event){ .data = cb->aio_data, .obj = (uintptr_t)cb, .res = res };
	__atomic_store_n(&ring->tail, (ring->tail + 1) % ring->nr, __ATOMIC_RELEASE);
	assert_int_equal(write(engine.wake_fd, &one, sizeof(one)), sizeof(one));
}

/* ---- set-up ---- */

static int prepare(void)
{
	engine = (struct engine){ .ops = &engine_aio, .backend = &backend, .wake_fd = -1 };
	return engine.ops->prepare(&engine);
}

static int setup(void **state)
{
	(void)state;
	played = false;
	setup_error = 0;
	wrong_magic = 0;
	nheld = submits = 0;
	refuse_in = 0;
	backend = (struct backend){ .fd = memfd_create("disk", MFD_CLOEXEC), .direct = true, .slow = backend.slow };
	if (backend.fd < 0 || ftruncate(backend.fd, SIZE) < 0 || prepare() < 0)
		return -1;
	if (!backend.slow && slow_create(&backend.slow, engine_aio.threads) < 0)
		return -1;
	engine.wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	memset(io, 0, sizeof(io));
	return engine.wake_fd < 0;
}

static int teardown(void **state)
{
	(void)state;
	assert_int_equal(__real_syscall(SYS_io_destroy, (long)ring, 0, 0, 0), 0);
	free(engine.own);
	free(engine.bounce);
	return close(backend.fd) || close(engine.wake_fd);
}

static void fill(struct io *r, enum io_op op, uint64_t offset, uint64_t len, uint32_t pieces)
{
	*r = (struct io){ .op = op, .ranges = op != IO_FLUSH, .range[0] = { offset, len }, .niov = pieces };
	r->iov = r->few;
	for (uint32_t i = 0; i < pieces; i++)
		r->few[i] = (struct iovec){ .iov_base = buf + offset + i * (len / pieces), .iov_len = len / pieces };
}

static void begin(struct io *r)
{
	assert_int_equal(engine.ops->submit(&engine, r), ENGINE_PENDING);
	engine.ops->start(&engine);
}

/* The next that ends, bounded; the eventfd says when to look. */
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

static int run(struct io *r)
{
	begin(r);
	assert_ptr_equal(next(), r);
	assert_null(engine.ops->poll(&engine));
	return r->result;
}

static void pattern(void)
{
	for (size_t i = 0; i < SIZE; i++)
		buf[i] = (uint8_t)(i * 7 + i / 4096);
}

static void on_disk(uint64_t offset, uint64_t len)
{
	static uint8_t got[SIZE];

	assert_int_equal(pread(backend.fd, got, len, (off_t)offset), len);
	assert_memory_equal(got, buf + offset, len);
}

/* ---- on the kernel ---- */

static void writes_and_reads_vectors(void **state)
{
	(void)state;
	pattern();
	fill(io, IO_WRITE, BLOCK, 8192, 8);
	assert_int_equal(run(io), 0);
	on_disk(BLOCK, 8192);
	memset(buf, 0, sizeof(buf));
	fill(io, IO_READ, BLOCK, 8192, 4);
	assert_int_equal(run(io), 0);
	on_disk(BLOCK, 8192);
	assert_int_equal(buf[BLOCK + 1], 8);
}

/* More than once around the ring of answers. */
static void many_at_once_again_and_again(void **state)
{
	uint32_t ended = 0;

	(void)state;
	pattern();
	for (unsigned round = 0; round < 10; round++) {
		for (unsigned i = 0; i < MAX; i++) {
			fill(&io[i], IO_WRITE, (uint64_t)BLOCK * i, BLOCK, 2);
			assert_int_equal(engine.ops->submit(&engine, &io[i]), ENGINE_PENDING);
		}
		engine.ops->start(&engine);
		for (unsigned i = 0; i < MAX; i++, ended++)
			assert_int_equal(next()->result, 0);
	}
	assert_true(ended > ring->nr);
	on_disk(0, (uint64_t)BLOCK * MAX);
}

static void flushes(void **state)
{
	(void)state;
	fill(io, IO_FLUSH, 0, 0, 0);
	assert_int_equal(run(io), 0);
	io->now = true;
	assert_int_equal(engine.ops->submit(&engine, io), ENGINE_DONE);
	assert_int_equal(io->result, 0);
}

static void nothing_to_transfer(void **state)
{
	(void)state;
	fill(io, IO_READ, SIZE, 0, 0);
	assert_int_equal(engine.ops->submit(&engine, io), ENGINE_DONE);
	assert_int_equal(io->result, 0);
}

static void file_shrank_is_an_error_not_zeros(void **state)
{
	(void)state;
	assert_return_code(ftruncate(backend.fd, 5000), errno);
	fill(io, IO_READ, BLOCK, BLOCK, 2); /* a short read first, then nothing */
	assert_int_equal(run(io), -EIO);
	fill(io, IO_READ, 8192, BLOCK, 1);
	assert_int_equal(run(io), -EIO);
}

static void bad_memory_is_an_error(void **state)
{
	void *gone = mmap(NULL, BLOCK, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	(void)state;
	assert_ptr_not_equal(gone, MAP_FAILED);
	fill(io, IO_READ, 0, 8192, 2);
	io->few[1].iov_base = gone;
	assert_int_equal(run(io), -EFAULT);
	assert_return_code(munmap(gone, BLOCK), errno);
}

static void discards_and_zeroes_in_slow_threads(void **state)
{
	struct stat st;

	(void)state;
	memset(buf, 1, sizeof(buf));
	fill(io, IO_WRITE, 0, SIZE, 1);
	assert_int_equal(run(io), 0);
	for (unsigned i = 0; i < 8; i++) {
		fill(&io[i], i % 2 ? IO_ZERO : IO_DISCARD, (uint64_t)BLOCK * i, BLOCK, 0);
		assert_int_equal(engine.ops->submit(&engine, &io[i]), ENGINE_PENDING);
	}
	for (unsigned i = 0; i < 8; i++)
		assert_int_equal(next()->result, 0);
	assert_return_code(fstat(backend.fd, &st), errno);
	/* tmpfs has no zeroes but written ones */
	assert_int_equal(st.st_blocks, (SIZE - 4 * BLOCK) / 512);
	memset(buf, 0, 8 * (size_t)BLOCK);
	on_disk(0, SIZE);
}

/* ---- on a kernel that is played ---- */

static void one_call_begins_all_and_they_end_in_any_order(void **state)
{
	(void)state;
	played = true;
	for (unsigned i = 0; i < 3; i++) {
		fill(&io[i], IO_READ, (uint64_t)BLOCK * i, BLOCK, 1);
		assert_int_equal(engine.ops->submit(&engine, &io[i]), ENGINE_PENDING);
	}
	assert_int_equal(nheld, 0);
	engine.ops->start(&engine);
	engine.ops->start(&engine);
	assert_int_equal(submits, 1);
	assert_int_equal(nheld, 3);
	assert_null(engine.ops->poll(&engine));
	end(2, BLOCK);
	assert_ptr_equal(next(), &io[2]);
	end(0, BLOCK);
	end(0, -EIO);
	assert_ptr_equal(next(), &io[0]);
	assert_ptr_equal(next(), &io[1]);
	assert_int_equal(io[0].result, 0);
	assert_int_equal(io[1].result, -EIO);
	assert_null(engine.ops->poll(&engine));
}

/* What was not moved is begun again, where it stopped, whatever the pieces. */
static void rest_of_a_short_transfer_is_begun_again(void **state)
{
	const struct iovec *left;

	(void)state;
	played = true;
	fill(io, IO_WRITE, BLOCK, 8192, 4);
	begin(io);
	end(0, 2048 + 512);
	assert_null(engine.ops->poll(&engine));
	assert_int_equal(nheld, 1);
	assert_int_equal(held[0]->aio_offset, BLOCK + 2560);
	assert_int_equal(held[0]->aio_nbytes, 3);
	left = (const struct iovec *)(uintptr_t)held[0]->aio_buf;
	assert_ptr_equal(left->iov_base, buf + BLOCK + 2560);
	assert_int_equal(left->iov_len, 1536);
	end(0, -EINTR);
	assert_null(engine.ops->poll(&engine));
	assert_int_equal(held[0]->aio_offset, BLOCK + 2560);
	end(0, 8192 - 2560);
	assert_ptr_equal(next(), io);
	assert_int_equal(io->result, 0);
	assert_int_equal(io->range[0].len, 8192); /* for the counters */
}

static void answers_that_cannot_be_are_errors(void **state)
{
	(void)state;
	played = true;
	fill(io, IO_READ, 0, BLOCK, 1);
	begin(io);
	end(0, BLOCK + 1);
	assert_ptr_equal(next(), io);
	assert_int_equal(io->result, -EIO);
	begin(io);
	end(0, 0);
	assert_ptr_equal(next(), io);
	assert_int_equal(io->result, -EIO);
}

static void what_the_kernel_refuses_is_done_here(void **state)
{
	(void)state;
	pattern();
	played = true;
	refuse_in = 2;
	for (unsigned i = 0; i < 3; i++) {
		fill(&io[i], IO_WRITE, (uint64_t)BLOCK * i, BLOCK, 1);
		assert_int_equal(engine.ops->submit(&engine, &io[i]), ENGINE_PENDING);
	}
	engine.ops->start(&engine);
	assert_int_equal(nheld, 2);
	assert_ptr_equal(engine.ops->poll(&engine), &io[1]); /* without waiting */
	assert_int_equal(io[1].result, 0);
	on_disk(BLOCK, BLOCK);
	assert_null(engine.ops->poll(&engine));
	end(1, BLOCK);
	assert_ptr_equal(next(), &io[2]);
}

static void rest_that_the_kernel_refuses_is_done_here(void **state)
{
	(void)state;
	pattern();
	played = true;
	fill(io, IO_WRITE, 0, 8192, 4);
	begin(io);
	refuse_in = 1;
	end(0, BLOCK);
	assert_ptr_equal(next(), io);
	assert_int_equal(io->result, 0);
	on_disk(BLOCK, BLOCK); /* and not what was moved before */
	memset(buf, 0, BLOCK);
	on_disk(0, BLOCK);
}

static void a_flush_waits_for_nothing(void **state)
{
	(void)state;
	played = true;
	fill(&io[0], IO_WRITE, 0, BLOCK, 1);
	begin(&io[0]);
	fill(&io[1], IO_FLUSH, 0, 0, 0);
	begin(&io[1]);
	assert_int_equal(nheld, 1); /* not the kernel's, whose threads for it are all users' */
	assert_ptr_equal(next(), &io[1]);
	assert_int_equal(io[1].result, 0);
	end(0, BLOCK);
	assert_ptr_equal(next(), &io[0]);
}

static void buffers_that_do_not_fit_are_done_here(void **state)
{
	(void)state;
	pattern();
	played = true;
	backend.mem_mask = backend.len_mask = 511;
	fill(io, IO_WRITE, BLOCK, BLOCK, 1);
	io->few[0].iov_base = buf + 1;
	assert_int_equal(engine.ops->submit(&engine, io), ENGINE_DONE);
	assert_int_equal(io->result, 0);
	memmove(buf + BLOCK, buf + 1, BLOCK);
	on_disk(BLOCK, BLOCK);
}

/* ---- before the jail closes ---- */

static void host_that_has_none_left(void **state)
{
	struct engine before = engine;

	(void)state;
	setup_error = -EAGAIN;
	assert_int_equal(prepare(), -EAGAIN);
	assert_null(engine.own);
	engine = before;
}

static void ring_of_another_kind_is_refused(void **state)
{
	struct engine before = engine;
	struct ring *first = ring;

	(void)state;
	wrong_magic = 0xa10a10a2;
	assert_int_equal(prepare(), -ENOSYS);
	assert_int_equal(__real_syscall(SYS_io_destroy, (long)ring, 0, 0, 0), 0);
	engine = before;
	ring = first;
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(writes_and_reads_vectors),
		T(many_at_once_again_and_again),
		T(flushes),
		T(nothing_to_transfer),
		T(file_shrank_is_an_error_not_zeros),
		T(bad_memory_is_an_error),
		T(discards_and_zeroes_in_slow_threads),
		T(one_call_begins_all_and_they_end_in_any_order),
		T(rest_of_a_short_transfer_is_begun_again),
		T(answers_that_cannot_be_are_errors),
		T(what_the_kernel_refuses_is_done_here),
		T(rest_that_the_kernel_refuses_is_done_here),
		T(a_flush_waits_for_nothing),
		T(buffers_that_do_not_fit_are_done_here),
		T(host_that_has_none_left),
		T(ring_of_another_kind_is_refused),
	};

	return cmocka_run_group_tests_name("worker/engine_aio", tests, NULL, NULL);
}
