/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_error_stop.c - WORK_F_STOP: worker/device/error_stop.c, and how a queue
 * halts and goes on (worker/device/queue.c). Orders and answers go over a real channel. The disk
 * fails from a sector on, as the test says.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/chan.h"
#include "tests/unit/late_disk.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/blk/engine_pread.h"
#include "worker/commands.h"
#include "worker/device/error_stop.h"
#include "worker/device/queue_halt.h"

#define OK VDUSE_REQ_RESULT_OK
#define NEVER UINT64_MAX

static int vdused;

/* ---- a disk ---- */

static _Atomic uint64_t bad_from; /* sector */
static _Atomic int bad_error;
static _Atomic unsigned tried, syncs;
static _Atomic int sync_error;

static enum engine_answer submit(struct engine *e, struct io *io)
{
	if (io->op == IO_FLUSH) {
		syncs++;
		io->result = sync_error;
		return ENGINE_DONE;
	}
	tried++;
	if (io->range[0].offset / 512 < bad_from)
		return engine_pread.submit(e, io);
	io->result = bad_error;
	return ENGINE_DONE;
}

static const struct engine_ops failing = { .name = "failing", .depth = 1, .submit = submit };

static void with_disk(void)
{
	for (uint32_t q = 0; q < RIG_QUEUES; q++)
		rig.d->queue[q].engine.ops = &failing;
}

/* ---- a worker that stops ---- */

static void replaced(uint32_t generation, uint32_t flags)
{
	rig_replace(generation, flags);
	orders_take(&rig.link, rig.d);
	if (!(flags & WORK_F_FAIL))
		with_disk();
}

static int setup(void **state)
{
	int sv[2];

	if (rig_setup(state) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, sv) < 0)
		return -1;
	replaced(2, WORK_F_STOP);
	assert_int_equal(link_init(&rig.link, sv[0]), 0);
	rig.link.state = WORK_W_SERVING;
	orders_take(&rig.link, rig.d);
	vdused = sv[1];
	bad_from = NEVER;
	bad_error = -EIO;
	tried = syncs = 0;
	sync_error = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)close(vdused);
	(void)close(rig.link.fd);
	rig.link.fd = -1;
	return rig_teardown(state);
}

/* The next WORK_HALTED, after the main thread's work. False: there is none. */
static bool told(struct work_halted *m)
{
	union work_any a;
	struct chan_msg c;

	(void)device_notes(rig.d);
	while (chan_wait(vdused, 0) == 0) {
		assert_int_equal(chan_recv(vdused, &a, sizeof(a), false, &c), 0);
		if (a.hdr.type != WORK_HALTED)
			continue;
		*m = a.halted;
		return true;
	}
	return false;
}

static void is_told(uint32_t queue, int error)
{
	struct work_halted m = { 0 };
	bool heard = false;

	for (int i = 0; i < 10000 && !heard; i++) {
		heard = told(&m);
		rig_pause();
	}
	assert_true(heard);
	assert_int_equal(m.queue, queue);
	assert_int_equal(m.error, error);
	assert_int_equal(error_stop_error(rig.d), error);
}

static void is_told_nothing(void)
{
	struct work_halted m;

	for (int i = 0; i < 10; i++) {
		assert_false(told(&m));
		rig_pause();
	}
}

static void resume(void)
{
	struct work_plain m = { 0 };

	msg_init(&m, WORK_RESUME, sizeof(m));
	assert_int_equal(chan_send(vdused, &m, sizeof(m), NULL, 0), 0);
	link_serve(&rig.link);
}

static void offer_write(uint32_t q, unsigned slot, uint64_t sector, int c, bool kick)
{
	memset(rig_data(q, slot), c, 512);
	rig_offer(q, slot, VIRTIO_BLK_T_OUT, sector, 512, kick);
}

static int disk_byte(uint64_t sector)
{
	char c;

	assert_int_equal(pread(rig.disk, &c, 1, 512 * (off_t)sector), 1);
	return c;
}

/* One write to sector 9 waits on queue 0. */
static void halted(void)
{
	rig_run();
	bad_from = 8;
	offer_write(0, 0, 9, 'a', true);
	is_told(0, -EIO);
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
}

static void repaired(void)
{
	bad_from = NEVER;
	resume();
	rig_wait_used(0, 1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(disk_byte(9), 'a');
	assert_int_equal(error_stop_error(rig.d), 0);
}

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

/* ---- meanwhile ---- */

static void fresh_rings(void)
{
	for (uint32_t q = 0; q < RIG_QUEUES; q++) {
		memset(guest_at(&rig.guest, RIG_RING(q)), 0, 0x10000);
		ring_init(&rig.ring[q], &rig.guest, RIG_NUM, RIG_RING(q));
	}
}

static void reset_discards_what_waits(void **state)
{
	unsigned before;

	(void)state;
	halted();
	before = tried;
	assert_int_equal(rig_status(0), OK);
	assert_int_equal(error_stop_error(rig.d), 0);
	assert_int_equal(rig.state->queue[0].desc_num, 0);
	assert_int_equal(rig.state->queue[0].desc[0].inflight, 0);
	fresh_rings();
	rig_run();
	rig_settle();
	assert_int_equal(tried, before);
	offer_write(0, 0, 1, 'b', true);
	rig_wait_used(0, 1);
	is_told_nothing();
}

static void reset_after_resume_forgets_that_too(void **state)
{
	(void)state;
	halted();
	rig_quiesce();
	resume(); /* it cannot go on yet */
	assert_int_equal(rig_status(0), OK);
	fresh_rings();
	rig_run();
	offer_write(0, 0, 9, 'b', true);
	is_told(0, -EIO);
	is_told_nothing();
}

static void messages_of_the_kernel_are_answered(void **state)
{
	(void)state;
	halted();
	fake_queue_state(0);
	assert_int_equal(rig_answer(), OK);
	assert_int_equal(fake.response.vq_state.split.avail_index, 0);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	rig_settle();
	/* being held and released does not make it go on */
	assert_int_equal(error_stop_error(rig.d), -EIO);
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
	repaired(); /* by way of mappings that are new */
}

/* The next message that is no log line: its type, 0 = there is none. */
static uint16_t next_word(void)
{
	union work_any a;
	struct chan_msg c;

	while (chan_wait(vdused, 0) == 0) {
		assert_int_equal(chan_recv(vdused, &a, sizeof(a), false, &c), 0);
		if (a.hdr.type != WORK_LOG)
			return a.hdr.type;
	}
	return 0;
}

/*
 * The second queue halts when vdused has said "go on" already: the last word is that nothing waits.
 */
static void halt_that_crosses_a_resume(void **state)
{
	(void)state;
	halted();
	offer_write(1, 0, 10, 'b', true);
	for (int i = 0; i < 5000 && queue_halted(&rig.d->queue[1]) == 0; i++)
		rig_pause();
	(void)device_notes(rig.d); /* it is said, and not read yet */
	repaired();
	rig_wait_used(1, 1);
	(void)device_notes(rig.d);
	assert_int_equal(next_word(), WORK_HALTED);
	assert_int_equal(next_word(), WORK_RESUMED);
	assert_int_equal(next_word(), 0);
}

/* ... and when it halts again, that is said after it. */
static void halt_that_follows_a_resume(void **state)
{
	(void)state;
	halted();
	resume();
	for (int i = 0; i < 5000 && (tried < 2 || queue_halted(&rig.d->queue[0]) == 0); i++)
		rig_pause();
	(void)device_notes(rig.d);
	assert_int_equal(next_word(), WORK_RESUMED);
	assert_int_equal(next_word(), WORK_HALTED);
	assert_int_equal(next_word(), 0);
	repaired();
}

/* A vdused that did not say "go on" is not told that it has been done. */
static void another_vdused_gets_no_answer_to_a_resume(void **state)
{
	(void)state;
	halted();
	bad_from = NEVER;
	resume();
	assert_int_equal(error_stop_adopted(rig.d), 0);
	rig_wait_used(0, 1);
	(void)device_notes(rig.d);
	assert_int_equal(next_word(), 0);
}

/*
 * It would take the answer for that of a worker that was taken over, and kill it. The next one is
 * of our version.
 */
static void an_earlier_vdused_gets_no_answer_to_a_resume(void **state)
{
	(void)state;
	rig.link.early = true;
	halted();
	repaired();
	(void)device_notes(rig.d);
	assert_int_equal(next_word(), 0);
	assert_int_equal(device_notes(rig.d), -1); /* nothing is owed to it */
	link_adopted(&rig.link, 2, error_stop_adopted(rig.d), rig.disk);
	assert_int_equal(next_word(), WORK_ADOPTED);
	resume();
	(void)device_notes(rig.d);
	assert_int_equal(next_word(), WORK_RESUMED);
}

static void resume_while_it_is_held(void **state)
{
	(void)state;
	halted();
	rig_quiesce();
	bad_from = NEVER;
	resume();
	assert_int_equal(error_stop_error(rig.d), 0);
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
	assert_int_equal(rig_iotlb(0, 0), OK); /* released by this */
	rig_wait_used(0, 1);
	assert_int_equal(disk_byte(9), 'a');
}

static void ring_that_is_broken_meanwhile_fails_its_queue(void **state)
{
	(void)state;
	halted();
	ring_set_avail_idx(&rig.ring[0], 1000);
	resume();
	rig_wait_failed(0);
	assert_int_equal(error_stop_error(rig.d), 0);
	assert_int_equal(rig_status(0), OK);
}

/* ---- crashes, and vdused's ---- */

/* A disk that really is too short, so that the next worker finds it failing from the start. */
static void K_killed_while_halted_and_the_next_worker_halts_by_itself(void **state)
{
	(void)state;
	rig_run();
	rig_quiesce();
	for (uint32_t q = 0; q < RIG_QUEUES; q++)
		rig.d->queue[q].engine.ops = &engine_pread;
	assert_int_equal(rig_iotlb(0, 0), OK);
	assert_return_code(ftruncate(rig.disk, 4096), errno);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 9, 512, true);
	is_told(0, -EIO);
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 1, 512, true);
	for (uint32_t generation = 3; generation < 6; generation++) {
		rig_replace(generation, WORK_F_STOP);
		orders_take(&rig.link, rig.d);
		is_told(0, -EIO);
		assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
		assert_int_equal(rig.state->queue[0].desc[0].inflight, 1);
		assert_int_equal(rig.state->queue[0].desc[3].inflight, 0);
	}
	assert_return_code(ftruncate(rig.disk, (off_t)RIG_CAPACITY), errno);
	resume();
	rig_wait_used(0, 2);
	assert_int_equal(ring_used_id(&rig.ring[0], 0), 0);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_OK);
}

static void K_without_a_vdused_the_next_one_learns_it(void **state)
{
	struct chan_msg c;
	union work_any a;
	int sv[2];

	(void)state;
	rig_run();
	(void)close(rig.link.fd);
	rig.link.fd = -1;
	bad_from = 8;
	offer_write(0, 0, 9, 'a', true);
	for (int i = 0; i < 10000 && error_stop_error(rig.d) == 0; i++) {
		rig_pause();
		(void)device_notes(rig.d);
	}
	assert_int_equal(error_stop_error(rig.d), -EIO);
	assert_int_equal(rig_iotlb(0, 0), OK); /* held, so all notes have come, and released */
	assert_int_equal(device_notes(rig.d), -1); /* nobody to wait for */
	(void)close(vdused);
	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv), errno);
	vdused = sv[1];
	link_begin_orphan(&rig.link, sv[0], 0);
	link_adopted(&rig.link, 2, error_stop_error(rig.d), rig.disk);
	assert_int_equal(chan_recv(vdused, &a, sizeof(a), true, &c), 0);
	chan_msg_close(&c);
	assert_int_equal(a.hdr.type, WORK_ADOPTED);
	assert_int_equal(a.adopted.halted, -EIO);
	is_told_nothing();
	repaired();
}

static void vdused_that_does_not_read_is_told_later(void **state)
{
	struct work_cookie m = { .cookie = 1 };

	(void)state;
	rig_run();
	msg_init(&m, WORK_PONG, sizeof(m));
	while (chan_send(rig.link.fd, &m, sizeof(m), NULL, 0) == 0)
		;
	bad_from = 8;
	offer_write(0, 0, 9, 'a', true);
	for (int i = 0; i < 10000 && device_notes(rig.d) <= 0; i++)
		rig_pause();
	assert_true(device_notes(rig.d) > 0);
	is_told(0, -EIO);
	assert_int_equal(device_notes(rig.d), -1);
	is_told_nothing();
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

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
		T(reset_discards_what_waits),
		T(reset_after_resume_forgets_that_too),
		T(messages_of_the_kernel_are_answered),
		T(halt_that_crosses_a_resume),
		T(halt_that_follows_a_resume),
		T(another_vdused_gets_no_answer_to_a_resume),
		T(an_earlier_vdused_gets_no_answer_to_a_resume),
		T(resume_while_it_is_held),
		T(ring_that_is_broken_meanwhile_fails_its_queue),
		T(K_killed_while_halted_and_the_next_worker_halts_by_itself),
		T(K_without_a_vdused_the_next_one_learns_it),
		T(vdused_that_does_not_read_is_told_later),
	};

	return cmocka_run_group_tests_name("worker/error_stop", tests, NULL, NULL);
}
