/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_stopped.c - WORK_F_STOP: what happens while a request waits, and a vdused
 * or a worker that ends meanwhile (worker/device/error_stop.c, queue_halt.c, worker/commands.c).
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/chan.h"
#include "tests/unit/stop_rig.h"
#include "tests/unit/unit.h"
#include "worker/blk/engine_pread.h"
#include "worker/commands.h"
#include "worker/device/error_stop.h"
#include "worker/device/queue_halt.h"

#define OK VDUSE_REQ_RESULT_OK

/* ---- meanwhile ---- */

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
	rig_new_rings();
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
	rig_new_rings();
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

#define T(f) cmocka_unit_test_setup_teardown(f, stop_setup, stop_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
