/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_split_bad.c - worker/ring/virtq_split.c: hostile rings and descriptors.
 * Case numbers: threats.md (b). A case ends either in chain.bad (the request is bad, the ring goes
 * on) or in -EPROTO (the ring is malformed).
 */
#include "tests/unit/split_ring.h"
#include "tests/unit/unit.h"
#include "worker/ring/virtq_split.h"

/* ---- D cases ---- */

static void D1_head_outside(void **state)
{
	(void)state;
	ring_offer(&ring, NUM);
	split_malformed();
}

static void D1_head_65535(void **state)
{
	(void)state;
	ring_offer(&ring, 65535);
	split_malformed();
}

static void D2_head_already_in_flight(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 16, 0, 0);
	ring_offer(&ring, 0);
	ring_offer(&ring, 0);
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	split_malformed();
}

static void D3_index_jumps(void **state)
{
	(void)state;
	ring_set_avail_idx(&ring, NUM + 1);
	split_malformed();
}

static void D4_index_backwards(void **state)
{
	(void)state;
	split_begin(true, true, 5);
	ring_set_avail_idx(&ring, 4);
	split_malformed();
}

static void D5_next_outside(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 16, NEXT, NUM);
	ring_offer(&ring, 0);
	split_bad_chain();
}

static void D6_self_loop(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 16, NEXT, 0);
	ring_offer(&ring, 0);
	split_bad_chain();
}

static void D7_loop_of_two(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 16, NEXT, 1);
	ring_desc(&ring, 1, DATA, 16, NEXT, 0);
	ring_offer(&ring, 0);
	split_bad_chain();
}

static void D8_longest_chain_and_one_more(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < NUM; i++)
		ring_desc(&ring, i, DATA, 16, i < NUM - 1 ? NEXT : 0, (uint16_t)(i + 1));
	ring_offer(&ring, 0);
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	assert_null(chain.bad);
	assert_int_equal(chain.nout, NUM);
	vq.ops->push(&vq, 0, 0);
	(void)vq.ops->publish(&vq);
	ring_desc(&ring, NUM - 1, DATA, 16, NEXT, 2);
	ring_offer(&ring, 0);
	split_bad_chain();
}

static void D9_length_0(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 0, NEXT, 1);
	ring_desc(&ring, 1, DATA, 16, NEXT, 2);
	ring_desc(&ring, 2, DATA, 0, WRITE, 0);
	ring_offer(&ring, 0);
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	assert_null(chain.bad);
	assert_int_equal(chain.nout + chain.nin, 1);
}

static void D10_length_max(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, UINT32_MAX, NEXT, 1);
	ring_desc(&ring, 1, DATA, UINT32_MAX, NEXT, 2);
	ring_desc(&ring, 2, DATA, UINT32_MAX, WRITE, 0);
	ring_offer(&ring, 0);
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	assert_true(chain.out_len == 2ULL * UINT32_MAX);
	assert_true(chain.in_len == UINT32_MAX);
}

static void D16_readable_behind_writable(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 16, NEXT | WRITE, 1);
	ring_desc(&ring, 1, DATA, 16, 0, 0);
	ring_offer(&ring, 0);
	split_bad_chain();
}

static void bad_table(uint32_t len)
{
	ring_desc(&ring, 0, DATA, len, INDIRECT, 0);
	ring_offer(&ring, 0);
	split_bad_chain();
}

static void D17_table_length_0(void **state)
{
	(void)state;
	bad_table(0);
}

static void D18_table_length_odd(void **state)
{
	(void)state;
	bad_table(17);
}

static void D19_table_huge(void **state)
{
	(void)state;
	bad_table(16 * (VIRTQ_SEGS_MAX + 1));
}

static void D19_table_huger(void **state)
{
	(void)state;
	bad_table(UINT32_MAX - 15);
}

static void D12_table_unmapped(void **state)
{
	(void)state;
	ring_desc(&ring, 0, 0x900000, 16, INDIRECT, 0);
	ring_offer(&ring, 0);
	split_bad_chain();
}

static void D20_table_in_a_table(void **state)
{
	(void)state;
	table_desc(&guest, DATA, 0, DATA + 0x100, 16, INDIRECT, 0);
	bad_table(16);
}

static void D21_table_with_next(void **state)
{
	(void)state;
	table_desc(&guest, DATA, 0, DATA + 0x100, 16, 0, 0);
	ring_desc(&ring, 0, DATA, 16, INDIRECT | NEXT, 1);
	ring_offer(&ring, 0);
	split_bad_chain();
}

static void D22_table_across_two_regions(void **state)
{
	uint64_t end = DATA + DATA_SIZE, table = end - 40; /* the third entry is cut in two */

	(void)state;
	guest_add(&guest, end, 0x1000, 0, VDUSE_ACCESS_RW);
	for (uint16_t i = 0; i < 4; i++) {
		struct virtq_desc d = {
			.addr = DATA + 0x100ULL * i, .len = 16, .flags = i < 3 ? NEXT : 0, .next = (uint16_t)(i + 1)
		};

		assert_int_equal(iova_write(&view, table + 16ULL * i, &d, 16), 0);
	}
	ring_desc(&ring, 0, table, 64, INDIRECT, 0);
	ring_offer(&ring, 0);
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	assert_null(chain.bad);
	assert_int_equal(chain.nout, 4);
	for (uint16_t i = 0; i < 4; i++)
		assert_int_equal(chain.seg[i].iova, DATA + 0x100ULL * i);
}

static void D23_table_not_negotiated(void **state)
{
	(void)state;
	split_begin(true, false, 0);
	table_desc(&guest, DATA, 0, DATA + 0x100, 16, 0, 0);
	bad_table(16);
}

static void D24_next_outside_of_the_table(void **state)
{
	(void)state;
	table_desc(&guest, DATA, 0, DATA + 0x100, 16, NEXT, 1);
	bad_table(16);
}

static void D6_loop_in_a_table(void **state)
{
	(void)state;
	table_desc(&guest, DATA, 0, DATA + 0x100, 16, NEXT, 1);
	table_desc(&guest, DATA, 1, DATA + 0x100, 16, NEXT, 0);
	bad_table(32);
}

static void D25_unknown_flags(void **state)
{
	(void)state;
	for (unsigned bit = 3; bit < 16; bit++) {
		split_begin(true, true, 0);
		ring_desc(&ring, 0, DATA, 16, (uint16_t)(1U << bit), 0);
		ring_offer(&ring, 0);
		split_bad_chain();
	}
}

static void D25_unknown_flags_in_a_table(void **state)
{
	(void)state;
	table_desc(&guest, DATA, 0, DATA + 0x100, 16, 8, 0);
	bad_table(16);
}

#define T(f) cmocka_unit_test_setup_teardown(f, split_setup, guest_memory_end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(D1_head_outside),
		T(D1_head_65535),
		T(D2_head_already_in_flight),
		T(D3_index_jumps),
		T(D4_index_backwards),
		T(D5_next_outside),
		T(D6_self_loop),
		T(D6_loop_in_a_table),
		T(D7_loop_of_two),
		T(D8_longest_chain_and_one_more),
		T(D9_length_0),
		T(D10_length_max),
		T(D12_table_unmapped),
		T(D16_readable_behind_writable),
		T(D17_table_length_0),
		T(D18_table_length_odd),
		T(D19_table_huge),
		T(D19_table_huger),
		T(D20_table_in_a_table),
		T(D21_table_with_next),
		T(D22_table_across_two_regions),
		T(D23_table_not_negotiated),
		T(D24_next_outside_of_the_table),
		T(D25_unknown_flags),
		T(D25_unknown_flags_in_a_table),
	};

	return cmocka_run_group_tests_name("worker/virtq_split", tests, NULL, NULL);
}
