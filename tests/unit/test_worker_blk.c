/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_blk.c - worker/blk/blk.c: good and hostile virtio-blk requests. Ranges to
 * discard or zero, serial numbers, flushes: test_worker_blk_ranges.c. Case numbers: threats.md (b).
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/blk_request.h"
#include "tests/unit/unit.h"

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
	memset(&blk_chain, 0, sizeof(blk_chain));
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

static void malformed_chain_has_no_status(void **state)
{
	(void)state;
	blk_chain.bad = "descriptors in a loop";
	unanswered(0);
}

static void table_that_cannot_be_read_has_no_status(void **state)
{
	(void)state;
	blk_chain.bad = "indirect table not in mapped memory";
	blk_chain.unreached = -ENOMEM;
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
			memset(&blk_chain, 0, sizeof(blk_chain));
			header(VIRTIO_BLK_T_OUT, 0);
			blk_chain.seg[0].iova = at[k][0];
			out(at[k][1], 512);
			in(at[k][2], 1);
			guest.error_at = NOWHERE;
			guest.error = passing[i];
			unanswered(passing[i]);
			assert_int_equal(req.done.status_at != NULL, k != 2);
		}
	}
	blk_chain.seg[2].iova = STATUS;
	blk_chain.seg[1].iova = NOWHERE;
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

static void B8_unknown_type(void **state)
{
	static const uint32_t types[] = { 3, 5, 7, 10, 14, 15, 0x80000000U, UINT32_MAX };

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++) {
		blk_setup(state);
		header(types[i], 0);
		in(STATUS, 1);
		assert_int_equal(refused(), VIRTIO_BLK_S_UNSUPP);
		if (i + 1 < sizeof(types) / sizeof(types[0]))
			guest_memory_end(state);
	}
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

/* ---- refused requests with one piece of data ---- */

static const struct refusal {
	const char *name;
	uint32_t type;
	uint64_t sector;
	uint64_t at; /* of the data */
	uint32_t len;
	bool in;
	int status;
	int error; /* not at once, but in the end, as this may pass; 0 = at once */
} refusals[] = {
	{ "D10_more_than_4_GiB", VIRTIO_BLK_T_OUT, 0, DATA, UINT32_MAX, false, VIRTIO_BLK_S_IOERR, 0 },
	{ "D12_data_unmapped", VIRTIO_BLK_T_OUT, 0, NOWHERE, 512, false, VIRTIO_BLK_S_IOERR, -EFAULT },
	{ "D14_data_one_byte_past", VIRTIO_BLK_T_IN, 0, RAM + RAM_SIZE - 511, 512, true, VIRTIO_BLK_S_IOERR, -EFAULT },
	{ "B5_data_not_a_multiple_of_512", VIRTIO_BLK_T_OUT, 0, DATA, 513, false, VIRTIO_BLK_S_IOERR, 0 },
	{ "B6_beyond_the_end", VIRTIO_BLK_T_IN, SECTORS - 1, DATA, 1024, true, VIRTIO_BLK_S_IOERR, 0 },
	{ "B6_at_the_end", VIRTIO_BLK_T_IN, SECTORS, DATA, 512, true, VIRTIO_BLK_S_IOERR, 0 },
	{ "B7_sector_max", VIRTIO_BLK_T_OUT, UINT64_MAX, DATA, 512, false, VIRTIO_BLK_S_IOERR, 0 },
	/* times 512: 0 */
	{ "B7_sector_wraps_in_bytes", VIRTIO_BLK_T_OUT, 1ULL << 55, DATA, 512, false, VIRTIO_BLK_S_IOERR, 0 },
	{ "B9_scsi_command", 2, 0, DATA, 96, false, VIRTIO_BLK_S_UNSUPP, 0 },
	{ "B12_get_id_19", VIRTIO_BLK_T_GET_ID, 0, DATA, 19, true, VIRTIO_BLK_S_IOERR, 0 },
	{ "B12_get_id_21", VIRTIO_BLK_T_GET_ID, 0, DATA, 21, true, VIRTIO_BLK_S_IOERR, 0 },
};

#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

static void is_refused(void **state)
{
	const struct refusal *r = *state;

	header(r->type, r->sector);
	if (r->in)
		in(r->at, r->len);
	else
		out(r->at, r->len);
	in(STATUS, 1);
	assert_int_equal(r->error ? refused_in_the_end(r->error) : refused(), r->status);
}

#define T(f) cmocka_unit_test_setup_teardown(f, blk_setup, guest_memory_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(reads),
		T(writes_and_fails),
		T(header_data_and_status_share_buffers),
		T(neighbours_become_one_iovec),
		T(empty_read_is_no_error),
		T(D11_data_wraps),
		T(D11_status_wraps),
		T(D12_status_unmapped_executes_nothing),
		T(D12_header_unmapped),
		T(D13_data_across_two_regions),
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
		T(B8_unknown_type),
		T(B10_write_on_read_only),
		T(B14_seg_max),
		T(B14_seg_max_and_one),
		T(header_changes_after_it_was_read),
	};
	struct CMUnitTest table[REFUSALS];

	for (size_t i = 0; i < REFUSALS; i++)
		table[i] = (struct CMUnitTest){ refusals[i].name, is_refused, blk_setup, guest_memory_end,
						(void *)(uintptr_t)&refusals[i] };
	return cmocka_run_group_tests_name("worker/blk", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("worker/blk, refused", table, NULL, NULL);
}
