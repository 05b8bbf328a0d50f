/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_deferred.c - memory that is taken away while a request takes longer than
 * the worker waits. It is owed then (worker/device/deferred.h). Resets:
 * test_worker_deferred_reset.c.
 */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fd.h"
#include "tests/unit/slow_disk.h"
#include "tests/unit/unit.h"
#include "worker/device/waiting.h"

#define OK VDUSE_REQ_RESULT_OK
#define FAILED VDUSE_REQ_RESULT_FAILED

/* ---- memory that moves ---- */

/* However long it takes: until then vdused is answered, and what comes is not begun. */
static void memory_update_waits_for_a_slow_request(void **state)
{
	struct work_cookie ping = { .cookie = 7 };
	union work_any pong;
	int pair[2];

	(void)state;
	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	assert_int_equal(link_init(&rig.link, pair[0]), 0);
	rig.link.state = WORK_W_SERVING;
	rig_run();
	use_buffers();
	begin_slow_request(VIRTIO_BLK_T_IN);
	move_buffer(0);
	update_waits(0, UINT64_MAX);
	assert_true(device_notes(rig.d) > DEVICE_DRAIN_MS);
	offer_read_into(0, 0);
	rig_settle();
	assert_int_equal(*old_memory[0], 0);
	assert_int_equal(ring_used_idx(&rig.ring[1]), 2);
	msg_init(&ping, WORK_PING, sizeof(ping));
	assert_int_equal(send(pair[1], &ping, sizeof(ping), 0), sizeof(ping));
	link_serve(&rig.link);
	assert_int_equal(recv(pair[1], &pong, sizeof(pong), MSG_DONTWAIT), sizeof(pong.cookie));
	atomic_store(&slow, false);
	rig_tend_used(1, 3);
	assert_int_equal(fake.response.result, OK);
	rig_wait_used(0, 1);
	assert_int_equal(*rig_status_byte(1, 0), VIRTIO_BLK_S_OK);
	assert_string_equal((char *)new_memory[0], "new");
	old_memory_is_left_alone(0);
	assert_int_equal(device_notes(rig.d), -1);
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, true); /* and the slow queue is served as before */
	rig_wait_used(0, 2);
	rig.link.fd = -1;
	assert_return_code(close(pair[0]), 0);
	assert_return_code(close(pair[1]), 0);
}

/* As the kernel does it after FAILED; mapped: and with the next change of the driver's memory. */
static void kernel_maps(bool mapped)
{
	for (size_t i = 0; i < rig.guest.n; i++)
		rig.guest.r[i].perm = mapped ? VDUSE_ACCESS_RW : 0;
}

/* Then all memory is gone, whatever was asked for; and everything goes on with the next change. */
static void memory_update_that_fails_in_the_end(void **state)
{
	(void)state;
	rig_run();
	use_buffers();
	begin_slow_request(VIRTIO_BLK_T_IN);
	rig.d->patience_ms = 20;
	assert_int_equal(rig_iotlb(BUFFER(0), BUFFER(0) + 0xfff), FAILED);
	kernel_maps(false);
	offer_read_into(0, 0);
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[1]), 2);
	atomic_store(&slow, false);
	for (int i = 0; i < WAIT_MS && rig.d->remap_owed; i++) {
		(void)device_notes(rig.d);
		sleep_ms();
	}
	rig_settle();
	assert_int_equal(rig.d->map.count, 0);
	assert_int_equal(ring_used_idx(&rig.ring[0]), 1); /* it was too late to stop */
	assert_int_equal(ring_used_idx(&rig.ring[1]), 2);
	kernel_maps(true);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	rig_wait_used(1, 3);
	assert_int_equal(*rig_status_byte(1, 0), VIRTIO_BLK_S_OK);
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 2);
}

/* The kernel's patience is counted from when it sent the message, which was not read at once. */
static void memory_update_that_was_read_late(void **state)
{
	(void)state;
	rig_run();
	begin_slow_request(VIRTIO_BLK_T_IN);
	rig.d->unread_since = now_ms() - DEVICE_PATIENCE_MS + 20;
	assert_int_equal(rig_iotlb(0, UINT64_MAX), FAILED);
	atomic_store(&slow, false);
	rig_wait_used(0, 1);
}

/* In a frozen cgroup, say: the message may have come just now, and nothing stands in its way. */
static void memory_update_behind_a_pause_of_ours(void **state)
{
	(void)state;
	rig_run();
	rig.d->unread_since = now_ms() - 2 * DEVICE_PATIENCE_MS;
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
}

/*
 * A worker that ends, though the update waits: the kernel is told, as no other worker gets the
 * message before its I/O has ended.
 */
static void what_waits_is_answered_before_the_end(void **state)
{
	unsigned answers;

	(void)state;
	rig_run();
	waiting_give_up(rig.d); /* nothing waits: nothing is said */
	answers = fake.responses;
	begin_slow_request(VIRTIO_BLK_T_IN);
	update_waits(0, UINT64_MAX);
	assert_int_equal(fake.responses, answers);
	waiting_give_up(rig.d);
	assert_int_equal(fake.responses, answers + 1);
	assert_int_equal(fake.response.result, FAILED);
	assert_int_equal(rig.d->asked_until, 0);
	waiting_give_up(rig.d);
	assert_int_equal(fake.responses, answers + 1);
	atomic_store(&slow, false);
	rig_wait_used(0, 1);
}

/* ... and where the queues are held by then, that it is done. */
static void what_waits_is_done_before_the_end_where_it_can_be(void **state)
{
	unsigned answers;

	(void)state;
	rig_run();
	begin_slow_request(VIRTIO_BLK_T_IN);
	update_waits(0, UINT64_MAX);
	answers = fake.responses;
	atomic_store(&slow, false);
	rig_quiesce();
	assert_int_equal(fake.responses, answers);
	waiting_give_up(rig.d);
	assert_int_equal(fake.responses, answers + 1);
	assert_int_equal(fake.response.result, OK);
	assert_int_equal(rig.d->map.count, 0);
}

/* What cannot be asked for is refused; the kernel takes it for the same. */
static void memory_update_that_is_nonsense(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(rig_iotlb(2, 1), FAILED);
	rig_settle();
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
}

static void place_in_a_queue_waits_for_a_slow_request(void **state)
{
	unsigned answers;

	(void)state;
	rig_run();
	begin_slow_request(VIRTIO_BLK_T_IN);
	answers = fake.responses;
	fake_queue_state(0);
	assert_int_equal(device_message(rig.d), 0);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_settle();
	assert_int_equal(fake.responses, answers);
	assert_int_equal(ring_used_idx(&rig.ring[1]), 0);
	atomic_store(&slow, false);
	rig_wait_answers(answers + 1);
	assert_int_equal(fake.response.result, OK);
	assert_int_equal(fake.response.vq_state.split.avail_index, 1);
	rig_wait_used(1, 1);
}

/* Behind a status others wait: it is refused in bounded time. */
static void a_status_does_not_wait_for_long(void **state)
{
	long long began;

	(void)state;
	rig_run();
	use_buffers();
	begin_slow_request(VIRTIO_BLK_T_IN);
	move_buffer(0);
	update_waits(0, UINT64_MAX);
	began = now_ms();
	assert_int_equal(rig_status(S_RUNNING), FAILED);
	assert_int_equal(rig_status(S_RUNNING), FAILED);
	assert_true(now_ms() - began < KERNEL_MS);
	assert_int_equal(rig.d->status, S_RUNNING);
	atomic_store(&slow, false);
	assert_int_equal(rig_status(S_RUNNING), OK);
	offer_read_into(0, 0);
	rig_tend_used(1, 3);
	assert_string_equal((char *)new_memory[0], "new");
	old_memory_is_left_alone(0);
}

/*
 * The sender of the first one was killed, the kernel has taken it back. Neither range is forgotten.
 */
static void a_second_update_ends_the_first(void **state)
{
	uint32_t first;

	(void)state;
	rig_run();
	use_buffers();
	begin_slow_request(VIRTIO_BLK_T_IN);
	move_buffer(1);
	update_waits(BUFFER(1), BUFFER(1) + 0xfff);
	first = 100 + fake.sent - 1;
	move_buffer(0);
	fake.reply_error = -ENOENT;
	fake_iotlb(BUFFER(0), BUFFER(0) + 0xfff);
	assert_int_equal(device_message(rig.d), 0);
	assert_int_equal(fake.response.result, FAILED);
	assert_int_equal(fake.response.request_id, first);
	atomic_store(&slow, false);
	for (unsigned i = 0; i < 2; i++) {
		offer_read_into(i, i);
		rig_tend_used(1, (uint16_t)(3 + i));
		assert_string_equal((char *)new_memory[i], "new");
		old_memory_is_left_alone(i);
	}
	assert_int_equal(fake.response.result, OK);
	assert_int_equal(fake.response.request_id, first + 1);
}

/* A queue that the driver enables meanwhile kicks once, and is not served before. */
static void a_kick_is_not_lost_while_memory_is_owed(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	fake.queue[1].ready = 0;
	assert_int_equal(rig_status(S_RUNNING), OK);
	begin_slow_request(VIRTIO_BLK_T_IN);
	update_waits(0, UINT64_MAX);
	fake.queue[1].ready = 1;
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[1]), 0);
	atomic_store(&slow, false);
	rig_tend_used(1, 1);
	rig_wait_used(0, 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, slow_setup, slow_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(memory_update_waits_for_a_slow_request),  T(memory_update_that_fails_in_the_end),
		T(memory_update_that_was_read_late),        T(memory_update_behind_a_pause_of_ours),
		T(what_waits_is_answered_before_the_end),   T(what_waits_is_done_before_the_end_where_it_can_be),
		T(memory_update_that_is_nonsense),          T(place_in_a_queue_waits_for_a_slow_request),
		T(a_status_does_not_wait_for_long),         T(a_second_update_ends_the_first),
		T(a_kick_is_not_lost_while_memory_is_owed),
	};

	return cmocka_run_group_tests_name("worker/deferred", tests, NULL, NULL);
}
