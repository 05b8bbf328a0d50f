/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_failmode.c - a worker in fail mode takes over: whatever an earlier worker
 * left in the state file, what is not completed ends in an I/O error.
 */
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"

#define OK VDUSE_REQ_RESULT_OK
#define SERVED 3U

static int disk_byte(unsigned sector)
{
	char c;

	assert_int_equal(pread(rig.disk, &c, 1, 512 * (off_t)sector), 1);
	return c;
}

/* The worker before us is dead, and had taken these heads of queue 0. */
static void died_with(unsigned slots)
{
	rig_quiesce();
	for (unsigned slot = 0; slot < slots; slot++) {
		rig_offer(0, slot, VIRTIO_BLK_T_OUT, slot, 512, false);
		memset(rig_data(0, slot), 'a' + (int)slot, 512);
		assert_int_equal(inflight_take(&rig.d->queue[0].vq.log, (uint16_t)(3 * slot)), 0);
	}
}

/* The same after some requests were served: the rings are not where a driver starts. */
static void served_and_died_with(unsigned slots)
{
	rig_run();
	for (uint16_t i = 0; i < SERVED; i++) {
		rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
		rig_wait_used(0, i + 1);
	}
	died_with(slots);
}

/* Two requests wait; they end in errors, and so does what comes then. */
static void all_fail(uint32_t generation)
{
	uint16_t used = ring_used_idx(&rig.ring[0]);

	rig_replace(generation, WORK_F_FAIL | WORK_F_HOST);
	rig_wait_used(0, used + 2);
	for (unsigned slot = 0; slot < 2; slot++)
		assert_int_equal(*rig_status_byte(0, slot), VIRTIO_BLK_S_IOERR);
	assert_int_equal(disk_byte(0), 0);
	rig_settle();
	assert_true(atomic_load(&fake.irqs[0]) > 0);
	rig_offer(1, 0, VIRTIO_BLK_T_FLUSH, 0, 0, true);
	rig_wait_used(1, 1);
	assert_int_equal(*rig_status_byte(1, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(rig_status(0), OK); /* messages are answered */
}

/* ---- what is in the rings is completed ---- */

static void completes_what_was_in_flight(void **state)
{
	(void)state;
	served_and_died_with(2);
	all_fail(3);
}

static void completes_what_was_not_taken_yet(void **state)
{
	(void)state;
	served_and_died_with(1);
	rig_offer(0, 1, VIRTIO_BLK_T_OUT, 0, 512, false);
	all_fail(3);
}

/* Slot 0 was taken first, and slot 1 was completed before it. */
static void died_in_the_midst(void)
{
	struct virtq *vq = &rig.d->queue[0].vq;

	served_and_died_with(2);
	vq->ops->push(vq, 3, 1);
	(void)vq->ops->publish(vq);
	*rig_status_byte(0, 1) = 0x77;
}

static void completes_what_others_have_overtaken(void **state)
{
	(void)state;
	died_in_the_midst();
	rig_replace(3, WORK_F_FAIL);
	rig_wait_used(0, SERVED + 2);
	assert_int_equal(ring_used_id(&rig.ring[0], SERVED + 1), 0);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
	rig_settle();
	assert_int_equal(*rig_status_byte(0, 1), 0x77); /* it is the driver's again */
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, SERVED + 3);
	assert_int_equal(ring_used_id(&rig.ring[0], SERVED + 2), 3);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_IOERR);
}

/* ... and one that nobody has taken yet. */
static void completes_what_others_have_overtaken_and_what_is_new(void **state)
{
	(void)state;
	died_in_the_midst();
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, false);
	rig_replace(3, WORK_F_FAIL);
	rig_wait_used(0, SERVED + 3);
	assert_int_equal(ring_used_id(&rig.ring[0], SERVED + 1), 0);
	assert_int_equal(ring_used_id(&rig.ring[0], SERVED + 2), 3);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_IOERR);
}

/* Killed again and again while it takes over, fail mode finds the same. */
static void believes_the_log_again(void **state)
{
	(void)state;
	died_in_the_midst();
	rig.state->queue[0].used_idx--; /* it was not settled yet */
	rig.state->queue[0].desc[3].inflight = 1;
	rig_replace(3, WORK_F_FAIL);
	rig_wait_used(0, SERVED + 2);
	rig_settle();
	assert_int_equal(ring_used_id(&rig.ring[0], SERVED + 1), 0);
	rig_replace(4, WORK_F_FAIL);
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[0]), SERVED + 2);
}

static void without_a_driver(void **state)
{
	(void)state;
	rig_quiesce();
	rig.state->version = 99;
	rig_replace(2, WORK_F_FAIL);
	assert_int_equal(rig.d->status, 0);
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
}

static void driver_that_starts_elsewhere_than_its_ring(void **state)
{
	(void)state;
	rig_quiesce();
	rig_replace(2, WORK_F_FAIL);
	rig_run();
	assert_int_equal(rig_status(0), OK);
	fake.queue[0].split.avail_index = 3;
	assert_int_equal(rig_status(S_RUNNING), OK);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
}

/* The driver shows more than its ring holds: nothing in there can be told apart. */
static void ring_that_makes_no_sense_stays_failed(void **state)
{
	(void)state;
	served_and_died_with(2);
	ring_set_avail_idx(&rig.ring[0], SERVED + RIG_NUM + 1);
	rig_replace(2, WORK_F_FAIL);
	rig_wait_failed(0);
	assert_int_equal(ring_used_idx(&rig.ring[0]), SERVED);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(1, 1);
}

/* The kernel forgets its rings only when it has our answer. */
static void reset_that_waits_is_not_undone(void **state)
{
	(void)state;
	served_and_died_with(2);
	fake_status(0);
	rig_replace(2, WORK_F_FAIL);
	rig_settle();
	assert_int_equal(fake.response.result, OK);
	assert_int_equal(rig.d->status, 0);
	assert_int_equal(ring_used_idx(&rig.ring[0]), SERVED);
}

/* ---- nothing of the state file is believed that does not fit ---- */

static void bad_log(void **state)
{
	(void)state;
	served_and_died_with(2);
	rig.state->queue[0].desc[0].inflight = 3;
	all_fail(3);
}

/* Nothing about it is wrong but that the driver never offered that. */
static void log_with_a_head_too_many(void **state)
{
	struct state_queue *q = &rig.state->queue[0];

	(void)state;
	served_and_died_with(2);
	q->desc[5].counter = q->next_counter++;
	q->desc[5].inflight = 1;
	rig_replace(2, WORK_F_HOST);
	rig_wait_failed(0);
	all_fail(3);
}

static void log_with_a_head_too_few(void **state)
{
	(void)state;
	served_and_died_with(2);
	rig.state->queue[0].desc[0].inflight = 0;
	all_fail(3);
}

/* Of the driver's next life, which nobody told of. */
static void log_of_an_owed_reset(void **state)
{
	(void)state;
	died_in_the_midst();
	rig.state->reset_owed = 1;
	rig_replace(3, WORK_F_FAIL);
	rig_wait_used(0, SERVED + 2);
	assert_int_equal(ring_used_id(&rig.ring[0], SERVED + 1), 3); /* by the rings alone */
}

static void failed_queue(void **state)
{
	(void)state;
	served_and_died_with(2);
	rig.state->queue[0].failed = 1;
	all_fail(3);
}

static void bad_header(void **state)
{
	(void)state;
	served_and_died_with(2);
	rig.state->version = 99;
	all_fail(3);
}

/* As vdused does: the next worker gives the host's disk up, the one after it is in fail mode. */
static void bad_header_found_by_a_worker_of_the_host(void **state)
{
	(void)state;
	served_and_died_with(2);
	rig.state->version = 99;
	rig_replace(2, WORK_F_HOST);
	(void)device_notes(rig.d);
	assert_true(rig.d->hopeless);
	all_fail(3);
}

static void state_of_a_worker_that_never_began(void **state)
{
	(void)state;
	served_and_died_with(2);
	rig.state->magic = 0;
	all_fail(3);
}

static void state_of_a_device_without_a_driver(void **state)
{
	(void)state;
	served_and_died_with(2);
	rig.state->driver_status = 0;
	rig.state->features = 0;
	all_fail(3);
}

static void log_of_a_queue_that_the_driver_has_not(void **state)
{
	(void)state;
	served_and_died_with(2);
	fake.queue[1].ready = 0;
	rig.state->queue[1].desc_num = RIG_NUM;
	rig_replace(2, WORK_F_FAIL);
	assert_int_equal(rig.d->status, S_RUNNING);
	rig_wait_used(0, SERVED + 2);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
}

/* The kernel repeats DRIVER_OK, and must get a good answer: else it refuses every interrupt. */
static void status_with_bits_that_the_driver_never_set(void **state)
{
	(void)state;
	served_and_died_with(2);
	rig.state->driver_status = 0xff;
	fake_status(S_RUNNING);
	rig_replace(2, WORK_F_FAIL);
	assert_int_equal(fake.response.result, OK);
	rig_wait_used(0, SERVED + 2);
}

/* What was bad is bad no more for the worker after it: `recover` has an effect. */
static void leaves_a_good_state_file(void **state)
{
	(void)state;
	served_and_died_with(2);
	rig.state->version = 99;
	rig.state->queue[0].failed = 1;
	rig.state->queue[0].desc[5].inflight = 3;
	rig_replace(2, WORK_F_FAIL);
	rig_wait_used(0, SERVED + 2);
	rig_replace(3, 0);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, SERVED + 3);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(rig_status(0), OK);
	rig_new_rings();
	rig_run();
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(completes_what_was_in_flight),
		T(completes_what_was_not_taken_yet),
		T(completes_what_others_have_overtaken),
		T(completes_what_others_have_overtaken_and_what_is_new),
		T(believes_the_log_again),
		T(log_of_an_owed_reset),
		T(without_a_driver),
		T(driver_that_starts_elsewhere_than_its_ring),
		T(ring_that_makes_no_sense_stays_failed),
		T(reset_that_waits_is_not_undone),
		T(bad_log),
		T(log_with_a_head_too_many),
		T(log_with_a_head_too_few),
		T(failed_queue),
		T(bad_header),
		T(bad_header_found_by_a_worker_of_the_host),
		T(state_of_a_worker_that_never_began),
		T(state_of_a_device_without_a_driver),
		T(log_of_a_queue_that_the_driver_has_not),
		T(status_with_bits_that_the_driver_never_set),
		T(leaves_a_good_state_file),
	};

	return cmocka_run_group_tests_name("worker/takeover in fail mode", tests, NULL, NULL);
}
