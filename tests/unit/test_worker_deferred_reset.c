/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_deferred_reset.c - a reset, while a request takes longer than the worker
 * waits. It is owed then (worker/device/deferred.h), also by the next worker.
 */
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "tests/unit/slow_disk.h"
#include "tests/unit/unit.h"
#include "worker/device/waiting.h"

#define OK VDUSE_REQ_RESULT_OK
#define FAILED VDUSE_REQ_RESULT_FAILED
#define TRAP_FLAG 0x100

/* ---- resets ---- */

static void a_reset_ends_what_else_is_owed(void **state)
{
	(void)state;
	rig_run();
	use_buffers();
	begin_slow_request(VIRTIO_BLK_T_IN);
	move_buffer(0);
	update_waits(0, UINT64_MAX);
	assert_int_equal(rig_status(0), FAILED);
	assert_true(rig.d->map.count > 0); /* nothing is taken away from a thread that uses it */
	atomic_store(&slow, false);
	assert_int_equal(rig_status(0), OK);
	assert_int_equal(rig.d->map.count, 0);
	assert_int_equal(rig.d->status, 0);
	for (int i = 0; i < WAIT_MS && rig.d->asked_until; i++) {
		(void)device_notes(rig.d);
		sleep_ms();
	}
	assert_int_equal(rig.d->asked_until, 0);
	rig_new_rings();
	rig_run();
	offer_read_into(0, 0);
	rig_wait_used(1, 1);
	assert_string_equal((char *)new_memory[0], "new");
	old_memory_is_left_alone(0);
}

/* Also by the main loop, when the driver sends nothing more. */
static void a_reset_that_is_owed_is_done_when_it_can_be(void **state)
{
	(void)state;
	rig_run();
	begin_slow_request(VIRTIO_BLK_T_IN);
	assert_int_equal(rig_status(0), FAILED);
	assert_int_equal(rig.d->status, S_RUNNING);
	(void)device_notes(rig.d);
	assert_int_equal(rig.state->reset_owed, 1);
	atomic_store(&slow, false);
	for (int i = 0; i < WAIT_MS && rig.d->reset_owed; i++) {
		(void)device_notes(rig.d);
		sleep_ms();
	}
	assert_int_equal(rig.d->status, 0);
	assert_int_equal(rig.d->map.count, 0);
	assert_int_equal(rig.state->driver_status, 0);
	assert_int_equal(rig.state->queue[0].desc_num, 0);
	assert_int_equal(rig.state->reset_owed, 0);
	assert_true(atomic_load(&told_next)); /* before the answer */
	rig_new_rings();
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
}

static void a_reset_done_in_time_leaves_nothing_behind(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	assert_int_equal(rig.state->reset_owed, 0);
	assert_false(rig.d->reset_owed);
}

/* ---- a worker killed at any store of a reset ---- */

static struct state_queue before[RIG_QUEUES];
static unsigned stores, unsafe;

/* The log of a queue is as it was; *clear: nothing is in it. */
static bool log_untouched(uint32_t q, bool *clear)
{
	const struct state_queue *now = &rig.state->queue[q];

	*clear = *clear && now->desc_num == 0 && now->desc[0].inflight == 0 && now->failed == 0;
	return now->desc_num == before[q].desc_num && now->next_counter == before[q].next_counter &&
	       now->failed == before[q].failed && memcmp(now->desc, before[q].desc, sizeof(now->desc)) == 0;
}

/*
 * What the next worker would find now: it is told of the reset, or nothing of it has happened, or
 * all of it.
 */
static bool safe_to_die(void)
{
	bool untouched = rig.state->driver_status == S_RUNNING && rig.state->features != 0;
	bool clear = rig.state->driver_status == 0 && rig.state->features == 0;

	for (uint32_t q = 0; q < RIG_QUEUES; q++)
		untouched = log_untouched(q, &clear) && untouched;
	return rig.state->reset_owed != 0 || untouched || clear;
}

/*
 * The state file is read-only. A store faults; this one instruction may pass, and then the file is
 * looked at.
 */
static void trap_next(void *context, bool on)
{
	ucontext_t *uc = context;

	(void)mprotect(rig.state, sizeof(*rig.state), on ? PROT_READ | PROT_WRITE : PROT_READ);
	if (on)
		uc->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
	else
		uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static void on_store(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	trap_next(context, true);
}

static void on_stored(int sig, siginfo_t *info, void *context)
{
	(void)sig;
	(void)info;
	stores++;
	unsafe += !safe_to_die();
	trap_next(context, false);
}

static void watch_stores(void)
{
	struct sigaction store = { .sa_sigaction = on_store, .sa_flags = SA_SIGINFO };
	struct sigaction stored = { .sa_sigaction = on_stored, .sa_flags = SA_SIGINFO };

	assert_return_code(sigaction(SIGSEGV, &store, NULL), 0);
	assert_return_code(sigaction(SIGTRAP, &stored, NULL), 0);
	assert_return_code(mprotect(rig.state, sizeof(*rig.state), PROT_READ), 0);
}

/* In time or not, with a message or without: what counts is what is in the file. */
static void K12_killed_after_every_store_of_a_reset(void **state)
{
	(void)state;
	rig_run();
	rig_quiesce();
	assert_int_equal(inflight_take(&rig.d->queue[0].vq.log, 0), 0);
	rig.state->queue[1].failed = 1;
	memcpy(before, rig.state->queue, sizeof(before));
	stores = unsafe = 0;
	watch_stores();
	device_lost_reset(rig.d);
	assert_return_code(mprotect(rig.state, sizeof(*rig.state), PROT_READ | PROT_WRITE), 0);
	assert_int_equal(rig.d->status, 0);
	assert_true(stores > 10);
	assert_int_equal(unsafe, 0);
	assert_int_equal(rig.state->reset_owed, 0);
}

/* ---- the next worker ---- */

static struct state_file left_behind; /* by a worker that was killed */

/*
 * A worker is killed while it owes a reset and a write (head 0 of queue 0) is in flight. A driver
 * has set up new rings meanwhile, and offered head 3 of queue 0.
 */
static void die_while_a_reset_is_owed(void)
{
	rig_run();
	begin_slow_request(VIRTIO_BLK_T_OUT);
	assert_int_equal(rig_status(0), FAILED);
	memcpy(&left_behind, rig.state, sizeof(left_behind));
	assert_int_equal(left_behind.queue[0].desc[0].inflight, 1);
	atomic_store(&slow, false);
	rig_quiesce();
	rig_new_rings();
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, false);
}

static void nothing_is_replayed(uint32_t flags)
{
	memcpy(rig.state, &left_behind, sizeof(left_behind));
	rig_replace(2, flags);
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
	assert_int_equal(rig.d->status, 0);
	assert_int_equal(rig.state->driver_status, 0);
	assert_true(rig.state->features == 0);
	assert_int_equal(rig.state->reset_owed, 0);
	for (uint32_t q = 0; q < RIG_QUEUES; q++) {
		assert_false(rig.d->queue[q].failed);
		assert_int_equal(rig.state->queue[q].failed, 0);
		assert_int_equal(rig.state->queue[q].desc_num, 0);
		assert_int_equal(rig.state->queue[q].desc[0].inflight, 0);
	}
	rig_run();
	rig_wait_used(0, 1);
	assert_int_equal(ring_used_id(&rig.ring[0], 0), 3);
}

static void the_next_worker_begins_as_after_the_reset(void **state)
{
	(void)state;
	die_while_a_reset_is_owed();
	nothing_is_replayed(0);
}

/* The driver that came meanwhile has other features; they are not those of the file. */
static void the_next_driver_may_be_another_one(void **state)
{
	(void)state;
	die_while_a_reset_is_owed();
	fake.features &= ~(1ULL << VIRTIO_RING_F_EVENT_IDX);
	nothing_is_replayed(0);
}

/*
 * Each state in which it can be killed once more: queues are cleared one by one, the status after
 * them.
 */
static void killed_again_at_any_point_of_the_reset(void **state)
{
	(void)state;
	die_while_a_reset_is_owed();
	inflight_clear(&left_behind.queue[0]);
	left_behind.queue[1].failed = 1;
	nothing_is_replayed(0);
	rig_new_rings();
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, false);
	inflight_clear(&left_behind.queue[1]);
	left_behind.queue[1].failed = 0;
	nothing_is_replayed(0);
	rig_new_rings();
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, false);
	left_behind.driver_status = 0;
	left_behind.features = 0;
	nothing_is_replayed(0);
}

/* The message that waited at its death comes again. */
static void the_reset_comes_again(void **state)
{
	(void)state;
	die_while_a_reset_is_owed();
	fake_status(0);
	nothing_is_replayed(0);
}

/*
 * A memory update that waits at its death comes again, too: the next worker knows no memory, and
 * need not wait for anything.
 */
static void the_update_comes_again(void **state)
{
	unsigned answers;

	(void)state;
	rig_run();
	use_buffers();
	begin_slow_request(VIRTIO_BLK_T_OUT);
	memset(rig_data(0, 0), 'x', 512);
	move_buffer(0);
	update_waits(0, UINT64_MAX);
	memcpy(&left_behind, rig.state, sizeof(left_behind));
	atomic_store(&slow, false);
	rig_quiesce();
	memcpy(rig.state, &left_behind, sizeof(left_behind));
	answers = fake.responses;
	fake_iotlb(0, UINT64_MAX);
	rig_replace(2, 0);
	assert_int_equal(fake.responses, answers + 1);
	assert_int_equal(fake.response.result, OK);
	offer_read_into(0, 0);
	rig_wait_used(1, 3);
	assert_int_equal(*rig_status_byte(1, 0), VIRTIO_BLK_S_OK);
	old_memory_is_left_alone(0);
}

/* L: whoever wrote it. Any value but 0 means that the rest is not believed, however wrong it is. */
static void L_reset_owed_and_nothing_else_right(void **state)
{
	(void)state;
	die_while_a_reset_is_owed();
	left_behind.reset_owed = UINT32_MAX;
	left_behind.driver_status = 0x100;
	left_behind.features = UINT64_MAX;
	memset(&left_behind.queue[0], 0xff, sizeof(left_behind.queue[0]));
	left_behind.queue[0].counters = (struct state_counters){ 0 };
	nothing_is_replayed(0);
}

/* ... but the file of another device is. */
static void L_reset_owed_in_the_file_of_another_device(void **state)
{
	(void)state;
	die_while_a_reset_is_owed();
	left_behind.name[4] = '1';
	memcpy(rig.state, &left_behind, sizeof(left_behind));
	rig_replace(2, 0);
	rig_wait_failed(0);
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
	assert_int_equal(rig.state->reset_owed, 0);
}

/* In fail mode what the rings show is ended with an error, and what was in flight before is not. */
static void fail_mode_ends_what_is_in_the_new_rings(void **state)
{
	(void)state;
	die_while_a_reset_is_owed();
	memcpy(rig.state, &left_behind, sizeof(left_behind));
	rig_replace(2, WORK_F_FAIL);
	rig_wait_used(0, 1);
	assert_int_equal(ring_used_id(&rig.ring[0], 0), 3);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_IOERR);
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[0]), 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, slow_setup, slow_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(a_reset_ends_what_else_is_owed),
		T(a_reset_that_is_owed_is_done_when_it_can_be),
		T(a_reset_done_in_time_leaves_nothing_behind),
		T(K12_killed_after_every_store_of_a_reset),
		T(the_next_worker_begins_as_after_the_reset),
		T(the_next_driver_may_be_another_one),
		T(killed_again_at_any_point_of_the_reset),
		T(the_reset_comes_again),
		T(the_update_comes_again),
		T(L_reset_owed_and_nothing_else_right),
		T(L_reset_owed_in_the_file_of_another_device),
		T(fail_mode_ends_what_is_in_the_new_rings),
	};

	return cmocka_run_group_tests_name("worker/deferred", tests, NULL, NULL);
}
