/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_error_stop.c - WORK_F_STOP: worker/device/error_stop.c, and how a queue
 * halts and goes on (worker/device/queue_halt.c). What happens while it waits:
 * test_worker_stopped.c.
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/late_disk.h"
#include "tests/unit/stop_rig.h"
#include "tests/unit/unit.h"
#include "worker/device/error_stop.h"
#include "worker/device/queue_halt.h"

#define OK VDUSE_REQ_RESULT_OK

/* ---- halting ---- */

static void failed_request_waits_and_is_executed_again(void **state)
{
	(void)state;
	halted();
	assert_int_equal(*rig_status_byte(0, 0), 0xee);
	assert_int_equal(rig.state->queue[0].desc[0].inflight, 1);
	assert_int_equal(rig.state->queue[0].counters.errors, 0);
	is_told_nothing(); /* once is enough */
	repaired();
	assert_int_equal(rig.state->queue[0].desc[0].inflight, 0);
	assert_int_equal(rig.state->queue[0].counters.errors, 0);
	assert_int_equal(rig.state->queue[0].counters.writes, 1);
	offer_write(0, 1, 10, 'b', true); /* as if nothing had been */
	rig_wait_used(0, 2);
	is_told_nothing();
}

static void every_kind_of_request(void **state)
{
	static const uint32_t types[] = { VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_DISCARD,
					  VIRTIO_BLK_T_WRITE_ZEROES };
	struct virtio_blk_discard_write_zeroes range = { .sector = 9, .num_sectors = 8 };

	(void)state;
	rig_run();
	for (uint16_t i = 0; i < 4; i++) {
		bool ranges = types[i] == VIRTIO_BLK_T_DISCARD || types[i] == VIRTIO_BLK_T_WRITE_ZEROES;

		bad_from = 8;
		bad_error = i == 1 ? -ENOSPC : -EIO;
		memcpy(rig_data(0, 0), &range, sizeof(range));
		rig_offer(0, 0, types[i], 9, ranges ? sizeof(range) : 512, true);
		is_told(0, bad_error);
		assert_int_equal(ring_used_idx(&rig.ring[0]), i);
		bad_from = NEVER;
		resume();
		rig_wait_used(0, (uint16_t)(i + 1));
		assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
	}
}

/* No repair of the disk would change it. */
static void discard_that_cannot_be_done_is_answered(void **state)
{
	struct virtio_blk_discard_write_zeroes range = { .sector = 9, .num_sectors = 8 };

	(void)state;
	rig_run();
	bad_from = 8;
	bad_error = -EOPNOTSUPP;
	memcpy(rig_data(0, 0), &range, sizeof(range));
	rig_offer(0, 0, VIRTIO_BLK_T_DISCARD, 0, sizeof(range), true);
	rig_wait_used(0, 1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_UNSUPP);
	is_told_nothing();
	/* of anything else it is an error like others */
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 9, 512, true);
	is_told(0, -EOPNOTSUPP);
}

static void what_was_before_it_is_published_and_nothing_behind_it_taken(void **state)
{
	(void)state;
	rig_run();
	bad_from = 8;
	offer_write(0, 0, 1, 'a', false);
	offer_write(0, 1, 9, 'b', false);
	rig_quiesce();
	/* a third one: no header, so it is bad */
	ring_desc(&rig.ring[0], 6, RIG_RAM, 1, VRING_DESC_F_WRITE, 0);
	ring_offer(&rig.ring[0], 6);
	assert_int_equal(rig_iotlb(0, 0), OK); /* held, and released */
	is_told(0, -EIO);
	rig_wait_used(0, 1);
	assert_int_equal(ring_used_id(&rig.ring[0], 0), 0);
	assert_int_equal(rig.state->queue[0].desc[6].inflight, 0);
	bad_from = NEVER;
	resume();
	rig_wait_used(0, 3);
	assert_int_equal(ring_used_id(&rig.ring[0], 1), 3);
	assert_int_equal(ring_used_id(&rig.ring[0], 2), 6);
}

static void kicks_are_remembered(void **state)
{
	unsigned before;

	(void)state;
	halted();
	before = tried;
	for (int i = 0; i < 3; i++)
		fake_kick(0);
	offer_write(0, 1, 1, 'b', true); /* the disk would take this one */
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
	assert_int_equal(tried, before);
	is_told_nothing();
	bad_from = NEVER;
	resume();
	rig_wait_used(0, 2);
	assert_int_equal(ring_used_id(&rig.ring[0], 0), 0);
	assert_int_equal(ring_used_id(&rig.ring[0], 1), 3);
}

static void halts_again_when_it_fails_again(void **state)
{
	(void)state;
	halted();
	for (int i = 0; i < 3; i++) {
		bad_error = -ENOSPC - i;
		resume();
		is_told(0, -ENOSPC - i);
	}
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
	repaired();
}

static void order_of_overlapping_writes_is_kept(void **state)
{
	(void)state;
	halted();
	offer_write(0, 1, 9, 'z', true);
	bad_from = NEVER;
	resume();
	rig_wait_used(0, 2);
	assert_int_equal(disk_byte(9), 'z');
}

static void resume_without_need(void **state)
{
	(void)state;
	rig_run();
	rig_quiesce();
	resume();
	assert_int_equal(rig.d->queue[0].halted, 0); /* nothing is kept for the next time */
	assert_int_equal(rig_iotlb(0, 0), OK);
	bad_from = 8;
	offer_write(0, 0, 9, 'a', true);
	is_told(0, -EIO); /* it was not for this one */
	rig_settle();
	assert_int_equal(tried, 1);
	resume();
	resume(); /* twice for one */
	is_told(0, -EIO);
	rig_settle();
	assert_true(tried == 2 || tried == 3);
	repaired();
}

static void each_queue_by_itself(void **state)
{
	(void)state;
	halted();
	offer_write(1, 0, 1, 'b', true);
	rig_wait_used(1, 1);
	offer_write(1, 1, 8, 'c', true);
	is_told(1, -EIO);
	bad_from = NEVER;
	resume(); /* both */
	rig_wait_used(0, 1);
	rig_wait_used(1, 2);
	assert_int_equal(disk_byte(8), 'c');
	assert_int_equal(disk_byte(9), 'a');
}

static void several_at_once_and_out_of_order(void **state)
{
	(void)state;
	rig_run();
	rig_quiesce();
	late_use(&rig.d->queue[0]);
	offer_write(0, 0, 9, 'a', false); /* fails after the other one has ended */
	offer_write(0, 1, 1, 'b', false);
	assert_int_equal(rig_iotlb(0, 0), OK);
	late_wait(2);
	late_end(1, 0);
	rig_wait_used(0, 1);
	late_end(0, -EIO);
	is_told(0, -EIO);
	assert_int_equal(ring_used_id(&rig.ring[0], 0), 3);
	assert_int_equal(rig.state->queue[0].desc[0].inflight, 1);
	resume();
	late_wait(1);
	late_end(0, 0);
	rig_wait_used(0, 2);
	assert_int_equal(ring_used_id(&rig.ring[0], 1), 0);
	assert_int_equal(disk_byte(9), 'a');
}

/* ---- what does not halt ---- */

static void completed_with_an_error(uint16_t used)
{
	rig_wait_used(0, used);
	is_told_nothing();
	assert_int_equal(error_stop_error(rig.d), 0);
}

static void flush_is_an_error(void **state)
{
	(void)state;
	rig_run();
	sync_error = -EIO;
	rig_offer(0, 0, VIRTIO_BLK_T_FLUSH, 0, 0, true);
	completed_with_an_error(1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
}

static void malformed_request_is_an_error(void **state)
{
	(void)state;
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_OUT, RIG_CAPACITY / 512, 512, true);
	completed_with_an_error(1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
}

static void memory_of_the_driver_that_is_gone_is_an_error(void **state)
{
	(void)state;
	rig_run();
	bad_from = 8;
	bad_error = -EFAULT;
	offer_write(0, 0, 9, 'a', true);
	completed_with_an_error(1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
}

/* Whoever resumes it would only see it again. */
static void range_that_the_disk_does_not_take_is_an_error(void **state)
{
	static const uint32_t types[] = { VIRTIO_BLK_T_IN, VIRTIO_BLK_T_OUT, VIRTIO_BLK_T_DISCARD,
					  VIRTIO_BLK_T_WRITE_ZEROES };
	struct virtio_blk_discard_write_zeroes range = { .sector = 9, .num_sectors = 1 };

	(void)state;
	rig_run();
	bad_from = 8;
	bad_error = -EINVAL;
	for (uint16_t i = 0; i < 4; i++) {
		memcpy(rig_data(0, 0), &range, sizeof(range));
		rig_offer(0, 0, types[i], 9, i < 2 ? 512 : sizeof(range), true);
		completed_with_an_error((uint16_t)(i + 1));
		assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
	}
}

static void without_flush_what_cannot_be_made_durable_is_an_error(void **state)
{
	(void)state;
	rig_run();
	rig.d->blk.features &= ~(1ULL << VIRTIO_BLK_F_FLUSH);
	sync_error = -EIO;
	offer_write(0, 0, 1, 'a', true);
	completed_with_an_error(1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
}

static void without_flush_what_was_before_it_is_durable(void **state)
{
	(void)state;
	rig_run();
	rig.d->blk.features &= ~(1ULL << VIRTIO_BLK_F_FLUSH);
	bad_from = 8;
	offer_write(0, 0, 1, 'a', false);
	offer_write(0, 1, 9, 'b', true);
	is_told(0, -EIO);
	rig_wait_used(0, 1);
	assert_true(syncs >= 1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
}

static void not_without_the_flag(void **state)
{
	(void)state;
	rig_run();
	replaced(3, 0);
	bad_from = 8;
	offer_write(0, 0, 9, 'a', true);
	completed_with_an_error(1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(rig.state->queue[0].counters.errors, 1);
}

static void fail_mode_ends_what_waits(void **state)
{
	(void)state;
	halted();
	replaced(3, WORK_F_STOP | WORK_F_FAIL);
	completed_with_an_error(1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
}

#define T(f) cmocka_unit_test_setup_teardown(f, stop_setup, stop_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(failed_request_waits_and_is_executed_again),
		T(every_kind_of_request),
		T(discard_that_cannot_be_done_is_answered),
		T(what_was_before_it_is_published_and_nothing_behind_it_taken),
		T(kicks_are_remembered),
		T(halts_again_when_it_fails_again),
		T(order_of_overlapping_writes_is_kept),
		T(resume_without_need),
		T(each_queue_by_itself),
		T(several_at_once_and_out_of_order),
		T(flush_is_an_error),
		T(malformed_request_is_an_error),
		T(memory_of_the_driver_that_is_gone_is_an_error),
		T(range_that_the_disk_does_not_take_is_an_error),
		T(without_flush_what_cannot_be_made_durable_is_an_error),
		T(without_flush_what_was_before_it_is_durable),
		T(not_without_the_flag),
		T(fail_mode_ends_what_waits),
	};

	return cmocka_run_group_tests_name("worker/error_stop", tests, NULL, NULL);
}
