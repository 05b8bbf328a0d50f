/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_inflight.c - worker/ring/inflight.c: what an earlier worker may have left.
 * Case numbers: threats.md (b); L1, L2 and L9 are about the whole state file: test_worker_device.c,
 * test_worker_sigbus.c. What a crash at each store leaves is in test_worker_crash.c.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "worker/ring/inflight.h"

#define NUM 8U

static struct state_queue q, saved;
static struct inflight f;

static int setup(void **state)
{
	(void)state;
	memset(&q, 0, sizeof(q));
	inflight_start(&f, &q, NUM, 100);
	return 0;
}

/* Take `heads`, finish the first `n` of them in one batch without settling. */
static void history(const uint16_t *heads, uint16_t taken, uint16_t n)
{
	for (uint16_t i = 0; i < taken; i++)
		assert_int_equal(inflight_take(&f, heads[i]), 0);
	for (uint16_t i = 0; i < n; i++)
		inflight_done(&f, heads[i]);
}

static int recover(uint16_t used_idx)
{
	saved = q;
	return inflight_load(&f, &q, NUM, used_idx);
}

static void refused(uint16_t used_idx)
{
	assert_int_equal(recover(used_idx), -EBADMSG);
	assert_memory_equal(&saved, &q, sizeof(q)); /* nothing is changed in doubt */
}

static void replays_in_the_order_of_taking(void **state)
{
	static const uint16_t heads[] = { 5, 2, 7, 0, 3 };

	(void)state;
	history(heads, 5, 2);
	inflight_settle(&f, heads, 2, 102);
	assert_int_equal(recover(102), 0);
	assert_int_equal(f.replay_len, 3);
	assert_memory_equal(f.replay, heads + 2, 3 * sizeof(heads[0]));
}

static void published_but_not_settled_is_not_replayed(void **state)
{
	static const uint16_t heads[] = { 5, 2, 7 };

	(void)state;
	history(heads, 3, 2);
	assert_int_equal(recover(102), 0);
	assert_int_equal(f.replay_len, 1);
	assert_int_equal(f.replay[0], 7);
	assert_int_equal(q.used_idx, 102);
	assert_int_equal(q.desc[5].inflight, 0);
}

static void linked_but_not_published_is_replayed(void **state)
{
	static const uint16_t heads[] = { 5, 2, 7 };

	(void)state;
	history(heads, 3, 3);
	assert_int_equal(recover(100), 0);
	assert_int_equal(f.replay_len, 3);
}

static void counters_go_on(void **state)
{
	static const uint16_t heads[] = { 5, 2 };

	(void)state;
	history(heads, 2, 0);
	assert_int_equal(recover(100), 0);
	assert_int_equal(inflight_take(&f, 1), 0);
	assert_true(q.desc[1].counter > q.desc[2].counter);
	assert_int_equal(inflight_take(&f, 5), -EEXIST);
}

static void old_links_may_loop(void **state)
{
	static const uint16_t a[] = { 1, 2 };

	(void)state;
	for (uint16_t i = 0; i < 4; i++) {
		history(a, 2, 2);
		inflight_settle(&f, a, 2, (uint16_t)(102 + 2 * i));
	}
	assert_int_equal(recover(108), 0);
	assert_int_equal(f.replay_len, 0);
}

static void L3_inflight_2(void **state)
{
	(void)state;
	q.desc[3].inflight = 2;
	refused(100);
}

static void L3_reserved_bytes(void **state)
{
	(void)state;
	q.desc[3].reserved[4] = 1;
	refused(100);
}

static void L4_link_outside(void **state)
{
	(void)state;
	q.desc[3].next = NUM;
	refused(100);
}

static void L4_entry_outside_of_the_ring(void **state)
{
	(void)state;
	q.desc[NUM].inflight = 1;
	refused(100);
}

static void L5_cycle_in_the_batch(void **state)
{
	static const uint16_t heads[] = { 1, 2, 3 };

	(void)state;
	history(heads, 3, 3);
	q.desc[3].next = 2;
	q.desc[2].next = 3;
	refused(103);
}

static void L6_last_batch_head_outside(void **state)
{
	(void)state;
	q.last_batch_head = NUM;
	refused(100);
}

static void L7_used_index_off(void **state)
{
	(void)state;
	refused(100 + NUM + 1);
	refused(99);
}

static void L8_equal_counters(void **state)
{
	static const uint16_t heads[] = { 1, 2 };

	(void)state;
	history(heads, 2, 0);
	q.desc[2].counter = q.desc[1].counter;
	refused(100);
}

static void L8_counter_from_the_future(void **state)
{
	static const uint16_t heads[] = { 1 };

	(void)state;
	history(heads, 1, 0);
	q.desc[1].counter = UINT64_MAX;
	refused(100);
}

static void L9_log_of_another_ring_size(void **state)
{
	(void)state;
	q.desc_num = 2 * NUM;
	refused(100);
	q.desc_num = 0;
	refused(100);
	q.desc_num = 65535;
	refused(100);
}

static void cleared_is_empty(void **state)
{
	static const uint16_t heads[] = { 1, 2 };
	static const struct state_desc zero;

	(void)state;
	history(heads, 2, 1);
	inflight_clear(&q);
	assert_int_equal(q.desc_num, 0);
	for (size_t i = 0; i < VD_QUEUE_SIZE_MAX; i++)
		assert_memory_equal(&q.desc[i], &zero, sizeof(zero));
}

#define T(f) cmocka_unit_test_setup(f, setup)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(replays_in_the_order_of_taking),
		T(published_but_not_settled_is_not_replayed),
		T(linked_but_not_published_is_replayed),
		T(counters_go_on),
		T(old_links_may_loop),
		T(L3_inflight_2),
		T(L3_reserved_bytes),
		T(L4_link_outside),
		T(L4_entry_outside_of_the_ring),
		T(L5_cycle_in_the_batch),
		T(L6_last_batch_head_outside),
		T(L7_used_index_off),
		T(L8_equal_counters),
		T(L8_counter_from_the_future),
		T(L9_log_of_another_ring_size),
		T(cleared_is_empty),
	};

	return cmocka_run_group_tests_name("worker/inflight", tests, NULL, NULL);
}
