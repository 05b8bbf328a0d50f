/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_blk.c - worker/blk/blk.c: hostile virtio-blk requests. Case numbers:
 * threats.md (b).
 */
#include <errno.h>
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/guest_memory.h"
#include "tests/unit/unit.h"
#include "worker/blk/blk.h"

#define RAM 0x100000ULL
#define RAM_SIZE 0x100000ULL
#define HDR RAM
#define STATUS (RAM + 0x1000)
#define DATA (RAM + 0x2000)
#define NOWHERE 0x9000000ULL
#define CAPACITY (1ULL << 20)
#define SECTORS (CAPACITY / 512)

static struct chain chain;
static struct blk_dev dev;
static struct blk_req req;
static struct iovec many[IO_IOV_MAX];
static struct state_counters counters;

static int setup(void **state)
{
	(void)state;
	guest_memory_begin();
	guest_add(&guest, RAM, RAM_SIZE, 0, VDUSE_ACCESS_RW);
	memset(&chain, 0, sizeof(chain));
	memset(&counters, 0, sizeof(counters));
	memset(&req, 0x5a, sizeof(req));
	req.io.many = many;
	dev = (struct blk_dev){
		.capacity = CAPACITY,
		.features =
			1ULL << VIRTIO_BLK_F_FLUSH | 1ULL << VIRTIO_BLK_F_DISCARD | 1ULL << VIRTIO_BLK_F_WRITE_ZEROES,
		.seg_max = 4,
		.serial = "0123456789abcdefghij",
	};
	return 0;
}

static void out(uint64_t iova, uint32_t len)
{
	assert_null(chain_add(&chain, iova, len, false));
}

static void in(uint64_t iova, uint32_t len)
{
	assert_null(chain_add(&chain, iova, len, true));
}

static void header(uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr h = { .type = type, .sector = sector };

	memcpy(guest_at(&guest, HDR), &h, sizeof(h));
	out(HDR, 16);
}

static void segment(unsigned i, uint64_t sector, uint32_t sectors, uint32_t flags)
{
	struct virtio_blk_discard_write_zeroes s = { .sector = sector, .num_sectors = sectors, .flags = flags };

	memcpy(guest_at(&guest, DATA + 16ULL * i), &s, sizeof(s));
}

/* The status byte that the driver finds. */
static int refused(void)
{
	uint8_t *status = guest_at(&guest, STATUS);

	*status = 0xee;
	assert_int_equal(blk_begin(&dev, &view, &chain, &req, &counters), BLK_DONE);
	assert_int_equal(counters.errors, 1);
	assert_non_null(req.bad);
	assert_non_null(req.done.status_at);
	blk_store_status(&req.done);
	return *status;
}

/* It cannot be completed, for this reason (0: there is no place for a status). */
static void unanswered(int error)
{
	assert_int_equal(blk_begin(&dev, &view, &chain, &req, &counters), BLK_UNREACHED);
	assert_int_equal(counters.errors, 0);
	assert_int_equal(req.error, error);
	assert_non_null(req.bad);
}

/* It cannot be reached, which may pass; the status that the driver finds when it is given up. */
static int refused_in_the_end(int error)
{
	uint8_t *status = guest_at(&guest, STATUS);

	*status = 0xee;
	unanswered(error);
	assert_non_null(req.done.status_at);
	blk_refuse(&req, &counters);
	assert_int_equal(counters.errors, 1);
	blk_store_status(&req.done);
	return *status;
}

static void accepted(enum io_op op)
{
	assert_int_equal(blk_begin(&dev, &view, &chain, &req, &counters), BLK_IO);
	assert_int_equal(req.io.op, op);
	assert_int_equal(counters.errors, 0);
}

/* ---- good requests ---- */

static void reads(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_IN, 8);
	in(DATA, 512);
	in(DATA + 0x1000, 1024);
	in(STATUS, 1);
	accepted(IO_READ);
	assert_int_equal(req.io.range[0].offset, 4096);
	assert_int_equal(req.io.range[0].len, 1536);
	assert_int_equal(req.io.niov, 2);
	assert_int_equal(req.io.iov[1].iov_len, 1024);
	assert_int_equal(req.done.len, 1537);
	assert_false(req.done.wrote);
	req.io.result = 0;
	blk_finish(&req, &counters);
	assert_int_equal(req.done.status, VIRTIO_BLK_S_OK);
	assert_int_equal(counters.reads, 1);
	assert_int_equal(counters.read_bytes, 1536);
}

static void writes_and_fails(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_OUT, SECTORS - 1);
	out(DATA, 512);
	in(STATUS, 1);
	accepted(IO_WRITE);
	assert_true(req.done.wrote);
	assert_int_equal(req.done.len, 1);
	req.io.result = -ENOSPC;
	blk_finish(&req, &counters);
	assert_int_equal(req.done.status, VIRTIO_BLK_S_IOERR);
	assert_int_equal(req.error, -ENOSPC);
	assert_int_equal(counters.errors, 1);
	assert_int_equal(counters.writes, 0);
}

static void header_data_and_status_share_buffers(void **state)
{
	struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_OUT, .sector = 1 };

	(void)state;
	memcpy(guest_at(&guest, HDR), &h, sizeof(h));
	out(HDR, 16 + 512);
	in(STATUS, 1);
	accepted(IO_WRITE);
	assert_int_equal(req.io.niov, 1);
	assert_int_equal(req.io.iov[0].iov_len, 512);
	memset(&chain, 0, sizeof(chain));
	header(VIRTIO_BLK_T_IN, 1);
	in(DATA, 513);
	accepted(IO_READ);
	assert_int_equal(req.io.iov[0].iov_len, 512);
	req.done.status = 7;
	blk_store_status(&req.done);
	assert_int_equal(*(uint8_t *)guest_at(&guest, DATA + 512), 7);
}

static void neighbours_become_one_iovec(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_IN, 0);
	in(DATA, 512);
	in(DATA + 512, 512);
	in(STATUS, 1);
	accepted(IO_READ);
	assert_int_equal(req.io.niov, 1);
	assert_int_equal(req.io.iov[0].iov_len, 1024);
}

static void empty_read_is_no_error(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_IN, SECTORS);
	in(STATUS, 1);
	accepted(IO_READ);
	assert_int_equal(req.io.range[0].len, 0);
}

static void D13_data_across_two_regions(void **state)
{
	(void)state;
	guest_add(&guest, RAM + RAM_SIZE, 0x1000, 0, VDUSE_ACCESS_RW);
	header(VIRTIO_BLK_T_IN, 0);
	in(RAM + RAM_SIZE - 100, 512);
	in(STATUS, 1);
	accepted(IO_READ);
	assert_int_equal(req.io.iov[0].iov_len, 100);
}

static void D14_data_one_byte_past(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_IN, 0);
	in(RAM + RAM_SIZE - 511, 512);
	in(STATUS, 1);
	assert_int_equal(refused_in_the_end(-EFAULT), VIRTIO_BLK_S_IOERR);
}

static void D11_data_wraps(void **state)
{
	(void)state;
	guest_add(&guest, UINT64_MAX - 0xfff, 0x1000, 0, VDUSE_ACCESS_RW);
	header(VIRTIO_BLK_T_IN, 0);
	in(UINT64_MAX - 255, 512);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void D11_status_wraps(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_IN, 0);
	in(UINT64_MAX - 10, 513);
	unanswered(0);
}

static void D12_data_unmapped(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_OUT, 0);
	out(NOWHERE, 512);
	in(STATUS, 1);
	assert_int_equal(refused_in_the_end(-EFAULT), VIRTIO_BLK_S_IOERR);
}

static void D12_status_unmapped_executes_nothing(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_OUT, 0);
	out(DATA, 512);
	in(NOWHERE, 1);
	unanswered(-EFAULT);
}

static void D12_header_unmapped(void **state)
{
	(void)state;
	out(NOWHERE, 16);
	in(STATUS, 1);
	assert_int_equal(refused_in_the_end(-EFAULT), VIRTIO_BLK_S_IOERR);
}

static void V10_data_not_writable(void **state)
{
	(void)state;
	guest_add(&guest, 0x4000000, 0x1000, 0, VDUSE_ACCESS_RO);
	header(VIRTIO_BLK_T_IN, 0);
	in(0x4000000, 512);
	in(STATUS, 1);
	assert_int_equal(refused_in_the_end(-EACCES), VIRTIO_BLK_S_IOERR);
}

static void D10_more_than_4_GiB(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_OUT, 0);
	out(DATA, UINT32_MAX);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void malformed_chain_has_no_status(void **state)
{
	(void)state;
	chain.bad = "descriptors in a loop";
	unanswered(0);
}

static void table_that_cannot_be_read_has_no_status(void **state)
{
	(void)state;
	chain.bad = "indirect table not in mapped memory";
	chain.unreached = -ENOMEM;
	unanswered(-ENOMEM);
}

/* The host has run short: no error of the request, whatever part of it is meant. */
static void what_passes_is_no_error(void **state)
{
	static const int passing[] = { -ENOMEM, -EMFILE, -ENFILE, -EAGAIN };

	(void)state;
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		static const uint64_t at[][3] = { { NOWHERE, DATA, STATUS },
						  { HDR, NOWHERE, STATUS },
						  { HDR, DATA, NOWHERE } };

		for (size_t k = 0; k < 3; k++) {
			memset(&chain, 0, sizeof(chain));
			header(VIRTIO_BLK_T_OUT, 0);
			chain.seg[0].iova = at[k][0];
			out(at[k][1], 512);
			in(at[k][2], 1);
			guest.error_at = NOWHERE;
			guest.error = passing[i];
			unanswered(passing[i]);
			assert_int_equal(req.done.status_at != NULL, k != 2);
		}
	}
	chain.seg[2].iova = STATUS;
	chain.seg[1].iova = NOWHERE;
	unanswered(-EAGAIN);
	blk_refuse(&req, &counters); /* given up */
	assert_int_equal(req.done.status, VIRTIO_BLK_S_IOERR);
	assert_int_equal(req.done.len, 1);
	assert_int_equal(counters.errors, 1);
}

/* ---- B cases ---- */

static void B1_header_too_short(void **state)
{
	(void)state;
	out(HDR, 15);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B1_no_header(void **state)
{
	(void)state;
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B2_header_in_16_pieces(void **state)
{
	struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_OUT, .sector = 3 };

	(void)state;
	for (unsigned i = 0; i < 16; i++) {
		memcpy(guest_at(&guest, HDR + 256ULL * i), (uint8_t *)&h + i, 1);
		out(HDR + 256ULL * i, 1);
	}
	out(DATA, 512);
	in(STATUS, 1);
	accepted(IO_WRITE);
	assert_int_equal(req.io.range[0].offset, 3 * 512);
	assert_int_equal(req.io.niov, 1);
}

static void B3_no_status(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_FLUSH, 0);
	unanswered(0);
}

static void B4_status_readable_only(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_OUT, 0);
	out(DATA, 512);
	out(STATUS, 1);
	unanswered(0);
}

static void B4_status_in_a_read_only_region(void **state)
{
	(void)state;
	guest_add(&guest, 0x4000000, 0x1000, 0, VDUSE_ACCESS_RO);
	header(VIRTIO_BLK_T_FLUSH, 0);
	in(0x4000000, 1);
	unanswered(-EACCES);
}

static void B5_data_not_a_multiple_of_512(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_OUT, 0);
	out(DATA, 513);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B6_beyond_the_end(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_IN, SECTORS - 1);
	in(DATA, 1024);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B6_at_the_end(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_IN, SECTORS);
	in(DATA, 512);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B7_sector_max(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_OUT, UINT64_MAX);
	out(DATA, 512);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B7_sector_wraps_in_bytes(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_OUT, 1ULL << 55); /* times 512: 0 */
	out(DATA, 512);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B8_unknown_type(void **state)
{
	static const uint32_t types[] = { 3, 5, 7, 10, 14, 15, 0x80000000U, UINT32_MAX };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		setup(state);
		header(types[i], 0);
		in(STATUS, 1);
		assert_int_equal(refused(), VIRTIO_BLK_S_UNSUPP);
		if (i + 1 < sizeof(types) / sizeof(types[0]))
			guest_memory_end(state);
	}
}

static void B9_scsi_command(void **state)
{
	(void)state;
	header(2, 0);
	out(DATA, 96);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_UNSUPP);
}

static void B10_write_on_read_only(void **state)
{
	(void)state;
	dev.read_only = true;
	header(VIRTIO_BLK_T_OUT, 0);
	out(DATA, 512);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B10_discard_on_read_only(void **state)
{
	(void)state;
	dev.read_only = true;
	header(VIRTIO_BLK_T_DISCARD, 0);
	segment(0, 0, 8, 0);
	out(DATA, 16);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void ranges(uint32_t type, uint32_t bytes)
{
	header(type, 0);
	if (bytes > 0)
		out(DATA, bytes);
	in(STATUS, 1);
}

static void B11_discard_good(void **state)
{
	(void)state;
	for (unsigned i = 0; i < BLK_DISCARD_SEGS; i++)
		segment(i, i * 8, 8, 0);
	ranges(VIRTIO_BLK_T_DISCARD, 16 * BLK_DISCARD_SEGS);
	accepted(IO_DISCARD);
	assert_int_equal(req.io.ranges, BLK_DISCARD_SEGS);
	assert_int_equal(req.io.range[3].offset, 3 * 4096);
	assert_true(req.done.wrote);
}

static void B11_no_segments(void **state)
{
	(void)state;
	ranges(VIRTIO_BLK_T_DISCARD, 0);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B11_too_many_segments(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= BLK_DISCARD_SEGS; i++)
		segment(i, 0, 8, 0);
	ranges(VIRTIO_BLK_T_DISCARD, 16 * (BLK_DISCARD_SEGS + 1));
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B11_two_segments_to_zero(void **state)
{
	(void)state;
	segment(0, 0, 8, 0);
	segment(1, 8, 8, 0);
	ranges(VIRTIO_BLK_T_WRITE_ZEROES, 32);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B11_segment_in_part(void **state)
{
	(void)state;
	segment(0, 0, 8, 0);
	ranges(VIRTIO_BLK_T_DISCARD, 17);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B11_discard_flags(void **state)
{
	(void)state;
	segment(0, 0, 8, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
	ranges(VIRTIO_BLK_T_DISCARD, 16);
	assert_int_equal(refused(), VIRTIO_BLK_S_UNSUPP);
}

static void B11_zeroes_flags(void **state)
{
	(void)state;
	segment(0, 0, 8, 2);
	ranges(VIRTIO_BLK_T_WRITE_ZEROES, 16);
	assert_int_equal(refused(), VIRTIO_BLK_S_UNSUPP);
}

static void B11_zeroes_unmap(void **state)
{
	(void)state;
	segment(0, 0, 8, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP);
	ranges(VIRTIO_BLK_T_WRITE_ZEROES, 16);
	accepted(IO_ZERO);
	assert_true(req.io.may_unmap);
}

static void B11_more_sectors_than_announced(void **state)
{
	(void)state;
	dev.capacity = VD_CAPACITY_MAX;
	segment(0, 0, BLK_ZEROES_SECTORS + 1, 0);
	ranges(VIRTIO_BLK_T_WRITE_ZEROES, 16);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B11_overflow(void **state)
{
	(void)state;
	segment(0, UINT64_MAX, 8, 0);
	ranges(VIRTIO_BLK_T_DISCARD, 16);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B11_last_segment_beyond_the_end(void **state)
{
	(void)state;
	segment(0, 0, 8, 0);
	segment(1, SECTORS - 7, 8, 0);
	ranges(VIRTIO_BLK_T_DISCARD, 32);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B11_not_negotiated(void **state)
{
	(void)state;
	dev.features = 0;
	segment(0, 0, 8, 0);
	ranges(VIRTIO_BLK_T_DISCARD, 16);
	assert_int_equal(refused(), VIRTIO_BLK_S_UNSUPP);
}

static void B12_get_id(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_GET_ID, 0);
	in(DATA, 7); /* in pieces */
	in(DATA + 0x100, 13);
	in(STATUS, 1);
	assert_int_equal(blk_begin(&dev, &view, &chain, &req, &counters), BLK_DONE);
	assert_int_equal(req.done.status, VIRTIO_BLK_S_OK);
	assert_int_equal(req.done.len, 21);
	assert_memory_equal(guest_at(&guest, DATA), "0123456", 7);
	assert_memory_equal(guest_at(&guest, DATA + 0x100), "789abcdefghij", 13);
}

static void B12_get_id_19(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_GET_ID, 0);
	in(DATA, 19);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B12_get_id_21(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_GET_ID, 0);
	in(DATA, 21);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void B13_flush_with_data(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_FLUSH, 12345);
	out(NOWHERE, 512); /* must not be looked at */
	in(STATUS, 1);
	accepted(IO_FLUSH);
	assert_int_equal(req.io.ranges, 0);
}

static void B14_seg_max(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_IN, 0);
	for (unsigned i = 0; i < dev.seg_max; i++)
		in(DATA + 0x1000ULL * i, 512);
	in(STATUS, 1);
	accepted(IO_READ);
	assert_int_equal(req.io.niov, dev.seg_max);
}

static void B14_seg_max_and_one(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_IN, 0);
	for (unsigned i = 0; i <= dev.seg_max; i++)
		in(DATA + 0x1000ULL * i, 512);
	in(STATUS, 1);
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
}

static void header_changes_after_it_was_read(void **state)
{
	(void)state;
	header(VIRTIO_BLK_T_IN, 0);
	in(DATA, 512);
	in(STATUS, 1);
	accepted(IO_READ);
	memset(guest_at(&guest, HDR), 0xff, 16);
	assert_int_equal(req.io.range[0].offset, 0);
	assert_int_equal(req.type, VIRTIO_BLK_T_IN);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, guest_memory_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(reads),
		T(writes_and_fails),
		T(header_data_and_status_share_buffers),
		T(neighbours_become_one_iovec),
		T(empty_read_is_no_error),
		T(D10_more_than_4_GiB),
		T(D11_data_wraps),
		T(D11_status_wraps),
		T(D12_data_unmapped),
		T(D12_status_unmapped_executes_nothing),
		T(D12_header_unmapped),
		T(D13_data_across_two_regions),
		T(D14_data_one_byte_past),
		T(V10_data_not_writable),
		T(malformed_chain_has_no_status),
		T(table_that_cannot_be_read_has_no_status),
		T(what_passes_is_no_error),
		T(B1_header_too_short),
		T(B1_no_header),
		T(B2_header_in_16_pieces),
		T(B3_no_status),
		T(B4_status_readable_only),
		T(B4_status_in_a_read_only_region),
		T(B5_data_not_a_multiple_of_512),
		T(B6_beyond_the_end),
		T(B6_at_the_end),
		T(B7_sector_max),
		T(B7_sector_wraps_in_bytes),
		T(B8_unknown_type),
		T(B9_scsi_command),
		T(B10_write_on_read_only),
		T(B10_discard_on_read_only),
		T(B11_discard_good),
		T(B11_no_segments),
		T(B11_too_many_segments),
		T(B11_two_segments_to_zero),
		T(B11_segment_in_part),
		T(B11_discard_flags),
		T(B11_zeroes_flags),
		T(B11_zeroes_unmap),
		T(B11_more_sectors_than_announced),
		T(B11_overflow),
		T(B11_last_segment_beyond_the_end),
		T(B11_not_negotiated),
		T(B12_get_id),
		T(B12_get_id_19),
		T(B12_get_id_21),
		T(B13_flush_with_data),
		T(B14_seg_max),
		T(B14_seg_max_and_one),
		T(header_changes_after_it_was_read),
	};

	return cmocka_run_group_tests_name("worker/blk", tests, NULL, NULL);
}
