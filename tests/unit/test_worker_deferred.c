/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_deferred.c - what the kernel asks for while a request takes longer than
 * the worker waits: memory that is taken away, a reset. It is owed then (worker/device/deferred.h),
 * a reset also by the next worker.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

#include "common/fd.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/blk/engine_pread.h"
#include "worker/device/waiting.h"

#define OK VDUSE_REQ_RESULT_OK
#define FAILED VDUSE_REQ_RESULT_FAILED
#define BUFFER(i) (0x8000000ULL + 0x100000ULL * (i)) /* memory that moves */
#define WAIT_MS 5000

/* ---- a slow disk ---- */

/* told_next: the state file said meanwhile that a reset is owed */
static atomic_bool slow, entered, told_next;

static void sleep_ms(void)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	(void)nanosleep(&ms, NULL);
}

static enum engine_answer slow_submit(struct engine *e, struct io *io)
{
	atomic_store(&entered, true);
	while (atomic_load(&slow)) {
		if (__atomic_load_n(&rig.state->reset_owed, __ATOMIC_RELAXED) != 0)
			atomic_store(&told_next, true);
		sleep_ms();
	}
	return engine_pread.submit(e, io);
}

static int setup(void **state)
{
	atomic_store(&slow, false);
	atomic_store(&entered, false);
	atomic_store(&told_next, false);
	return rig_setup(state);
}

static int teardown(void **state)
{
	atomic_store(&slow, false);
	return rig_teardown(state);
}

/* Queue 0 is executing a request (slot 0, sector 0) and goes on until `slow` is cleared. */
static void begin_slow_request(uint32_t type)
{
	static struct engine_ops ops;

	ops = engine_pread;
	ops.submit = slow_submit;
	rig_quiesce();
	rig.d->queue[0].engine.ops = &ops;
	for (uint32_t q = 0; q < RIG_QUEUES; q++)
		if (rig.d->queue[q].known)
			queue_release(&rig.d->queue[q]);
	atomic_store(&slow, true);
	rig_offer(0, 0, type, 0, 512, true);
	for (int i = 0; i < WAIT_MS && !atomic_load(&entered); i++)
		sleep_ms();
	assert_true(atomic_load(&entered));
}

/* ---- memory that moves ---- */

static const uint8_t *old_memory[2];
static uint8_t *new_memory[2];

/* Queue 1 reads sector 0 into the buffer. */
static void offer_read_into(unsigned slot, unsigned buffer)
{
	uint16_t head = (uint16_t)(3 * slot);

	rig_offer(1, slot, VIRTIO_BLK_T_IN, 0, 512, false);
	ring_desc(&rig.ring[1], (uint16_t)(head + 1), BUFFER(buffer), 512, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE,
		  (uint16_t)(head + 2));
	fake_kick(1);
}

/* The worker knows both buffers, and has put zeros there. */
static void use_buffers(void)
{
	for (unsigned i = 0; i < 2; i++) {
		(void)guest_add(&rig.guest, BUFFER(i), 0x1000, 0, VDUSE_ACCESS_RW);
		offer_read_into(i, i);
		rig_wait_used(1, (uint16_t)(i + 1));
	}
	assert_int_equal(pwrite(rig.disk, "new", 4, 0), 4);
}

/* Other memory takes its place; the old one can still be looked at. */
static void move_buffer(unsigned i)
{
	int fd = -1;

	for (size_t r = 0; r < rig.guest.n; r++)
		if (rig.guest.r[r].start == BUFFER(i))
			fd = rig.guest.r[r].fd;
	old_memory[i] = mmap(NULL, 0x1000, PROT_READ, MAP_SHARED, fd, 0);
	assert_ptr_not_equal(old_memory[i], MAP_FAILED);
	guest_remove(&rig.guest, BUFFER(i));
	new_memory[i] = guest_add(&rig.guest, BUFFER(i), 0x1000, 0, VDUSE_ACCESS_RW);
}

static void old_memory_is_left_alone(unsigned i)
{
	assert_int_equal(*old_memory[i], 0);
	assert_return_code(munmap((void *)(uintptr_t)old_memory[i], 0x1000), 0);
}

/* The kernel asks for this, and is not answered. */
static void update_waits(uint64_t start, uint64_t last)
{
	unsigned answers = fake.responses;

	fake_iotlb(start, last);
	assert_int_equal(device_message(rig.d), 0);
	rig_settle();
	assert_int_equal(fake.responses, answers);
}

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

/* ---- resets ---- */

static void forget_rings(void)
{
	for (uint32_t q = 0; q < RIG_QUEUES; q++) {
		memset(guest_at(&rig.guest, RIG_RING(q)), 0, 0x10000);
		ring_init(&rig.ring[q], &rig.guest, RIG_NUM, RIG_RING(q));
	}
}

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
	forget_rings();
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
	forget_rings();
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

#define TRAP_FLAG 0x100

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
	forget_rings();
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
	forget_rings();
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, false);
	inflight_clear(&left_behind.queue[1]);
	left_behind.queue[1].failed = 0;
	nothing_is_replayed(0);
	forget_rings();
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

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(memory_update_waits_for_a_slow_request),
		T(memory_update_that_fails_in_the_end),
		T(memory_update_that_was_read_late),
		T(memory_update_behind_a_pause_of_ours),
		T(what_waits_is_answered_before_the_end),
		T(what_waits_is_done_before_the_end_where_it_can_be),
		T(memory_update_that_is_nonsense),
		T(place_in_a_queue_waits_for_a_slow_request),
		T(a_status_does_not_wait_for_long),
		T(a_second_update_ends_the_first),
		T(a_kick_is_not_lost_while_memory_is_owed),
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
