/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_status.c - worker/device/device.c, takeover.c: a worker is killed before
 * every single store that a status message makes to the state file. The kernel repeats the message
 * to the next worker, which must come to the same end: the disk is healthy, and may be the host's,
 * where a queue given up means fail mode.
 */
#include <string.h>
#include <unistd.h>

#include "tests/unit/cpu.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"

#define OK VDUSE_REQ_RESULT_OK

/* The next worker need not doubt: where there is FEATURES_OK there are features. */
static void state_is_believable(void)
{
	if (rig.state->driver_status & VIRTIO_CONFIG_S_FEATURES_OK)
		assert_true(rig.state->features == fake.features);
}

/*
 * The worker handles this message and is killed before its store number `at`. Returns whether it
 * came that far.
 */
static bool killed_at(uint8_t status, long at)
{
	rig_quiesce();
	cpu = (struct cpu){ .page = { rig.state }, .len = { sizeof(*rig.state) }, .left = at };
	fake_status(status);
	if (sigsetjmp(cpu.killed, 1) == 0) {
		cpu_close();
		(void)device_message(rig.d);
		cpu_open();
		return false;
	}
	cpu_open();
	return true;
}

/* The next worker of a host's disk gets the message again, unless it was answered. */
static void next_worker_is_well(uint8_t status, bool repeated, uint8_t then)
{
	if (repeated)
		fake_status(status);
	rig_replace(2, WORK_F_HOST);
	if (repeated) {
		assert_int_equal(fake.response.result, OK);
		assert_int_equal(rig.d->status, then);
	}
	(void)device_notes(rig.d);
	assert_false(rig.d->hopeless);
	for (uint32_t q = 0; q < RIG_QUEUES; q++)
		assert_int_equal(rig.state->queue[q].failed, 0);
}

static void begins_anew(void)
{
	assert_int_equal(rig_status(0), OK);
	rig_new_rings();
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
}

static void killed_before_every_store_of_a_reset(void **state)
{
	bool killed = true;
	long at = 0;

	cpu_install();
	for (; killed; at++) {
		(void)rig_setup(state);
		rig_run();
		rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
		rig_wait_used(0, 1);
		killed = killed_at(0, at);
		state_is_believable();
		next_worker_is_well(0, killed, 0);
		begins_anew();
		(void)rig_teardown(state);
	}
	assert_true(at > 4);
}

static void killed_before_every_store_of_features_ok(void **state)
{
	bool killed = true;
	long at = 0;

	cpu_install();
	for (; killed; at++) {
		(void)rig_setup(state);
		rig_run();
		assert_int_equal(rig_status(0), OK);
		assert_int_equal(rig_status(S_DRIVER), OK);
		for (uint32_t q = 0; q < RIG_QUEUES; q++)
			fake.queue[q].ready = 0;
		killed = killed_at(S_FEATURES, at);
		state_is_believable();
		next_worker_is_well(S_FEATURES, killed, S_FEATURES);
		begins_anew();
		(void)rig_teardown(state);
	}
	assert_int_equal(at, 3);
}

/* The kernel has rings, the reset is not repeated: nothing is served, and nothing has failed. */
static void killed_before_the_last_store_of_a_reset(void **state)
{
	(void)rig_setup(state);
	rig_run();
	rig_quiesce();
	rig.state->driver_status = 0;
	next_worker_is_well(0, false, 0);
	assert_int_equal(rig.d->status, 0);
	assert_true(rig.d->features == 0);
	begins_anew();
	(void)rig_teardown(state);
}

/*
 * What an older worker could leave behind: the reset that is repeated heals the queues, and nobody
 * remembers them.
 */
static void features_gone_before_the_status(void **state)
{
	(void)rig_setup(state);
	rig_run();
	rig_quiesce();
	rig.state->features = 0;
	next_worker_is_well(0, true, 0);
	begins_anew();
	(void)rig_teardown(state);
}

/* The driver resets the device before the main thread hears that a queue failed. */
static void failed_queue_that_was_reset_is_not_hopeless(void **state)
{
	(void)rig_setup(state);
	rig_replace(2, WORK_F_HOST);
	rig_run();
	ring_offer(&rig.ring[0], RIG_NUM);
	fake_kick(0);
	rig_wait_failed(0);
	rig_pause();
	assert_int_equal(rig_status(0), OK);
	assert_int_equal(rig.d->queue[0].notes & QUEUE_N_OF_RING, 0);
	(void)device_notes(rig.d);
	assert_false(rig.d->hopeless);
	rig_new_rings();
	rig_run();
	ring_offer(&rig.ring[0], RIG_NUM);
	fake_kick(0);
	rig_wait_failed(0);
	rig_settle();
	assert_true(rig.d->hopeless);
	(void)rig_teardown(state);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_before_every_store_of_a_reset),
		cmocka_unit_test(killed_before_every_store_of_features_ok),
		cmocka_unit_test(killed_before_the_last_store_of_a_reset),
		cmocka_unit_test(features_gone_before_the_status),
		cmocka_unit_test(failed_queue_that_was_reset_is_not_hopeless),
	};

	return cmocka_run_group_tests_name("worker: status", tests, NULL, NULL);
}
