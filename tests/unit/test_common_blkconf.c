/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_common_blkconf.c - common/blkconf.c: a discard is offered where the backend can
 * do it, as it can do it.
 */
#include <endian.h>
#include <string.h>

#include "common/blkconf.h"
#include "proto/limits.h"
#include "tests/unit/unit.h"

#define DISCARD (1ULL << VIRTIO_BLK_F_DISCARD)
#define ZEROES (1ULL << VIRTIO_BLK_F_WRITE_ZEROES)

static struct blk_params params(uint64_t discard_max, uint32_t granularity)
{
	return (struct blk_params){ .capacity = 1U << 20,
				    .queues = 1,
				    .queue_size = 256,
				    .block_size = 512,
				    .unmap = { .discard_max = discard_max, .granularity = granularity } };
}

static void discard_is_offered_where_it_can_be_done(void **state)
{
	struct blk_params p = params(1U << 20, 4096);

	(void)state;
	assert_int_equal(blk_features(&p) & (DISCARD | ZEROES), DISCARD | ZEROES);
	p.read_only = true;
	assert_int_equal(blk_features(&p) & (DISCARD | ZEROES), 0);
	p = params(0, 4096);
	assert_int_equal(blk_features(&p) & (DISCARD | ZEROES), ZEROES);
	p = params(512, 512);
	p.block_size = 4096; /* no request is that small */
	assert_int_equal(blk_features(&p) & DISCARD, 0);
}

static void limits_are_the_backends(void **state)
{
	static const struct {
		uint64_t max;
		uint32_t granularity, block, want_max, want_align;
	} cases[] = {
		{ VD_CAPACITY_MAX, 4096, 512, BLK_DISCARD_SECTORS, 8 }, /* a file */
		{ 64U << 20, 65536, 512, (64U << 20) / 512, 128 }, /* a thin volume */
		{ 4294966784, 4096, 512, BLK_DISCARD_SECTORS, 8 },
		/* no part of a granule at the end of the largest */
		{ 100000, 65536, 512, 128, 128 },
		{ 65536, 1U << 20, 512, 128, 2048 }, /* smaller than a granule: as it is */
		{ 1U << 20, 0, 512, 2048, 1 },
		{ 1U << 20, 512, 4096, 2048, 8 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct blk_params p = params(cases[i].max, cases[i].granularity);
		struct virtio_blk_config c;

		p.block_size = cases[i].block;
		blk_config_fill(&p, &c);
		assert_int_equal(le32toh(c.max_discard_sectors), cases[i].want_max);
		assert_int_equal(le32toh(c.discard_sector_alignment), cases[i].want_align);
		assert_int_equal(le32toh(c.max_discard_seg), BLK_DISCARD_SEGS);
	}
}

static void what_is_not_offered_has_no_limits(void **state)
{
	struct blk_params p = params(0, 4096);
	struct virtio_blk_config c;

	(void)state;
	memset(&c, 0xff, sizeof(c));
	blk_config_fill(&p, &c);
	assert_int_equal(c.max_discard_sectors | c.max_discard_seg | c.discard_sector_alignment, 0);
	assert_int_equal(le32toh(c.max_write_zeroes_sectors), BLK_ZEROES_SECTORS);
	assert_int_equal(c.write_zeroes_may_unmap, 0);
	p.unmap.by_zeroing = 1;
	blk_config_fill(&p, &c);
	assert_int_equal(c.write_zeroes_may_unmap, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(discard_is_offered_where_it_can_be_done),
		cmocka_unit_test(limits_are_the_backends),
		cmocka_unit_test(what_is_not_offered_has_no_limits),
	};

	return cmocka_run_group_tests_name("common/blkconf", tests, NULL, NULL);
}
