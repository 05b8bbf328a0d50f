/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_unanswered.c - a request that cannot be answered is not completed: its
 * status byte or its indirect table cannot be reached, for good or until memory changes. Where the
 * worker itself runs short: test_worker_short.c.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/two_requests.h"
#include "tests/unit/unit.h"
#include "worker/device/memory_wait.h"

#define SOME_MISSES 5U /* less than it has patience for */
#define ASKS_OF_ONE_RUN 8U /* rings, and the parts of two requests, each once */

/* ---- for good ---- */

static void no_memory_at_the_status(void **state)
{
	(void)state;
	rig_run();
	status_at(NOWHERE);
	fails();
}

static void no_memory_at_the_table(void **state)
{
	(void)state;
	rig_run();
	table_at(NOWHERE);
	fails();
}

static void status_that_may_not_be_written(void **state)
{
	(void)state;
	guest_add(&rig.guest, NOWHERE, 0x1000, 0, VDUSE_ACCESS_RO);
	rig_run();
	status_at(NOWHERE);
	fails();
}

static void no_place_for_a_status(void **state)
{
	(void)state;
	rig_run();
	write_to_9();
	ring_desc(&rig.ring[0], 5, RIG_RAM, 1, 0, 0);
	fails();
}

static void chain_that_is_a_loop(void **state)
{
	(void)state;
	rig_run();
	write_to_9();
	ring_desc(&rig.ring[0], 4, RIG_RAM, 512, VRING_DESC_F_NEXT, 4);
	fails();
}

static void in_fail_mode_too(void **state)
{
	(void)state;
	rig_replace(2, WORK_F_FAIL);
	rig_run();
	status_at(NOWHERE);
	go();
	rig_until(has_failed);
	assert_int_equal(ring_used_idx(&rig.ring[0]), 1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(rig.state->queue[0].desc[3].inflight, 1);
}

static void reset_heals(void **state)
{
	(void)state;
	rig_run();
	status_at(NOWHERE);
	fails();
	assert_int_equal(rig_status(0), OK);
	rig_new_rings();
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_until(is_published);
}

/* With the status in its place, data that is nowhere is an error of the request alone. */
static void no_memory_at_the_data(void **state)
{
	(void)state;
	rig_run();
	data_at(NOWHERE);
	go();
	rig_until(both_published);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_IOERR);
	assert_int_equal(sector_9(), 0);
}

/* ---- for a moment ---- */

static void memory_comes_with_an_update(void **state)
{
	(void)state;
	rig_run();
	status_at(NOWHERE);
	go();
	rig_until(is_published);
	rig_settle();
	only_the_first_is_completed();
	guest_add(&rig.guest, NOWHERE, 0x1000, 0, VDUSE_ACCESS_RW);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	is_done_in_the_end();
	assert_int_equal(*(uint8_t *)guest_at(&rig.guest, NOWHERE), VIRTIO_BLK_S_OK);
}

/*
 * A driver that changes its memory outside of a batch takes it away and gives it back: what is
 * asked meanwhile is not lost.
 */
static void data_comes_with_an_update(uint8_t before, uint8_t perm)
{
	rig_run();
	if (before)
		guest_add(&rig.guest, NOWHERE, 0x1000, 0, before);
	data_at(NOWHERE);
	go();
	rig_until(is_published);
	rig_settle();
	only_the_first_is_completed();
	if (before)
		guest_remove(&rig.guest, NOWHERE);
	memset(guest_add(&rig.guest, NOWHERE, 0x1000, 0, perm), 'x', 512);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	is_done_in_the_end();
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_OK);
}

static void data_is_missing_between_two_updates(void **state)
{
	(void)state;
	data_comes_with_an_update(0, VDUSE_ACCESS_RO);
}

static void data_has_another_permission_between_two_updates(void **state)
{
	(void)state;
	data_comes_with_an_update(VDUSE_ACCESS_WO, VDUSE_ACCESS_RW);
}

/*
 * Memory with no permission, or with one that there is not: the kernel warns of it with a stack
 * trace whenever it is asked, so it is asked once.
 */
static void V10_no_permission_is_not_asked_for_again(void **state)
{
	(void)state;
	rig_run();
	guest_add(&rig.guest, NOWHERE, 0x1000, 0, 0);
	data_at(NOWHERE);
	rig.guest.gets = 0;
	go();
	rig_until(both_published);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_IOERR);
	assert_in_range(rig.guest.gets, 1, ASKS_OF_ONE_RUN);
}

static void V10_no_permission_for_a_status(void **state)
{
	(void)state;
	rig_run();
	guest_add(&rig.guest, NOWHERE, 0x1000, 0, 0);
	status_at(NOWHERE);
	rig.guest.gets = 0;
	go();
	rig_until(has_failed);
	assert_in_range(rig.guest.gets, 1, ASKS_OF_ONE_RUN);
}

static bool has_lost_patience(void)
{
	return rig.d->queue[0].misses >= SOME_MISSES;
}

static bool has_made_room(void)
{
	return !rig.d->remap_owed;
}

/*
 * Patience is with memory that is missing since a change of it: not with what the host lacked, nor
 * for each request anew.
 */
static void patience_is_for_a_change_of_memory(void **state)
{
	(void)state;
	rig_run();
	data_at(NOWHERE);
	rig.guest.error_at = NOWHERE;
	rig.guest.error = -ENOMEM;
	rig.guest.gets = 0;
	go();
	rig_until(was_asked_often);
	assert_int_equal(rig.d->queue[0].misses, 0);
	rig.guest.error = 0; /* it is missing, too */
	rig_until(has_lost_patience);
	only_the_first_is_completed();
	memory_full(rig.d);
	rig_until(has_made_room);
	assert_true(has_lost_patience()); /* that was no change of it */
	rig_until(both_published);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_IOERR);
	assert_true(has_lost_patience());
	assert_int_equal(rig_iotlb(0, 0), OK);
	assert_int_equal(rig.d->queue[0].misses, 0);
}

/*
 * The kernel has changed its map, and its message is on its way: the region there is not the one
 * that we know.
 */
static void memory_is_being_changed(void **state)
{
	static const struct vduse_iotlb_entry moved = { .start = RIG_RAM, .last = NOWHERE + 0xfff, .perm = 3 };

	(void)state;
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_until(is_published);
	hold();
	rig_offer(0, 1, VIRTIO_BLK_T_OUT, 9, 512, false);
	memset(rig_data(0, 1), 'x', 512);
	ring_desc(&rig.ring[0], 4, NOWHERE, 512, VRING_DESC_F_NEXT, 5);
	rig.guest.lie = &moved;
	rig.guest.gets = 0;
	go();
	rig_until(was_asked_often);
	only_the_first_is_completed();
	rig.guest.lie = NULL;
	memset(guest_add(&rig.guest, NOWHERE, 0x1000, 0, VDUSE_ACCESS_RW), 'x', 512);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	is_done_in_the_end();
}

static void the_next_worker_waits_too(void **state)
{
	(void)state;
	rig_run();
	status_at(NOWHERE);
	go();
	rig_until(is_published);
	rig_settle();
	rig_replace(2, 0);
	rig_settle();
	only_the_first_is_completed();
	guest_add(&rig.guest, NOWHERE, 0x1000, 0, VDUSE_ACCESS_RW);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	is_done_in_the_end();
}

static void reset_while_it_waits(void **state)
{
	(void)state;
	rig_run();
	status_at(NOWHERE);
	go();
	rig_until(is_published);
	assert_int_equal(rig_status(0), OK);
	rig_settle();
	assert_false(has_failed());
	assert_int_equal(rig.state->queue[0].desc[3].inflight, 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(no_memory_at_the_status),
		T(no_memory_at_the_table),
		T(status_that_may_not_be_written),
		T(no_place_for_a_status),
		T(chain_that_is_a_loop),
		T(in_fail_mode_too),
		T(reset_heals),
		T(no_memory_at_the_data),
		T(memory_comes_with_an_update),
		T(data_is_missing_between_two_updates),
		T(data_has_another_permission_between_two_updates),
		T(V10_no_permission_is_not_asked_for_again),
		T(V10_no_permission_for_a_status),
		T(patience_is_for_a_change_of_memory),
		T(memory_is_being_changed),
		T(the_next_worker_waits_too),
		T(reset_while_it_waits),
	};

	return cmocka_run_group_tests_name("worker/unanswered", tests, NULL, NULL);
}
