/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_split.c - worker/ring/virtq_split.c: hostile rings and descriptors. Case
 * numbers: threats.md (b). A case ends either in chain.bad (the request is bad, the ring goes on)
 * or in -EPROTO (the ring is malformed).
 */
#include <errno.h>
#include <linux/virtio_ring.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>

#include "tests/unit/fake_guest.h"
#include "tests/unit/unit.h"
#include "worker/ring/virtq.h"
#include "worker/ring/virtq_split.h"

#define NUM 8U
#define RING 0x100000ULL
#define DATA 0x200000ULL
#define DATA_SIZE 0x20000ULL
#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT

static struct guest guest;
static struct iova_map map;
static struct iova_view view;
static struct ring ring;
static struct virtq vq;
static struct chain chain;
static struct state_queue log_file;

static void begin(bool event_idx, bool indirect, uint16_t used_idx)
{
	ring_init(&ring, &guest, NUM, RING);
	ring.avail_idx = used_idx;
	ring_set_avail_idx(&ring, used_idx);
	ring_set_used_idx(&ring, used_idx);
	memset(&log_file, 0, sizeof(log_file));
	memset(&vq, 0, sizeof(vq));
	vq.ops = &virtq_split;
	vq.mem = &view;
	ring_conf(&ring, &vq.conf, event_idx, indirect);
	assert_int_equal(vq.ops->map(&vq), 0);
	inflight_start(&vq.log, &log_file, NUM, used_idx);
	assert_int_equal(vq.ops->start(&vq, used_idx), 0);
}

static int setup(void **state)
{
	(void)state;
	guest_init(&guest);
	guest_map_init(&guest, &map);
	view = (struct iova_view){ .map = &map };
	guest_add(&guest, RING, 0x10000, 0, VDUSE_ACCESS_RW);
	guest_add(&guest, DATA, DATA_SIZE, 0, VDUSE_ACCESS_RW);
	begin(true, true, 0);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	(void)iova_drop(&map, 0, UINT64_MAX);
	iova_sweep(&map);
	guest_free(&guest);
	return 0;
}

/* Pop the one request on offer: it must be refused as such, and the ring go on with a good one. */
static void expect_bad_chain(void)
{
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	assert_non_null(chain.bad);
	assert_int_equal(chain.nout + chain.nin, 0);
	vq.ops->push(&vq, chain.head, 0);
	(void)vq.ops->publish(&vq);
	assert_int_equal(vq.ops->pop(&vq, &chain), 0);
	ring_desc(&ring, NUM - 1, DATA, 16, 0, 0);
	ring_offer(&ring, NUM - 1);
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	assert_null(chain.bad);
}

static void expect_malformed(void)
{
	assert_int_equal(vq.ops->pop(&vq, &chain), -EPROTO);
	assert_non_null(vq.error);
}

/* ---- what a good driver does ---- */

static void pops_a_chain(void **state)
{
	(void)state;
	ring_desc(&ring, 3, DATA, 16, NEXT, 1);
	ring_desc(&ring, 1, DATA + 0x1000, 512, NEXT | WRITE, 6);
	ring_desc(&ring, 6, DATA + 0x2000, 1, WRITE, 0);
	assert_int_equal(vq.ops->pop(&vq, &chain), 0);
	ring_offer(&ring, 3);
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	assert_null(chain.bad);
	assert_int_equal(chain.head, 3);
	assert_int_equal(chain.nout, 1);
	assert_int_equal(chain.nin, 2);
	assert_int_equal(chain.out_len, 16);
	assert_int_equal(chain.in_len, 513);
	assert_int_equal(chain.seg[1].iova, DATA + 0x1000);
	assert_int_equal(log_file.desc[3].inflight, 1);
	vq.ops->push(&vq, 3, 513);
	assert_int_equal(ring_used_idx(&ring), 0);
	assert_true(vq.ops->publish(&vq));
	assert_int_equal(ring_used_idx(&ring), 1);
	assert_int_equal(ring_used_id(&ring, 0), 3);
	assert_int_equal(ring_used_len(&ring, 0), 513);
	assert_int_equal(log_file.desc[3].inflight, 0);
	assert_int_equal(log_file.used_idx, 1);
}

static void pops_an_indirect_chain(void **state)
{
	(void)state;
	table_desc(&guest, DATA, 0, DATA + 0x1000, 16, NEXT, 2);
	table_desc(&guest, DATA, 2, DATA + 0x2000, 1, WRITE, 0);
	ring_desc(&ring, 0, DATA, 48, INDIRECT | WRITE, 0); /* the write flag means nothing here */
	ring_offer(&ring, 0);
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	assert_null(chain.bad);
	assert_int_equal(chain.nout, 1);
	assert_int_equal(chain.nin, 1);
}

static void indirect_behind_direct(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA + 0x1000, 16, NEXT, 1);
	ring_desc(&ring, 1, DATA, 16, INDIRECT, 0);
	table_desc(&guest, DATA, 0, DATA + 0x2000, 1, WRITE, 0);
	ring_offer(&ring, 0);
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	assert_null(chain.bad);
	assert_int_equal(chain.nout + chain.nin, 2);
}

static void indices_wrap_around(void **state)
{
	(void)state;
	begin(true, true, 65530);
	ring_desc(&ring, 0, DATA, 16, 0, 0);
	for (unsigned i = 0; i < 3 * NUM; i++) {
		ring_offer(&ring, 0);
		assert_int_equal(vq.ops->pop(&vq, &chain), 1);
		vq.ops->push(&vq, 0, 0);
		(void)vq.ops->publish(&vq);
		assert_int_equal(vq.ops->pop(&vq, &chain), 0);
	}
	assert_int_equal(ring_used_idx(&ring), (uint16_t)(65530 + 3 * NUM));
}

static void interrupts_by_event_index(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 16, 0, 0);
	ring_desc(&ring, 1, DATA, 16, 0, 0);
	ring_set_used_event(&ring, 1); /* tell me when the second one is used */
	for (uint16_t i = 0; i < 2; i++) {
		ring_offer(&ring, i);
		assert_int_equal(vq.ops->pop(&vq, &chain), 1);
		vq.ops->push(&vq, i, 0);
		assert_int_equal(vq.ops->publish(&vq), i == 1);
	}
}

static void interrupts_by_flag(void **state)
{
	(void)state;
	begin(false, true, 0);
	ring_desc(&ring, 0, DATA, 16, 0, 0);
	for (uint16_t i = 0; i < 2; i++) {
		ring_set_avail_flags(&ring, i ? VRING_AVAIL_F_NO_INTERRUPT : 0);
		ring_offer(&ring, 0);
		assert_int_equal(vq.ops->pop(&vq, &chain), 1);
		vq.ops->push(&vq, 0, 0);
		assert_int_equal(vq.ops->publish(&vq), i == 0);
	}
}

static void kicks_by_event_index(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 16, 0, 0);
	vq.ops->disable_kicks(&vq);
	ring_offer(&ring, 0);
	assert_true(vq.ops->enable_kicks(&vq)); /* came in meanwhile */
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	assert_false(vq.ops->enable_kicks(&vq));
	assert_int_equal(ring_avail_event(&ring), 1);
	assert_int_equal(ring_used_flags(&ring), 0);
}

static void kicks_by_flag(void **state)
{
	(void)state;
	begin(false, true, 0);
	vq.ops->disable_kicks(&vq);
	assert_int_equal(ring_used_flags(&ring), VRING_USED_F_NO_NOTIFY);
	ring_offer(&ring, 0);
	assert_true(vq.ops->enable_kicks(&vq));
	assert_int_equal(ring_used_flags(&ring), 0);
}

/* ---- D cases ---- */

static void D1_head_outside(void **state)
{
	(void)state;
	ring_offer(&ring, NUM);
	expect_malformed();
}

static void D1_head_65535(void **state)
{
	(void)state;
	ring_offer(&ring, 65535);
	expect_malformed();
}

static void D2_head_already_in_flight(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 16, 0, 0);
	ring_offer(&ring, 0);
	ring_offer(&ring, 0);
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	expect_malformed();
}

static void D3_index_jumps(void **state)
{
	(void)state;
	ring_set_avail_idx(&ring, NUM + 1);
	expect_malformed();
}

static void D4_index_backwards(void **state)
{
	(void)state;
	begin(true, true, 5);
	ring_set_avail_idx(&ring, 4);
	expect_malformed();
}

static void D5_next_outside(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 16, NEXT, NUM);
	ring_offer(&ring, 0);
	expect_bad_chain();
}

static void D6_self_loop(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 16, NEXT, 0);
	ring_offer(&ring, 0);
	expect_bad_chain();
}

static void D7_loop_of_two(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 16, NEXT, 1);
	ring_desc(&ring, 1, DATA, 16, NEXT, 0);
	ring_offer(&ring, 0);
	expect_bad_chain();
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
	expect_bad_chain();
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
	expect_bad_chain();
}

static void bad_table(uint32_t len)
{
	ring_desc(&ring, 0, DATA, len, INDIRECT, 0);
	ring_offer(&ring, 0);
	expect_bad_chain();
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
	expect_bad_chain();
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
	expect_bad_chain();
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
	begin(true, false, 0);
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
		begin(true, true, 0);
		ring_desc(&ring, 0, DATA, 16, (uint16_t)(1U << bit), 0);
		ring_offer(&ring, 0);
		expect_bad_chain();
	}
}

static void D25_unknown_flags_in_a_table(void **state)
{
	(void)state;
	table_desc(&guest, DATA, 0, DATA + 0x100, 16, 8, 0);
	bad_table(16);
}

/* ---- memory that changes while it is read ---- */

static atomic_bool flip_stop;

static void *flip(void *arg)
{
	uint64_t *d = arg;

	while (!atomic_load(&flip_stop)) {
		__atomic_store_n(&d[1], 16ULL | (uint64_t)NEXT << 32 | 1ULL << 48, __ATOMIC_RELAXED);
		__atomic_store_n(&d[1], 0xffffffffULL | (uint64_t)(NEXT | WRITE) << 32 | 0xffffULL << 48,
				 __ATOMIC_RELAXED);
		__atomic_store_n(&d[1], 48ULL | (uint64_t)INDIRECT << 32, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void D26_descriptor_changes(void **state)
{
	pthread_t t;

	(void)state;
	ring_desc(&ring, 0, DATA, 16, NEXT, 1);
	ring_desc(&ring, 1, DATA, 1, WRITE, 0);
	for (uint16_t i = 0; i < 3; i++)
		table_desc(&guest, DATA, i, DATA, 16, i < 2 ? NEXT : 0, (uint16_t)(i + 1));
	atomic_store(&flip_stop, false);
	assert_int_equal(pthread_create(&t, NULL, flip, guest_at(&guest, RING)), 0);
	for (int i = 0; i < 20000; i++) {
		ring_offer(&ring, 0);
		assert_int_equal(vq.ops->pop(&vq, &chain), 1);
		/* any of the variants, never a mixture */
		if (!chain.bad)
			assert_true((chain.nout == 1 && chain.nin == 1 && chain.out_len == 16) ||
				    (chain.nout == 3 && chain.nin == 0));
		vq.ops->push(&vq, 0, 0);
		(void)vq.ops->publish(&vq);
	}
	atomic_store(&flip_stop, true);
	assert_int_equal(pthread_join(t, NULL), 0);
}

static void D27_available_entry_changes_after_it_was_read(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 16, 0, 0);
	ring_desc(&ring, 1, DATA, 32, 0, 0);
	ring_offer(&ring, 0);
	assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	*(uint16_t *)guest_at(&guest, ring.avail + 4) = 1;
	vq.ops->push(&vq, chain.head, 0);
	(void)vq.ops->publish(&vq);
	assert_int_equal(ring_used_id(&ring, 0), 0);
	assert_int_equal(log_file.desc[0].inflight, 0);
	assert_int_equal(log_file.desc[1].inflight, 0);
}

static void D28_used_event_garbage(void **state)
{
	(void)state;
	ring_desc(&ring, 0, DATA, 16, 0, 0);
	for (unsigned v = 0; v < 65536; v += 251) {
		ring_set_used_event(&ring, (uint16_t)v);
		ring_offer(&ring, 0);
		assert_int_equal(vq.ops->pop(&vq, &chain), 1);
		vq.ops->push(&vq, 0, 0);
		(void)vq.ops->publish(&vq);
	}
}

/* ---- set-up ---- */

static void check_conf(uint64_t desc, uint64_t driver, uint64_t device, uint16_t num, bool good)
{
	struct virtq_conf c = { .num = num, .desc_addr = desc, .driver_addr = driver, .device_addr = device };

	if (good)
		assert_null(virtq_check(&c, 256));
	else
		assert_non_null(virtq_check(&c, 256));
}

static void D29_ring_not_aligned(void **state)
{
	(void)state;
	check_conf(RING, RING, RING, 8, true);
	check_conf(RING + 8, RING, RING, 8, false);
	check_conf(RING, RING + 1, RING, 8, false);
	check_conf(RING, RING, RING + 2, 8, false);
}

static void D30_ring_runs_past_its_region(void **state)
{
	(void)state;
	vq.conf.desc_addr = RING + 0x10000 - 16 * NUM;
	assert_int_equal(vq.ops->map(&vq), 0);
	vq.conf.desc_addr += 16;
	assert_int_equal(vq.ops->map(&vq), -EFAULT);
	vq.conf.desc_addr = RING;
	vq.conf.driver_addr = RING + 0x10000 - 6 - 2 * NUM;
	assert_int_equal(vq.ops->map(&vq), 0);
	vq.conf.driver_addr += 2;
	assert_int_equal(vq.ops->map(&vq), -EFAULT);
	vq.conf.driver_addr = ring.avail;
	vq.conf.device_addr = RING + 0x10000 - 8 - 8 * NUM;
	assert_int_equal(vq.ops->map(&vq), 0);
	vq.conf.device_addr += 4;
	assert_int_equal(vq.ops->map(&vq), -EFAULT);
}

static void V10_used_ring_read_only(void **state)
{
	(void)state;
	guest_add(&guest, 0x400000, 0x1000, 0, VDUSE_ACCESS_RO);
	vq.conf.device_addr = 0x400000;
	assert_int_equal(vq.ops->map(&vq), -EACCES);
}

static void D31_size_0(void **state)
{
	(void)state;
	check_conf(RING, RING, RING, 0, false);
}

static void D32_size_not_a_power_of_two(void **state)
{
	(void)state;
	check_conf(RING, RING, RING, 7, false);
	check_conf(RING, RING, RING, 255, false);
	check_conf(RING, RING, RING, 1, true);
}

static void D33_size_too_large(void **state)
{
	(void)state;
	check_conf(RING, RING, RING, 256, true);
	check_conf(RING, RING, RING, 512, false);
	check_conf(RING, RING, RING, 32768, false);
}

/* All three rings at one place: what comes out is nonsense, but it stays inside. */
static void D34_rings_overlap(void **state)
{
	(void)state;
	vq.conf.driver_addr = vq.conf.device_addr = vq.conf.desc_addr;
	assert_int_equal(vq.ops->map(&vq), 0);
	ring_set_avail_idx(&ring, 0);
	for (unsigned i = 0; i < 1000 && !vq.error; i++) {
		int rc = vq.ops->pop(&vq, &chain);

		if (rc != 1)
			break;
		vq.ops->push(&vq, chain.head, 12345);
		(void)vq.ops->publish(&vq);
		(void)vq.ops->enable_kicks(&vq);
	}
}

static void D36_more_outstanding_than_entries(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < NUM; i++) {
		ring_desc(&ring, i, DATA, 16, 0, 0);
		ring_offer(&ring, i);
	}
	for (uint16_t i = 0; i < NUM; i++)
		assert_int_equal(vq.ops->pop(&vq, &chain), 1);
	ring_offer(&ring, 0);
	expect_malformed();
}

static void start_refuses_an_index_out_of_range(void **state)
{
	(void)state;
	ring_set_avail_idx(&ring, NUM + 1);
	assert_int_equal(vq.ops->start(&vq, 0), -EPROTO);
	ring_set_avail_idx(&ring, 65535);
	assert_int_equal(vq.ops->start(&vq, 0), -EPROTO);
	ring_set_avail_idx(&ring, 2);
	vq.log.replay_len = 3; /* more in flight than ever offered */
	assert_int_equal(vq.ops->start(&vq, 0), -EPROTO);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(pops_a_chain),
		T(pops_an_indirect_chain),
		T(indirect_behind_direct),
		T(indices_wrap_around),
		T(interrupts_by_event_index),
		T(interrupts_by_flag),
		T(kicks_by_event_index),
		T(kicks_by_flag),
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
		T(D26_descriptor_changes),
		T(D27_available_entry_changes_after_it_was_read),
		T(D28_used_event_garbage),
		T(D29_ring_not_aligned),
		T(D30_ring_runs_past_its_region),
		T(D31_size_0),
		T(D32_size_not_a_power_of_two),
		T(D33_size_too_large),
		T(D34_rings_overlap),
		T(D36_more_outstanding_than_entries),
		T(V10_used_ring_read_only),
		T(start_refuses_an_index_out_of_range),
	};

	return cmocka_run_group_tests_name("worker/virtq_split", tests, NULL, NULL);
}
