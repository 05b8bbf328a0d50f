/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_blk_ranges.c - worker/blk/blk.c: requests whose data is not data of the
 * disk. Case numbers: threats.md (b).
 */
#include <string.h>

#include "proto/limits.h"
#include "tests/unit/blk_request.h"
#include "tests/unit/unit.h"

/* ---- ranges, serial numbers, flushes ---- */

static void ranges(uint32_t type, uint32_t bytes)
{
	header(type, 0);
	if (bytes > 0)
		out(DATA, bytes);
	in(STATUS, 1);
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

static void B11_too_many_segments(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= BLK_DISCARD_SEGS; i++)
		segment(i, 0, 8, 0);
	ranges(VIRTIO_BLK_T_DISCARD, 16 * (BLK_DISCARD_SEGS + 1));
	assert_int_equal(refused(), VIRTIO_BLK_S_IOERR);
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
	assert_int_equal(blk_begin(&dev, &view, &blk_chain, &req, &counters), BLK_DONE);
	assert_int_equal(req.done.status, VIRTIO_BLK_S_OK);
	assert_int_equal(req.done.len, 21);
	assert_memory_equal(guest_at(&guest, DATA), "0123456", 7);
	assert_memory_equal(guest_at(&guest, DATA + 0x100), "789abcdefghij", 13);
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

/* ---- refused ranges ---- */

static const struct refusal {
	const char *name;
	uint32_t type;
	uint32_t bytes; /* of the segments */
	int status;
	struct virtio_blk_discard_write_zeroes segment[2]; /* sector, sectors, flags */
} refusals[] = {
	{ "B11_no_segments", VIRTIO_BLK_T_DISCARD, 0, VIRTIO_BLK_S_IOERR, { { 0 } } },
	{ "B11_segment_in_part", VIRTIO_BLK_T_DISCARD, 17, VIRTIO_BLK_S_IOERR, { { 0, 8, 0 } } },
	{ "B11_two_segments_to_zero", VIRTIO_BLK_T_WRITE_ZEROES, 32, VIRTIO_BLK_S_IOERR, { { 0, 8, 0 }, { 8, 8, 0 } } },
	{ "B11_discard_flags",
	  VIRTIO_BLK_T_DISCARD,
	  16,
	  VIRTIO_BLK_S_UNSUPP,
	  { { 0, 8, VIRTIO_BLK_WRITE_ZEROES_FLAG_UNMAP } } },
	{ "B11_zeroes_flags", VIRTIO_BLK_T_WRITE_ZEROES, 16, VIRTIO_BLK_S_UNSUPP, { { 0, 8, 2 } } },
	{ "B11_overflow", VIRTIO_BLK_T_DISCARD, 16, VIRTIO_BLK_S_IOERR, { { UINT64_MAX, 8, 0 } } },
	{ "B11_last_segment_beyond_the_end",
	  VIRTIO_BLK_T_DISCARD,
	  32,
	  VIRTIO_BLK_S_IOERR,
	  { { 0, 8, 0 }, { SECTORS - 7, 8, 0 } } },
};

#define REFUSALS (sizeof(refusals) / sizeof(refusals[0]))

static void are_refused(void **state)
{
	const struct refusal *r = *state;

	memcpy(guest_at(&guest, DATA), r->segment, sizeof(r->segment));
	ranges(r->type, r->bytes);
	assert_int_equal(refused(), r->status);
}

#define T(f) cmocka_unit_test_setup_teardown(f, blk_setup, guest_memory_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(B10_discard_on_read_only),
		T(B11_discard_good),
		T(B11_too_many_segments),
		T(B11_zeroes_unmap),
		T(B11_more_sectors_than_announced),
		T(B11_not_negotiated),
		T(B12_get_id),
		T(B13_flush_with_data),
	};
	struct CMUnitTest table[REFUSALS];

	for (size_t i = 0; i < REFUSALS; i++)
		table[i] = (struct CMUnitTest){ refusals[i].name, are_refused, blk_setup, guest_memory_end,
						(void *)(uintptr_t)&refusals[i] };
	return cmocka_run_group_tests_name("worker/blk ranges", tests, NULL, NULL) +
	       cmocka_run_group_tests_name("worker/blk ranges, refused", table, NULL, NULL);
}
