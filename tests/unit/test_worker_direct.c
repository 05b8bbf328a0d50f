/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_direct.c - worker/blk/transfer.c on a kernel that takes only aligned
 * buffers, as it does with O_DIRECT, and worker/blk/engine_pread.c on a block device: preadv,
 * pwritev, fallocate and ioctl are wrapped (ld --wrap).
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/unit/fake_guest.h"
#include "tests/unit/unit.h"
#include "worker/blk/engine_pread.h"
#include "worker/blk/transfer.h"
#include "worker/ring/sigbus.h"

#define BLOCK 4096U
#define SIZE (4U * BOUNCE_SIZE)

ssize_t __real_preadv(int fd, const struct iovec *iov, int n, off_t at);
ssize_t __real_pwritev(int fd, const struct iovec *iov, int n, off_t at);
ssize_t __wrap_preadv(int fd, const struct iovec *iov, int n, off_t at);
ssize_t __wrap_pwritev(int fd, const struct iovec *iov, int n, off_t at);
int __wrap_fallocate(int fd, int mode, off_t at, off_t len);
int __wrap_ioctl(int fd, unsigned long request, void *arg);

static struct backend backend;
static struct engine engine;
static struct io io;
static uint8_t *buf, disk[SIZE], got[SIZE];

static unsigned calls; /* preadv and pwritev */
static long fail_at; /* the call that fails, 0 = none ... */
static int fail_with; /* ... with this errno; 0: moves a block only */
static const void *last_base; /* first buffer of the last call */

static int modes[8]; /* of fallocate */
static unsigned nmodes, ndiscards;
static int hole_error, zero_error, discard_error; /* errno, 0 = none */
static uint64_t discarded[4][2];

/* ---- the kernel ---- */

static bool taken(const struct iovec *iov, int n, off_t at)
{
	uintptr_t bits = (uintptr_t)at & backend.len_mask;

	for (int i = 0; i < n; i++)
		bits |= ((uintptr_t)iov[i].iov_base & backend.mem_mask) | (iov[i].iov_len & backend.len_mask);
	return bits == 0;
}

static ssize_t move(bool write, int fd, const struct iovec *iov, int n, off_t at)
{
	struct iovec cut = { iov[0].iov_base, BLOCK };
	bool now = ++calls == fail_at;

	last_base = iov[0].iov_base;
	errno = !taken(iov, n, at) ? EINVAL : now ? fail_with : 0;
	if (errno)
		return -1;
	if (now) {
		iov = &cut;
		n = 1;
	}
	return write ? __real_pwritev(fd, iov, n, at) : __real_preadv(fd, iov, n, at);
}

ssize_t __wrap_preadv(int fd, const struct iovec *iov, int n, off_t at)
{
	return move(false, fd, iov, n, at);
}

ssize_t __wrap_pwritev(int fd, const struct iovec *iov, int n, off_t at)
{
	return move(true, fd, iov, n, at);
}

int __wrap_fallocate(int fd, int mode, off_t at, off_t len)
{
	(void)fd;
	(void)at;
	(void)len;
	modes[nmodes++] = mode;
	errno = mode & FALLOC_FL_PUNCH_HOLE ? hole_error : zero_error;
	return errno ? -1 : 0;
}

int __wrap_ioctl(int fd, unsigned long request, void *arg)
{
	assert_int_equal(fd, backend.fd);
	assert_int_equal(request, BLKDISCARD);
	memcpy(discarded[ndiscards++], arg, sizeof(discarded[0]));
	errno = discard_error;
	if (discard_error == EINTR)
		discard_error = 0;
	return errno ? -1 : 0;
}

/* ---- set-up ---- */

static int setup(void **state)
{
	(void)state;
	backend = (struct backend){ .fd = memfd_create("disk", MFD_CLOEXEC), .direct = true };
	backend.mem_mask = 511;
	backend.len_mask = BLOCK - 1;
	if (backend.fd < 0)
		return -1;
	for (size_t i = 0; i < SIZE; i++)
		disk[i] = (uint8_t)(i * 7 + i / 4096);
	if (pwrite(backend.fd, disk, SIZE, 0) != (ssize_t)SIZE)
		return -1;
	engine = (struct engine){ .ops = &engine_pread, .backend = &backend };
	if (engine.ops->prepare(&engine) < 0)
		return -1;
	buf = aligned_alloc(BLOCK, 2 * SIZE);
	memset(&io, 0, sizeof(io));
	io.iov = io.few;
	calls = nmodes = ndiscards = 0;
	fail_at = fail_with = hole_error = zero_error = discard_error = 0;
	return buf ? 0 : -1;
}

static int teardown(void **state)
{
	(void)state;
	free(buf);
	free(engine.bounce);
	return close(backend.fd);
}

static int submit(void)
{
	assert_int_equal(engine.ops->submit(&engine, &io), ENGINE_DONE);
	return io.result;
}

/*
 * len bytes at offset; the first buffer is buf + at with first bytes, the next lies behind a gap.
 */
static int transfer(enum io_op op, uint64_t offset, size_t len, size_t at, size_t first)
{
	io.op = op;
	io.ranges = 1;
	io.range[0] = (struct io_range){ .offset = offset, .len = len };
	io.niov = first < len ? 2 : 1;
	io.iov[0] = (struct iovec){ .iov_base = buf + at, .iov_len = first };
	io.iov[1] = (struct iovec){ .iov_base = buf + at + first + BLOCK, .iov_len = len - first };
	return submit();
}

static void check_read(uint64_t offset, size_t len, size_t at, size_t first)
{
	assert_memory_equal(buf + at, disk + offset, first);
	assert_memory_equal(buf + at + first + BLOCK, disk + offset + first, len - first);
}

static void check_disk(void)
{
	assert_int_equal(pread(backend.fd, got, SIZE, 0), SIZE);
	assert_memory_equal(got, disk, SIZE);
}

/* ---- buffers ---- */

static void aligned_requests_take_no_other_way(void **state)
{
	(void)state;
	assert_int_equal(transfer(IO_READ, BLOCK, 2 * BLOCK, 512, BLOCK), 0);
	assert_int_equal(calls, 1);
	assert_ptr_equal(last_base, buf + 512);
	check_read(BLOCK, 2 * BLOCK, 512, BLOCK);
}

/* Where they begin in a block, how they are cut: as virtio lets them be. */
static const struct {
	size_t at, first;
} odd[] = { { 512, 3584 }, { 256, BLOCK }, { 1, 1 }, { 0, 512 }, { 3, 5000 }, { 4095, 8191 } };

static void reads_into_any_buffer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		memset(buf, 0xee, SIZE);
		calls = 0;
		assert_int_equal(transfer(IO_READ, 2 * BLOCK, 2 * BLOCK, odd[i].at, odd[i].first), 0);
		assert_int_equal(calls, 1);
		check_read(2 * BLOCK, 2 * BLOCK, odd[i].at, odd[i].first);
		assert_int_equal(buf[odd[i].at + odd[i].first], 0xee);
		assert_int_equal(buf[odd[i].at + 3 * BLOCK], 0xee);
	}
}

static void writes_from_any_buffer(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		memset(buf, (int)('a' + i), SIZE);
		assert_int_equal(transfer(IO_WRITE, 2 * BLOCK, 2 * BLOCK, odd[i].at, odd[i].first), 0);
		memset(disk + (size_t)2 * BLOCK, (int)('a' + i), (size_t)2 * BLOCK);
		check_disk();
	}
}

static void large_requests_go_in_pieces(void **state)
{
	const size_t len = 2 * BOUNCE_SIZE + BLOCK;

	(void)state;
	assert_int_equal(transfer(IO_READ, BLOCK, len, 100, 300001), 0);
	assert_int_equal(calls, 3);
	check_read(BLOCK, len, 100, 300001);
	for (size_t i = 0; i < len + 2 * BLOCK; i++)
		buf[i] = (uint8_t)(i * 3);
	assert_int_equal(transfer(IO_WRITE, BLOCK, len, 100, 300001), 0);
	memcpy(disk + BLOCK, buf + 100, 300001);
	memcpy(disk + BLOCK + 300001, buf + 100 + 300001 + BLOCK, len - 300001);
	check_disk();
}

/*
 * Pieces before the one that fails are done, as the kernel itself would have left them; none behind
 * it is begun.
 */
static void error_in_a_later_piece(void **state)
{
	static const int errors[] = { EIO, ENOSPC, EFAULT };

	(void)state;
	memset(buf, 'w', SIZE);
	memset(disk, 'w', BOUNCE_SIZE);
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		calls = 0;
		fail_at = 2;
		fail_with = errors[i];
		assert_int_equal(transfer(IO_WRITE, 0, (size_t)3 * BOUNCE_SIZE, 1, (size_t)3 * BOUNCE_SIZE),
				 -errors[i]);
		assert_int_equal(calls, 2);
		check_disk();
	}
}

static void short_and_interrupted_pieces_are_completed(void **state)
{
	const size_t len = (size_t)2 * BOUNCE_SIZE;

	(void)state;
	fail_at = 2;
	assert_int_equal(transfer(IO_READ, 0, len, 7, len), 0);
	assert_int_equal(calls, 3);
	check_read(0, len, 7, len);
	calls = 0;
	fail_at = 1;
	fail_with = EINTR;
	assert_int_equal(transfer(IO_READ, BLOCK, len, 7, len), 0);
	check_read(BLOCK, len, 7, len);
}

static void file_that_shrank_is_an_error(void **state)
{
	(void)state;
	assert_return_code(ftruncate(backend.fd, BOUNCE_SIZE), errno);
	assert_int_equal(transfer(IO_READ, 0, (size_t)2 * BOUNCE_SIZE, 1, (size_t)2 * BOUNCE_SIZE), -EIO);
}

/* The place in the file is the driver's own fault, and no buffer of ours would help. */
static void place_that_is_not_aligned_is_an_error(void **state)
{
	(void)state;
	assert_int_equal(transfer(IO_READ, 512, BLOCK, 1, BLOCK), -EINVAL);
	assert_int_equal(transfer(IO_WRITE, 0, 512, 0, 512), -EINVAL);
	check_disk();
}

/* ---- the driver's memory is gone ---- */

static void D15_page_of_a_bounced_write_is_gone(void **state)
{
	static struct guest guest;
	static struct iova_map map;
	struct iova_view view = { .map = &map };
	uint8_t byte = 1;
	uint64_t got_len;
	void *p;

	(void)state;
	guest_init(&guest);
	guest_map_init(&guest, &map);
	guest_add(&guest, 0x100000, 0x4000, 0, VDUSE_ACCESS_RW);
	assert_int_equal(sigbus_install(&map), 0);
	assert_int_equal(iova_write(&view, 0x100000, &byte, 1), 0);
	assert_int_equal(iova_piece(&view, 0x100000, 0x4000, IOVA_READ, &p, &got_len), 0);
	assert_int_equal(got_len, 0x4000);
	assert_return_code(ftruncate(guest.r[0].fd, 0x1000), errno);
	io.op = IO_WRITE;
	io.ranges = io.niov = 1;
	io.range[0] = (struct io_range){ .offset = 0, .len = 0x2000 };
	io.iov[0] = (struct iovec){ .iov_base = (uint8_t *)p + 1, .iov_len = 0x2000 };
	assert_int_equal(submit(), -EFAULT);
	assert_int_equal(calls, 0); /* the page of zeros is not written */
	assert_int_equal(sigbus_count(), 1); /* and no second one was touched */
	io.op = IO_READ;
	io.iov[0].iov_base = (uint8_t *)p + 1;
	io.range[0].len = io.iov[0].iov_len = 0x1000;
	assert_int_equal(submit(), 0); /* where a page of zeros lies already */
	assert_int_equal(sigbus_count(), 1);
	io.iov[0].iov_base = (uint8_t *)p + 0x1fff;
	assert_int_equal(submit(), -EFAULT);
	check_disk();
	(void)iova_drop(&map, 0, UINT64_MAX);
	iova_sweep(&map);
	guest_free(&guest);
}

/* ---- discard and zero of a block device ---- */

static int ranges(enum io_op op, bool may_unmap, uint32_t n)
{
	io.op = op;
	io.may_unmap = may_unmap;
	io.ranges = n;
	for (uint32_t i = 0; i < n; i++)
		io.range[i] = (struct io_range){ .offset = (uint64_t)BLOCK * i, .len = BLOCK };
	nmodes = ndiscards = calls = 0;
	return submit();
}

static void discard_is_the_block_devices_own(void **state)
{
	(void)state;
	backend.is_block = true;
	assert_int_equal(ranges(IO_DISCARD, false, 2), 0);
	assert_int_equal(nmodes, 0);
	assert_int_equal(ndiscards, 2);
	assert_true(discarded[1][0] == BLOCK && discarded[1][1] == BLOCK);
	discard_error = EINTR;
	assert_int_equal(ranges(IO_DISCARD, false, 1), 0);
	assert_int_equal(ndiscards, 2);
}

static void discard_that_cannot_be_done_is_no_success(void **state)
{
	(void)state;
	for (int block = 0; block < 2; block++) {
		backend.is_block = block;
		discard_error = hole_error = EOPNOTSUPP;
		assert_int_equal(ranges(IO_DISCARD, false, 2), -EOPNOTSUPP);
		assert_int_equal(ndiscards + nmodes, 1);
		discard_error = hole_error = EIO;
		assert_int_equal(ranges(IO_DISCARD, false, 2), -EIO);
	}
}

/* No hole, as in thin volumes; then zeroes that the kernel writes; then ours. */
static void zeroes_are_made_somehow(void **state)
{
	(void)state;
	backend.is_block = true;
	assert_int_equal(ranges(IO_ZERO, true, 1), 0);
	assert_true(nmodes == 1 && modes[0] == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE));
	hole_error = EOPNOTSUPP;
	assert_int_equal(ranges(IO_ZERO, true, 1), 0);
	assert_true(nmodes == 2 && modes[1] == FALLOC_FL_ZERO_RANGE && calls == 0);
	zero_error = EOPNOTSUPP;
	assert_int_equal(ranges(IO_ZERO, true, 1), 0);
	assert_true(nmodes == 2 && calls == 1);
	memset(disk, 0, BLOCK);
	check_disk();
	assert_int_equal(ranges(IO_ZERO, false, 1), 0);
	assert_true(nmodes == 1 && calls == 1);
	hole_error = ENOSPC;
	assert_int_equal(ranges(IO_ZERO, true, 1), -ENOSPC);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(aligned_requests_take_no_other_way),
		T(reads_into_any_buffer),
		T(writes_from_any_buffer),
		T(large_requests_go_in_pieces),
		T(error_in_a_later_piece),
		T(short_and_interrupted_pieces_are_completed),
		T(file_that_shrank_is_an_error),
		T(place_that_is_not_aligned_is_an_error),
		T(D15_page_of_a_bounced_write_is_gone),
		T(discard_is_the_block_devices_own),
		T(discard_that_cannot_be_done_is_no_success),
		T(zeroes_are_made_somehow),
	};

	return cmocka_run_group_tests_name("worker/direct", tests, NULL, NULL);
}
