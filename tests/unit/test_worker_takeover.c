/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_takeover.c - worker/device/takeover.c: a worker that takes over from
 * another. L cases about the whole state file (L1, L9), what is executed again. Fail mode:
 * test_worker_failmode.c. The in-flight log itself: test_worker_inflight.c, test_worker_crash.c.
 */
#include <errno.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "proto/io_how.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/blk/engine_pread.h"
#include "worker/blk/slow.h"
#include "worker/ring/virtq_split.h"

#define OK VDUSE_REQ_RESULT_OK

/* The worker before us took these heads of queue 0 and died before it completed them. */
static void died_with(unsigned slots)
{
	rig_run();
	rig_quiesce();
	for (unsigned slot = 0; slot < slots; slot++) {
		rig_offer(0, slot, VIRTIO_BLK_T_OUT, slot, 512, false);
		memset(rig_data(0, slot), 'a' + (int)slot, 512);
		assert_int_equal(inflight_take(&rig.d->queue[0].vq.log, (uint16_t)(3 * slot)), 0);
	}
}

static int disk_byte(unsigned sector)
{
	char c;

	assert_int_equal(pread(rig.disk, &c, 1, 512 * (off_t)sector), 1);
	return c;
}

static void requests_in_flight_are_executed_again(void **state)
{
	(void)state;
	died_with(2);
	rig_replace(2, 0);
	rig_wait_used(0, 2);
	assert_int_equal(ring_used_id(&rig.ring[0], 0), 0);
	assert_int_equal(ring_used_id(&rig.ring[0], 1), 3);
	assert_int_equal(disk_byte(0), 'a');
	assert_int_equal(disk_byte(1), 'b');
	rig_settle();
	assert_true(atomic_load(&fake.irqs[0]) >= 1); /* also where none was lost */
	assert_true(atomic_load(&fake.irqs[1]) >= 1);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 1, 512, true);
	rig_wait_used(0, 3);
	assert_int_equal(*rig_data(0, 0), 'b');
	assert_int_equal(rig.state->generation, 2);
}

/* What is not used is not made: the host has few of them. */
static void nothing_is_made_for_a_disk_that_is_none(void **state)
{
	(void)state;
	for (uint32_t generation = 2; generation < 4; generation++) {
		rig_replace(generation, generation == 2 ? WORK_F_DIRECT : 0);
		assert_ptr_equal(rig.d->queue[0].engine.ops, &engine_pread);
		assert_null(rig.d->queue[0].engine.own);
		assert_null(rig.d->backend.slow);
	}
}

static bool no_threads;

int __real_slow_create(struct slow **s, uint32_t threads);
int __wrap_slow_create(struct slow **s, uint32_t threads);
int __wrap_slow_create(struct slow **s, uint32_t threads)
{
	return no_threads ? -EAGAIN : __real_slow_create(s, threads);
}

/* A host that has no threads left is no reason not to serve. */
static void without_threads_it_serves(void **state)
{
	(void)state;
	rig.on_disk = true;
	no_threads = true;
	rig_replace(2, WORK_F_DIRECT);
	assert_string_equal(rig.d->lacks, "threads"); /* and not what fs.aio-max-nr limits */
	rig_replace(3, 0);
	no_threads = false;
	assert_string_equal(rig.d->lacks, "threads");
	assert_int_equal(rig.d->no_more, -EAGAIN);
	assert_ptr_equal(rig.d->queue[1].engine.ops, &engine_pread);
	rig_run();
	rig_offer(1, 0, VIRTIO_BLK_T_FLUSH, 0, 0, true);
	rig_wait_used(1, 1);
	assert_int_equal(*rig_status_byte(1, 0), VIRTIO_BLK_S_OK);
}

/* Two queues, whose flushes are done by threads that both share. */
static void with_threads_it_serves(void **state)
{
	(void)state;
	rig.on_disk = true;
	rig_replace(2, 0);
	rig_run();
	for (uint32_t q = 0; q < RIG_QUEUES; q++) {
		memset(rig_data(q, 0), 'a' + (int)q, 512);
		rig_offer(q, 0, VIRTIO_BLK_T_OUT, q, 512, true);
		rig_offer(q, 1, VIRTIO_BLK_T_FLUSH, 0, 0, true);
		rig_wait_used(q, 2);
		rig_offer(q, 0, VIRTIO_BLK_T_IN, q, 512, true);
		rig_wait_used(q, 3);
		assert_int_equal(*rig_data(q, 0), 'a' + (int)q);
		assert_int_equal(*rig_status_byte(q, 1), VIRTIO_BLK_S_OK);
	}
}

static void said_how(uint32_t how)
{
	assert_int_equal(rig.state->io.generation, rig.d->setup.generation);
	assert_int_equal(rig.state->io.how, how);
	assert_int_equal(rig.state->io.error, 0);
}

static void it_says_how_io_is_done(void **state)
{
	(void)state;
	said_how(IO_HOW_INLINE);
	rig.on_disk = true;
	rig_replace(2, WORK_F_DIRECT);
	said_how(IO_HOW_ASYNC);
	rig_replace(3, WORK_F_DIRECT | WORK_F_FAIL);
	said_how(IO_HOW_NONE);
	rig_replace(4, 0);
	said_how(IO_HOW_THREADS);
}

static atomic_bool stuck;

static uint16_t stuck_used_idx(struct virtq *vq)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	while (atomic_load(&stuck))
		(void)nanosleep(&ms, NULL);
	return virtq_split.used_idx(vq);
}

/*
 * A ring that cannot be reached does not keep its device from being taken over; it is when it can
 * be reached.
 */
static void ring_that_comes_late_is_taken_over_late(void **state)
{
	struct virtq_ops ops = virtq_split;

	(void)state;
	ops.used_idx = stuck_used_idx;
	died_with(2);
	atomic_store(&stuck, true);
	rig.ops = &ops;
	rig_replace(2, 0);
	assert_int_equal(rig.d->status, S_RUNNING);
	assert_true(atomic_load(&fake.irqs[0]) >= 1);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(1, 1);
	assert_int_equal(disk_byte(0), 0);
	assert_false(rig.d->queue[0].failed);
	atomic_store(&stuck, false);
	rig_wait_used(0, 2);
	assert_int_equal(disk_byte(0), 'a');
	assert_int_equal(disk_byte(1), 'b');
	rig_quiesce();
	rig.d->queue[0].vq.ops = &virtq_split;
}

static void overlapping_writes_are_executed_in_their_order(void **state)
{
	(void)state;
	rig_run();
	rig_quiesce();
	for (unsigned i = 0; i < 2; i++) { /* head 3 first, then head 0, both to sector 0 */
		rig_offer(0, 1 - i, VIRTIO_BLK_T_OUT, 0, 512, false);
		memset(rig_data(0, 1 - i), 'a' + (int)i, 512);
		assert_int_equal(inflight_take(&rig.d->queue[0].vq.log, (uint16_t)(3 * (1 - i))), 0);
	}
	rig_replace(2, 0);
	rig_wait_used(0, 2);
	assert_int_equal(disk_byte(0), 'b');
}

static void nothing_in_flight(void **state)
{
	(void)state;
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	rig_replace(2, 0);
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 2);
	assert_int_equal(rig.state->queue[0].counters.reads, 2); /* counters go on */
}

static void kick_that_was_lost(void **state)
{
	(void)state;
	rig_run();
	rig_quiesce();
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	rig_replace(2, 0);
	rig_wait_used(1, 1);
}

static void waiting_reset_discards_what_was_in_flight(void **state)
{
	(void)state;
	died_with(2);
	fake_status(0);
	rig_replace(2, 0);
	assert_int_equal(fake.response.result, OK);
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
	assert_int_equal(disk_byte(0), 0);
	assert_int_equal(rig.d->status, 0);
	assert_int_equal(rig.state->queue[0].desc_num, 0);
}

static void V5_driver_ok_is_delivered_again(void **state)
{
	(void)state;
	rig_run();
	fake_status(S_RUNNING);
	rig_replace(2, 0);
	assert_int_equal(fake.response.result, OK);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
}

static void V5_driver_ok_recorded_but_queues_not_started(void **state)
{
	(void)state;
	rig_run();
	rig_quiesce();
	for (uint32_t q = 0; q < RIG_QUEUES; q++)
		inflight_clear(&rig.state->queue[q]);
	fake_status(S_RUNNING);
	rig_replace(2, 0);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
}

static void iotlb_update_that_waits_is_answered_first(void **state)
{
	unsigned answers;

	(void)state;
	died_with(1);
	answers = fake.responses;
	fake_iotlb(0, UINT64_MAX);
	fake_queue_state(0);
	rig_replace(2, 0);
	rig_wait_answers(answers + 2);
	assert_int_equal(fake.response.result, OK);
	rig_wait_used(0, 1);
	assert_int_equal(disk_byte(0), 'a');
}

static void reset_that_was_lost(void **state)
{
	(void)state;
	died_with(1);
	fake_forget();
	rig_replace(2, 0);
	rig_settle();
	assert_int_equal(rig.d->status, 0);
	assert_int_equal(rig.state->queue[0].desc_num, 0);
	assert_int_equal(disk_byte(0), 0);
}

/*
 * Disabled by its driver, which no worker is told of: what is in flight there is finished, as by
 * the worker that died.
 */
static void disabled_queues_are_no_reset(uint32_t q_from)
{
	died_with(1);
	for (uint32_t q = q_from; q < RIG_QUEUES; q++)
		fake.queue[q].ready = 0;
	rig_replace(2, 0);
	assert_int_equal(rig.d->status, S_RUNNING);
	rig_wait_used(0, 1);
	assert_int_equal(disk_byte(0), 'a');
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(1, 1);
}

static void disabled_queue_is_no_reset(void **state)
{
	(void)state;
	disabled_queues_are_no_reset(1);
}

static void all_queues_disabled_are_no_reset(void **state)
{
	(void)state;
	disabled_queues_are_no_reset(0);
}

/* One that was never enabled stays so. */
static void queue_that_was_never_enabled_is_not_served(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	fake.queue[1].ready = 0;
	assert_int_equal(rig_status(S_RUNNING), OK);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	rig_replace(2, 0);
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[1]), 0);
	assert_false(rig.d->queue[1].known);
}

/* Asked where a queue is whose rings cannot be reached since the worker took over. */
static void place_of_a_queue_that_cannot_begin(void **state)
{
	(void)state;
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	for (size_t i = 0; i < rig.guest.n; i++)
		rig.guest.r[i].perm = 0;
	rig_replace(2, 0);
	assert_false(rig.d->queue[0].begun);
	fake_queue_state(0);
	assert_int_equal(rig_answer(), OK);
	assert_int_equal(fake.response.vq_state.split.avail_index, 1);
}

/* Nobody knows it: no place is better than a wrong one. */
static void place_of_a_queue_whose_log_is_wrong(void **state)
{
	(void)state;
	died_with(1);
	rig.state->queue[0].next_counter = 0;
	rig_replace(2, 0);
	rig_wait_failed(0);
	fake_queue_state(0);
	assert_int_equal(rig_answer(), VDUSE_REQ_RESULT_FAILED);
}

/* ---- features: what was offered when the device was made counts ---------------------------- */

#define SOME_FEATURE (1ULL << VIRTIO_RING_F_EVENT_IDX)

static void driver_starts_afresh(uint64_t features, int result)
{
	assert_int_equal(rig_status(0), OK);
	for (uint32_t q = 0; q < RIG_QUEUES; q++) {
		memset(guest_at(&rig.guest, RIG_RING(q)), 0, 0x10000);
		ring_init(&rig.ring[q], &rig.guest, RIG_NUM, RIG_RING(q));
	}
	fake.features = features;
	assert_int_equal(rig_status(S_FEATURES), result);
}

static void worker_that_would_offer_less(bool told)
{
	died_with(1);
	assert_true(rig.state->offered == rig_features());
	if (!told)
		rig.state->offered = 0; /* by a worker of an earlier version */
	rig.offers = rig_features() & ~SOME_FEATURE;
	rig_replace(2, 0);
	assert_int_equal(rig.d->status, S_RUNNING);
	rig_wait_used(0, 1);
	assert_int_equal(disk_byte(0), 'a');
	rig_replace(3, 0);
	driver_starts_afresh(rig_features(), OK);
}

static void features_that_this_worker_would_not_offer(void **state)
{
	(void)state;
	worker_that_would_offer_less(true);
}

static void features_that_an_earlier_version_accepted(void **state)
{
	(void)state;
	worker_that_would_offer_less(false);
}

static void features_that_only_this_worker_would_offer(void **state)
{
	(void)state;
	rig.offers = rig_features() & ~SOME_FEATURE;
	rig_replace(1, 0);
	rig.offers = 0;
	rig_replace(2, 0);
	driver_starts_afresh(rig_features(), VDUSE_REQ_RESULT_FAILED);
	driver_starts_afresh(rig_features() & ~SOME_FEATURE, OK);
}

/* In fail mode, too, and behind it. */
static void features_offered_survive_fail_mode(void **state)
{
	(void)state;
	died_with(1);
	rig.offers = rig_features() & ~SOME_FEATURE;
	rig_replace(2, WORK_F_FAIL);
	rig_wait_used(0, 1);
	rig_replace(3, 0);
	driver_starts_afresh(rig_features(), OK);
}

/* The file's word on it can only add what this worker can serve. */
static void L_features_offered_that_nobody_knows(void **state)
{
	(void)state;
	died_with(1);
	rig.state->offered = UINT64_MAX;
	rig_replace(2, 0);
	driver_starts_afresh(rig_features() | 1ULL << 60, VDUSE_REQ_RESULT_FAILED);
	rig.state->offered = 1;
	rig_replace(3, 0);
	driver_starts_afresh(rig_features(), OK);
}

static void L_features_negotiated_that_nobody_knows(void **state)
{
	(void)state;
	died_with(1);
	rig.state->features |= 1ULL << 60;
	fake.features |= 1ULL << 60;
	rig_replace(2, 0);
	rig_wait_failed(0);
	assert_int_equal(disk_byte(0), 0);
}

static void dead_before_it_began(void **state)
{
	(void)state;
	rig_quiesce();
	memset(rig.state, 0, sizeof(*rig.state));
	rig_replace(2, 0);
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
}

static void failed_queue_stays_failed(void **state)
{
	(void)state;
	died_with(1);
	rig.state->queue[0].failed = 1;
	rig_replace(2, 0);
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(1, 1);
}

static uint8_t flush_says(void)
{
	uint16_t used = (uint16_t)(ring_used_idx(&rig.ring[0]) + 1);

	rig_offer(0, 0, VIRTIO_BLK_T_FLUSH, 0, 0, true);
	rig_wait_used(0, used);
	return *rig_status_byte(0, 0);
}

/* Its data is gone, whoever asks; see worker/blk/engine.h. With O_DIRECT nothing was forgotten. */
static void failed_flush_outlives_the_worker(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(flush_says(), VIRTIO_BLK_S_OK);
	rig.state->flush_failed = 1;
	assert_int_equal(flush_says(), VIRTIO_BLK_S_IOERR);
	rig_replace(2, 0);
	assert_int_equal(flush_says(), VIRTIO_BLK_S_IOERR);
	assert_int_equal(rig_status(0), OK);
	for (uint32_t q = 0; q < RIG_QUEUES; q++) {
		memset(guest_at(&rig.guest, RIG_RING(q)), 0, 0x10000);
		ring_init(&rig.ring[q], &rig.guest, RIG_NUM, RIG_RING(q));
	}
	rig_run();
	assert_int_equal(flush_says(), VIRTIO_BLK_S_IOERR);
	rig_replace(3, WORK_F_DIRECT);
	assert_int_equal(flush_says(), VIRTIO_BLK_S_OK);
}

/* Nothing is replayed, nothing is served, until the driver resets the device. */
static void distrusted(void)
{
	rig_replace(2, 0);
	rig_settle();
	for (uint32_t q = 0; q < RIG_QUEUES; q++) {
		assert_true(rig.d->queue[q].failed);
		assert_int_equal(rig.state->queue[q].failed, 1);
		assert_int_equal(ring_used_idx(&rig.ring[q]), 0);
	}
	assert_int_equal(disk_byte(0), 0);
	assert_int_equal(rig_status(0), OK);
	for (uint32_t q = 0; q < RIG_QUEUES; q++) {
		memset(guest_at(&rig.guest, RIG_RING(q)), 0, 0x10000);
		ring_init(&rig.ring[q], &rig.guest, RIG_NUM, RIG_RING(q));
	}
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
}

static void L1_magic(void **state)
{
	(void)state;
	died_with(1);
	rig.state->magic ^= 1;
	distrusted();
}

static void L1_version(void **state)
{
	(void)state;
	died_with(1);
	rig.state->version++;
	distrusted();
}

static void L1_size(void **state)
{
	(void)state;
	died_with(1);
	rig.state->size--;
	distrusted();
}

static void L9_name_of_another_device(void **state)
{
	(void)state;
	died_with(1);
	rig.state->name[4] = '1';
	distrusted();
}

static void L9_number_of_queues(void **state)
{
	(void)state;
	died_with(1);
	rig.state->queues = VD_QUEUES_MAX;
	distrusted();
}

static void L_status_that_no_device_has(void **state)
{
	(void)state;
	died_with(1);
	rig.state->driver_status = 0x100 | S_RUNNING;
	distrusted();
}

static void L_driver_ok_without_features(void **state)
{
	(void)state;
	died_with(1);
	rig.state->driver_status = VIRTIO_CONFIG_S_DRIVER_OK;
	distrusted();
}

static void L_features_not_those_of_the_kernel(void **state)
{
	(void)state;
	died_with(1);
	rig.state->features ^= 1ULL << VIRTIO_RING_F_EVENT_IDX;
	distrusted();
}

static void L3_to_L8_bad_log_fails_its_queue(void **state)
{
	(void)state;
	died_with(1);
	rig.state->queue[0].desc[0].inflight = 3;
	rig_replace(2, 0);
	rig_wait_failed(0);
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
	assert_int_equal(disk_byte(0), 0);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(1, 1);
}

static void L_log_of_a_queue_that_claims_more_than_was_offered(void **state)
{
	(void)state;
	died_with(1);
	assert_int_equal(inflight_take(&rig.d->queue[0].vq.log, 5), 0);
	rig_replace(2, 0);
	rig_wait_failed(0);
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(requests_in_flight_are_executed_again),
		T(ring_that_comes_late_is_taken_over_late),
		T(overlapping_writes_are_executed_in_their_order),
		T(nothing_in_flight),
		T(nothing_is_made_for_a_disk_that_is_none),
		T(it_says_how_io_is_done),
		T(without_threads_it_serves),
		T(with_threads_it_serves),
		T(kick_that_was_lost),
		T(waiting_reset_discards_what_was_in_flight),
		T(V5_driver_ok_is_delivered_again),
		T(V5_driver_ok_recorded_but_queues_not_started),
		T(iotlb_update_that_waits_is_answered_first),
		T(reset_that_was_lost),
		T(disabled_queue_is_no_reset),
		T(all_queues_disabled_are_no_reset),
		T(queue_that_was_never_enabled_is_not_served),
		T(place_of_a_queue_that_cannot_begin),
		T(place_of_a_queue_whose_log_is_wrong),
		T(features_that_this_worker_would_not_offer),
		T(features_that_an_earlier_version_accepted),
		T(features_that_only_this_worker_would_offer),
		T(features_offered_survive_fail_mode),
		T(L_features_offered_that_nobody_knows),
		T(L_features_negotiated_that_nobody_knows),
		T(dead_before_it_began),
		T(failed_queue_stays_failed),
		T(failed_flush_outlives_the_worker),
		T(L1_magic),
		T(L1_version),
		T(L1_size),
		T(L9_name_of_another_device),
		T(L9_number_of_queues),
		T(L_status_that_no_device_has),
		T(L_driver_ok_without_features),
		T(L_features_not_those_of_the_kernel),
		T(L3_to_L8_bad_log_fails_its_queue),
		T(L_log_of_a_queue_that_claims_more_than_was_offered),
	};

	return cmocka_run_group_tests_name("worker/takeover", tests, NULL, NULL);
}
