/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_split.c - worker/ring/virtq_split.c: rings of a good driver, their set-up,
 * and memory that changes while it is read. Hostile descriptors: test_worker_split_bad.c. Case
 * numbers: threats.md (b).
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>

#include "tests/unit/split_ring.h"
#include "tests/unit/unit.h"
#include "worker/ring/virtq_split.h"

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
	split_begin(true, true, 65530);
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
	split_begin(false, true, 0);
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
	split_begin(false, true, 0);
	vq.ops->disable_kicks(&vq);
	assert_int_equal(ring_used_flags(&ring), VRING_USED_F_NO_NOTIFY);
	ring_offer(&ring, 0);
	assert_true(vq.ops->enable_kicks(&vq));
	assert_int_equal(ring_used_flags(&ring), 0);
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
	split_malformed();
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

#define T(f) cmocka_unit_test_setup_teardown(f, split_setup, guest_memory_end)

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
