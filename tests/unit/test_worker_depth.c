/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_depth.c - a queue with many requests at the disk, which end in the order
 * that the test says: worker/device/queue.c, requests.c, and what of the others meets requests that
 * are pending. On queue 1, whose ring has room for five.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/late_disk.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/device/queue_halt.h"
#include "worker/ring/sigbus.h"

#define OK VDUSE_REQ_RESULT_OK
#define FAILED VDUSE_REQ_RESULT_FAILED
#define Q 1U
#define NUM 16U
#define FAR 0x8000000ULL

static struct queue *q;

static void begin(uint32_t flags)
{
	rig_replace(2, flags);
	ring_init(&rig.ring[Q], &rig.guest, NUM, RIG_RING(Q));
	q = &rig.d->queue[Q];
	late_use(q);
	late_let_go(false);
	rig_run();
}

static int teardown(void **state)
{
	late_let_go(true);
	return rig_teardown(state);
}

static void offer(unsigned slot, uint32_t type)
{
	memset(rig_data(Q, slot), 'a' + (int)slot, 512);
	rig_offer(Q, slot, type, slot, type == VIRTIO_BLK_T_FLUSH ? 0 : 512, true);
}

static void offer_writes(unsigned n)
{
	for (unsigned slot = 0; slot < n; slot++)
		offer(slot, VIRTIO_BLK_T_OUT);
	late_wait(n < LATE_DEPTH ? n : LATE_DEPTH);
}

static int disk_byte(uint64_t sector)
{
	char c;

	assert_int_equal(pread(rig.disk, &c, 1, 512 * (off_t)sector), 1);
	return c;
}

static bool in_flight(unsigned slot)
{
	return rig.state->queue[Q].desc[3 * slot].inflight;
}

/* The next used entry is this slot's, and it has this status. */
static void used(uint16_t index, unsigned slot, uint8_t status)
{
	rig_wait_used(Q, (uint16_t)(index + 1));
	assert_int_equal(ring_used_id(&rig.ring[Q], index), 3 * slot);
	assert_int_equal(*rig_status_byte(Q, slot), status);
}

/* ---- the loop ---- */

static void they_end_in_any_order(void **state)
{
	(void)state;
	begin(0);
	offer_writes(3);
	assert_int_equal(ring_used_idx(&rig.ring[Q]), 0);
	late_end(1, 0);
	used(0, 1, VIRTIO_BLK_S_OK);
	assert_true(in_flight(0) && in_flight(2));
	late_end(1, -EIO);
	used(1, 2, VIRTIO_BLK_S_IOERR);
	late_end(0, 0);
	used(2, 0, VIRTIO_BLK_S_OK);
	assert_int_equal(disk_byte(0), 'a');
	assert_int_equal(disk_byte(1), 'b');
	assert_int_equal(disk_byte(2), 0);
	assert_int_equal(rig.state->queue[Q].counters.writes, 2);
	assert_int_equal(rig.state->queue[Q].counters.errors, 1);
	rig_quiesce();
	for (unsigned slot = 0; slot < 3; slot++)
		assert_false(in_flight(slot));
}

static void no_more_are_taken_than_the_disk_takes(void **state)
{
	(void)state;
	begin(0);
	offer_writes(LATE_DEPTH + 1);
	rig_settle();
	assert_int_equal(late_pending(), LATE_DEPTH);
	assert_false(in_flight(LATE_DEPTH));
	late_end(2, 0);
	used(0, 2, VIRTIO_BLK_S_OK);
	late_wait(LATE_DEPTH);
	for (unsigned i = 0; i < LATE_DEPTH; i++)
		late_end(0, 0);
	used(LATE_DEPTH, LATE_DEPTH, VIRTIO_BLK_S_OK);
}

/* Each may take long, and a hold waits for all. */
static void two_that_are_slow_are_enough(void **state)
{
	(void)state;
	begin(0);
	for (unsigned slot = 0; slot < QUEUE_PENDING_SLOW; slot++)
		offer(slot, VIRTIO_BLK_T_FLUSH);
	late_wait(QUEUE_PENDING_SLOW);
	offer(QUEUE_PENDING_SLOW, VIRTIO_BLK_T_FLUSH);
	rig_settle();
	assert_int_equal(late_pending(), QUEUE_PENDING_SLOW);
	late_end(0, 0);
	used(0, 0, VIRTIO_BLK_S_OK);
	late_wait(QUEUE_PENDING_SLOW);
	late_end(0, 0);
	late_end(0, 0);
	rig_wait_used(Q, QUEUE_PENDING_SLOW + 1);
}

/* All the same how many they are. */
static void enough_bytes_are_enough(void **state)
{
	(void)state;
	begin(0);
	rig_quiesce(); /* held: it is ours */
	q->pending_bytes = QUEUE_PENDING_BYTES - 512;
	assert_int_equal(rig_iotlb(0, 0), OK); /* and released */
	offer(0, VIRTIO_BLK_T_OUT);
	late_wait(1);
	offer(1, VIRTIO_BLK_T_OUT);
	rig_settle();
	assert_int_equal(late_pending(), 1);
	late_end(0, 0);
	used(0, 0, VIRTIO_BLK_S_OK);
	late_wait(1);
	late_end(0, 0);
	used(1, 1, VIRTIO_BLK_S_OK);
	rig_quiesce();
	assert_int_equal(q->pending_bytes, QUEUE_PENDING_BYTES - 512);
	assert_int_equal(q->pending_slow, 0);
}

static void a_flush_waits_for_nothing(void **state)
{
	(void)state;
	begin(0);
	offer_writes(1);
	offer(1, VIRTIO_BLK_T_FLUSH);
	late_wait(2);
	assert_int_equal(late_io(1)->op, IO_FLUSH);
	late_end(1, 0);
	used(0, 1, VIRTIO_BLK_S_OK);
	late_end(0, 0);
	used(1, 0, VIRTIO_BLK_S_OK);
}

/* A write of 14 pieces that do not touch each other: descriptors 1 to 14. */
static void offer_pieces(void)
{
	struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_OUT };

	memcpy(guest_at(&rig.guest, RIG_RAM), &h, sizeof(h));
	*rig_status_byte(Q, 0) = 0xee;
	ring_desc(&rig.ring[Q], 0, RIG_RAM, sizeof(h), VRING_DESC_F_NEXT, 1);
	for (uint16_t i = 1; i < 15; i++)
		ring_desc(&rig.ring[Q], i, RIG_RAM + 0x400ULL * i, 512, VRING_DESC_F_NEXT, (uint16_t)(i + 1));
	/* where rig_status_byte(Q, 0) is */
	ring_desc(&rig.ring[Q], 15, RIG_RAM + 0x10800, 1, VRING_DESC_F_WRITE, 0);
	ring_offer(&rig.ring[Q], 0);
	fake_kick(Q);
}

/* What has many pieces takes one of a few arrays, and gives it back. */
static void requests_of_many_pieces(void **state)
{
	(void)state;
	begin(0);
	for (uint16_t i = 0; i < 2 * QUEUE_MANY; i++) {
		offer_pieces();
		late_wait(1);
		assert_int_equal(late_io(0)->niov, 14);
		assert_int_equal(q->nmany, LATE_DEPTH - 1);
		late_end(0, 0);
		used(i, 0, VIRTIO_BLK_S_OK);
		assert_int_equal(q->nmany, LATE_DEPTH);
	}
}

static void without_flush_each_batch_is_durable_first(void **state)
{
	(void)state;
	begin(0);
	rig.d->blk.features &= ~(1ULL << VIRTIO_BLK_F_FLUSH);
	offer_writes(2);
	late_end(1, 0);
	used(0, 1, VIRTIO_BLK_S_OK); /* by a flush of its own, beside the other one */
	assert_int_equal(late_pending(), 1);
	late_end(0, 0);
	used(1, 0, VIRTIO_BLK_S_OK);
}

/* ---- what must wait for them ---- */

static void memory_is_not_taken_away_from_them(void **state)
{
	unsigned answers;

	(void)state;
	begin(0);
	offer_writes(2);
	answers = fake.responses;
	fake_iotlb(0, UINT64_MAX);
	assert_int_equal(device_message(rig.d), 0);
	offer(2, VIRTIO_BLK_T_OUT);
	late_end(1, 0);
	used(0, 1, VIRTIO_BLK_S_OK); /* published though it is to be held */
	rig_settle();
	assert_int_equal(fake.responses, answers);
	assert_int_equal(late_pending(), 1); /* and nothing new is begun */
	assert_true(rig.d->map.count > 0);
	late_end(0, 0);
	rig_wait_answers(answers + 1);
	assert_int_equal(fake.response.result, OK);
	used(1, 0, VIRTIO_BLK_S_OK);
	late_wait(1);
	late_end(0, 0);
	used(2, 2, VIRTIO_BLK_S_OK);
}

static bool reset_is_done(void)
{
	return !rig.d->reset_owed;
}

static void a_reset_is_owed_until_the_last_has_ended(void **state)
{
	(void)state;
	begin(0);
	offer_writes(3);
	assert_int_equal(rig_status(0), FAILED);
	late_end(2, 0);
	late_end(0, 0);
	rig_settle();
	assert_true(rig.d->reset_owed);
	assert_int_equal(rig.state->reset_owed, 1);
	late_end(0, 0);
	rig_until(reset_is_done);
	assert_int_equal(rig.d->status, 0);
	assert_int_equal(rig.state->queue[Q].desc_num, 0);
	assert_int_equal(rig_status(0), OK);
}

static void its_place_is_known_when_all_have_ended(void **state)
{
	unsigned answers;

	(void)state;
	begin(0);
	offer_writes(2);
	answers = fake.responses;
	fake_queue_state(Q);
	assert_int_equal(device_message(rig.d), 0);
	late_end(1, 0);
	rig_settle();
	assert_int_equal(fake.responses, answers);
	late_end(0, 0);
	rig_wait_answers(answers + 1);
	assert_int_equal(fake.response.result, OK);
	assert_int_equal(fake.response.vq_state.split.avail_index, 2);
}

/* ---- what ends the taking of requests ---- */

static bool is_halted(void)
{
	return queue_halted(q) < 0;
}

static int place(void)
{
	fake_queue_state(Q);
	return rig_answer();
}

/* It halts when the last one has ended, and several wait then. They go on in their old order. */
static void several_that_failed_wait(void **state)
{
	(void)state;
	begin(WORK_F_STOP);
	offer_writes(3);
	offer(3, VIRTIO_BLK_T_FLUSH);
	late_wait(4);
	late_end(1, -ENOSPC);
	rig_settle();
	assert_false(is_halted());
	offer(4, VIRTIO_BLK_T_OUT);
	late_end(1, 0);
	used(0, 2, VIRTIO_BLK_S_OK);
	late_end(0, -EIO);
	late_end(0, -EIO);
	used(1, 3, VIRTIO_BLK_S_IOERR); /* never repeated */
	rig_until(is_halted);
	assert_int_equal(queue_halted(q), -ENOSPC); /* the first that failed */
	assert_true(in_flight(0) && in_flight(1) && !in_flight(4));
	assert_int_equal(place(), FAILED);
	queue_go_on(q);
	late_wait(3);
	for (uint64_t sector = 0; sector < 2; sector++)
		assert_int_equal(late_io((unsigned)sector)->range[0].offset, 512 * sector);
	assert_int_equal(late_io(2)->range[0].offset, 512 * 4);
	late_end(2, 0);
	late_end(0, 0);
	late_end(0, 0);
	rig_wait_used(Q, 5);
	for (unsigned slot = 0; slot < 3; slot++)
		assert_int_equal(disk_byte(slot), 'a' + (int)slot);
}

/* Where the last ones wait, the available ring says where the queue is. */
static void place_of_a_halted_queue(void **state)
{
	(void)state;
	begin(WORK_F_STOP);
	offer_writes(2);
	late_end(0, 0);
	used(0, 0, VIRTIO_BLK_S_OK);
	late_end(0, -EIO);
	rig_until(is_halted);
	assert_int_equal(place(), OK);
	assert_int_equal(fake.response.vq_state.split.avail_index, 1);
}

static void those_that_wait_are_the_next_workers(void **state)
{
	(void)state;
	begin(WORK_F_STOP);
	offer_writes(3);
	late_end(1, 0);
	late_end(0, -EIO);
	late_end(0, -EIO);
	rig_until(is_halted);
	rig_replace(3, 0);
	rig_wait_used(Q, 3);
	assert_int_equal(ring_used_id(&rig.ring[Q], 1), 0);
	assert_int_equal(ring_used_id(&rig.ring[Q], 2), 6);
	for (unsigned slot = 0; slot < 3; slot++)
		assert_int_equal(disk_byte(slot), 'a' + (int)slot);
}

static void a_malformed_ring_lets_them_end(void **state)
{
	(void)state;
	begin(0);
	offer_writes(2);
	ring_offer(&rig.ring[Q], NUM); /* no such descriptor */
	fake_kick(Q);
	rig_settle();
	assert_false(q->failed);
	late_end(1, 0);
	late_end(0, 0);
	rig_wait_failed(Q);
	assert_int_equal(ring_used_idx(&rig.ring[Q]), 2);
}

static bool waits(void)
{
	return queue_waits(q);
}

static void one_that_cannot_be_reached_lets_them_end(void **state)
{
	(void)state;
	begin(0);
	offer_writes(2);
	memset(rig_data(Q, 2), 'c', 512);
	rig_offer(Q, 2, VIRTIO_BLK_T_OUT, 2, 512, false);
	ring_desc(&rig.ring[Q], 7, FAR, 512, VRING_DESC_F_NEXT, 8);
	fake_kick(Q);
	rig_settle();
	assert_false(queue_waits(q));
	late_end(1, 0);
	used(0, 1, VIRTIO_BLK_S_OK);
	late_end(0, 0);
	used(1, 0, VIRTIO_BLK_S_OK);
	rig_until(waits);
	memset(guest_add(&rig.guest, FAR, 0x1000, 0, VDUSE_ACCESS_RW), 'f', 512);
	assert_int_equal(rig_iotlb(FAR, FAR + 0xfff), OK);
	late_wait(1);
	late_end(0, 0);
	used(2, 2, VIRTIO_BLK_S_OK);
	assert_int_equal(disk_byte(2), 'f');
}

/* Nothing is published after it; they stay in the log, but end before the queue counts as held. */
static void D15_a_page_that_is_gone_beside_them(void **state)
{
	(void)state;
	begin(0);
	/* cmocka puts its own handler in front of each test */
	assert_int_equal(sigbus_install(&rig.d->map), 0);
	(void)guest_add(&rig.guest, FAR, 0x1000, 0, VDUSE_ACCESS_RW);
	offer_writes(2);
	rig_offer(Q, 2, VIRTIO_BLK_T_OUT, 2, 512, false);
	ring_desc(&rig.ring[Q], 6, FAR, 16, VRING_DESC_F_NEXT, 7);
	assert_return_code(ftruncate(rig.guest.r[rig.guest.n - 1].fd, 0), errno);
	fake_kick(Q);
	rig_wait_failed(Q);
	late_end(1, 0);
	rig_settle();
	assert_int_equal(rig_status(0), FAILED);
	assert_int_equal(ring_used_idx(&rig.ring[Q]), 0);
	assert_true(in_flight(0) && in_flight(1));
	late_end(0, 0);
	rig_until(reset_is_done);
	assert_int_equal(ring_used_idx(&rig.ring[Q]), 0);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(they_end_in_any_order),
		T(no_more_are_taken_than_the_disk_takes),
		T(two_that_are_slow_are_enough),
		T(enough_bytes_are_enough),
		T(a_flush_waits_for_nothing),
		T(requests_of_many_pieces),
		T(without_flush_each_batch_is_durable_first),
		T(memory_is_not_taken_away_from_them),
		T(a_reset_is_owed_until_the_last_has_ended),
		T(its_place_is_known_when_all_have_ended),
		T(several_that_failed_wait),
		T(place_of_a_halted_queue),
		T(those_that_wait_are_the_next_workers),
		T(a_malformed_ring_lets_them_end),
		T(one_that_cannot_be_reached_lets_them_end),
		T(D15_a_page_that_is_gone_beside_them),
	};

	return cmocka_run_group_tests_name("worker/requests", tests, NULL, NULL);
}
