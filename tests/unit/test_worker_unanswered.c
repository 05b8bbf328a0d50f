/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_unanswered.c - a request that cannot be answered is not completed: its
 * status byte or its indirect table cannot be reached, for good or for a moment, or there are more
 * regions of memory than the worker maps at once.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/device/memory_wait.h"
#include "worker/device/queue_halt.h"

#define OK VDUSE_REQ_RESULT_OK
#define NOWHERE 0x40000000ULL
#define PAGES 0x80000000ULL
#define SOME_MISSES 5U /* less than it has patience for */
#define ASKS_OF_ONE_RUN 8U /* rings, and the parts of two requests, each once */
#define SOME_TRIES 30U /* more than a queue has patience for where the kernel knows no memory */

static const int passing[] = { -ENOMEM, -EMFILE, -ENFILE, -EAGAIN };

/* ---- what is waited for ---- */

static bool has_failed(void)
{
	return rig.d->queue[0].failed;
}

static bool is_published(void)
{
	return ring_used_idx(&rig.ring[0]) == 1;
}

static bool both_published(void)
{
	return ring_used_idx(&rig.ring[0]) == 2;
}

static bool was_asked_often(void)
{
	return rig.guest.gets > SOME_TRIES;
}

/* ---- the requests: a good one in slot 0, and in slot 1 a write of 'x' to sector 9 ---- */

/*
 * A thread that runs may look at the ring before it is kicked: so requests are made while it is
 * held, and then released.
 */
static void hold(void)
{
	rig_quiesce();
}

static void go(void)
{
	assert_int_equal(rig_iotlb(0, 0), OK); /* of no memory that there is */
}

static void fresh_rings(void)
{
	for (uint32_t q = 0; q < RIG_QUEUES; q++) {
		memset(guest_at(&rig.guest, RIG_RING(q)), 0, 0x10000);
		ring_init(&rig.ring[q], &rig.guest, RIG_NUM, RIG_RING(q));
	}
}

static void write_to_9(void)
{
	hold();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	rig_offer(0, 1, VIRTIO_BLK_T_OUT, 9, 512, false);
	memset(rig_data(0, 1), 'x', 512);
}

static int sector_9(void)
{
	char c;

	assert_int_equal(pread(rig.disk, &c, 1, 9 * 512), 1);
	return c;
}

static void status_at(uint64_t iova)
{
	write_to_9();
	ring_desc(&rig.ring[0], 5, iova, 1, VRING_DESC_F_WRITE, 0);
}

static void table_at(uint64_t iova)
{
	write_to_9();
	ring_desc(&rig.ring[0], 3, iova, 48, VRING_DESC_F_INDIRECT, 0);
}

static void data_at(uint64_t iova)
{
	write_to_9();
	ring_desc(&rig.ring[0], 4, iova, 512, VRING_DESC_F_NEXT, 5);
}

/*
 * The good one is completed, the other one is not: it is in flight, and nothing of it was executed.
 */
static void only_the_first_is_completed(void)
{
	assert_int_equal(ring_used_idx(&rig.ring[0]), 1);
	assert_int_equal(ring_used_id(&rig.ring[0], 0), 0);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(rig.state->queue[0].desc[0].inflight, 0);
	assert_int_equal(rig.state->queue[0].desc[3].inflight, 1);
	assert_int_equal(sector_9(), 0);
}

static void fails(void)
{
	go();
	rig_until(has_failed);
	fake_kick(0);
	rig_settle();
	only_the_first_is_completed();
	assert_int_equal(rig.state->queue[0].failed, 1);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true); /* the other queue does not care */
	rig_wait_used(1, 1);
}

static void is_done_in_the_end(void)
{
	rig_until(both_published);
	assert_false(has_failed());
	assert_int_equal(ring_used_id(&rig.ring[0], 1), 3);
	assert_int_equal(sector_9(), 'x');
	for (unsigned i = 0; i < RIG_NUM; i++)
		assert_int_equal(rig.state->queue[0].desc[i].inflight, 0);
}

/* ---- for good ---- */

static void no_memory_at_the_status(void **state)
{
	(void)state;
	rig_run();
	status_at(NOWHERE);
	fails();
}

static void no_memory_at_the_table(void **state)
{
	(void)state;
	rig_run();
	table_at(NOWHERE);
	fails();
}

static void status_that_may_not_be_written(void **state)
{
	(void)state;
	guest_add(&rig.guest, NOWHERE, 0x1000, 0, VDUSE_ACCESS_RO);
	rig_run();
	status_at(NOWHERE);
	fails();
}

static void no_place_for_a_status(void **state)
{
	(void)state;
	rig_run();
	write_to_9();
	ring_desc(&rig.ring[0], 5, RIG_RAM, 1, 0, 0);
	fails();
}

static void chain_that_is_a_loop(void **state)
{
	(void)state;
	rig_run();
	write_to_9();
	ring_desc(&rig.ring[0], 4, RIG_RAM, 512, VRING_DESC_F_NEXT, 4);
	fails();
}

static void in_fail_mode_too(void **state)
{
	(void)state;
	rig_replace(2, WORK_F_FAIL);
	rig_run();
	status_at(NOWHERE);
	go();
	rig_until(has_failed);
	assert_int_equal(ring_used_idx(&rig.ring[0]), 1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(rig.state->queue[0].desc[3].inflight, 1);
}

static void reset_heals(void **state)
{
	(void)state;
	rig_run();
	status_at(NOWHERE);
	fails();
	assert_int_equal(rig_status(0), OK);
	fresh_rings();
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_until(is_published);
}

/* With the status in its place, data that is nowhere is an error of the request alone. */
static void no_memory_at_the_data(void **state)
{
	(void)state;
	rig_run();
	data_at(NOWHERE);
	go();
	rig_until(both_published);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_IOERR);
	assert_int_equal(sector_9(), 0);
}

/* ---- for a moment ---- */

static void memory_comes_with_an_update(void **state)
{
	(void)state;
	rig_run();
	status_at(NOWHERE);
	go();
	rig_until(is_published);
	rig_settle();
	only_the_first_is_completed();
	guest_add(&rig.guest, NOWHERE, 0x1000, 0, VDUSE_ACCESS_RW);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	is_done_in_the_end();
	assert_int_equal(*(uint8_t *)guest_at(&rig.guest, NOWHERE), VIRTIO_BLK_S_OK);
}

/*
 * A driver that changes its memory outside of a batch takes it away and gives it back: what is
 * asked meanwhile is not lost.
 */
static void data_comes_with_an_update(uint8_t before, uint8_t perm)
{
	rig_run();
	if (before)
		guest_add(&rig.guest, NOWHERE, 0x1000, 0, before);
	data_at(NOWHERE);
	go();
	rig_until(is_published);
	rig_settle();
	only_the_first_is_completed();
	if (before)
		guest_remove(&rig.guest, NOWHERE);
	memset(guest_add(&rig.guest, NOWHERE, 0x1000, 0, perm), 'x', 512);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	is_done_in_the_end();
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_OK);
}

static void data_is_missing_between_two_updates(void **state)
{
	(void)state;
	data_comes_with_an_update(0, VDUSE_ACCESS_RO);
}

static void data_has_another_permission_between_two_updates(void **state)
{
	(void)state;
	data_comes_with_an_update(VDUSE_ACCESS_WO, VDUSE_ACCESS_RW);
}

/*
 * Memory with no permission, or with one that there is not: the kernel warns of it with a stack
 * trace whenever it is asked, so it is asked once.
 */
static void V10_no_permission_is_not_asked_for_again(void **state)
{
	(void)state;
	rig_run();
	guest_add(&rig.guest, NOWHERE, 0x1000, 0, 0);
	data_at(NOWHERE);
	rig.guest.gets = 0;
	go();
	rig_until(both_published);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_IOERR);
	assert_in_range(rig.guest.gets, 1, ASKS_OF_ONE_RUN);
}

static void V10_no_permission_for_a_status(void **state)
{
	(void)state;
	rig_run();
	guest_add(&rig.guest, NOWHERE, 0x1000, 0, 0);
	status_at(NOWHERE);
	rig.guest.gets = 0;
	go();
	rig_until(has_failed);
	assert_in_range(rig.guest.gets, 1, ASKS_OF_ONE_RUN);
}

static bool has_lost_patience(void)
{
	return rig.d->queue[0].misses >= SOME_MISSES;
}

static bool has_made_room(void)
{
	return !rig.d->remap_owed;
}

/*
 * Patience is with memory that is missing since a change of it: not with what the host lacked, nor
 * for each request anew.
 */
static void patience_is_for_a_change_of_memory(void **state)
{
	(void)state;
	rig_run();
	data_at(NOWHERE);
	rig.guest.error_at = NOWHERE;
	rig.guest.error = -ENOMEM;
	rig.guest.gets = 0;
	go();
	rig_until(was_asked_often);
	assert_int_equal(rig.d->queue[0].misses, 0);
	rig.guest.error = 0; /* it is missing, too */
	rig_until(has_lost_patience);
	only_the_first_is_completed();
	memory_full(rig.d);
	rig_until(has_made_room);
	assert_true(has_lost_patience()); /* that was no change of it */
	rig_until(both_published);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_IOERR);
	assert_true(has_lost_patience());
	assert_int_equal(rig_iotlb(0, 0), OK);
	assert_int_equal(rig.d->queue[0].misses, 0);
}

/*
 * The kernel has changed its map, and its message is on its way: the region there is not the one
 * that we know.
 */
static void memory_is_being_changed(void **state)
{
	static const struct vduse_iotlb_entry moved = { .start = RIG_RAM, .last = NOWHERE + 0xfff, .perm = 3 };

	(void)state;
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_until(is_published);
	hold();
	rig_offer(0, 1, VIRTIO_BLK_T_OUT, 9, 512, false);
	memset(rig_data(0, 1), 'x', 512);
	ring_desc(&rig.ring[0], 4, NOWHERE, 512, VRING_DESC_F_NEXT, 5);
	rig.guest.lie = &moved;
	rig.guest.gets = 0;
	go();
	rig_until(was_asked_often);
	only_the_first_is_completed();
	rig.guest.lie = NULL;
	memset(guest_add(&rig.guest, NOWHERE, 0x1000, 0, VDUSE_ACCESS_RW), 'x', 512);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	is_done_in_the_end();
}

static void host_runs_short(uint64_t at, void (*set_up)(uint64_t iova), uint8_t fill)
{
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		void *none = NULL;

		if (i > 0)
			assert_int_equal(rig_teardown(&none) | rig_setup(&none), 0);
		memset(guest_add(&rig.guest, at, 0x1000, 0, VDUSE_ACCESS_RW), fill, 512);
		rig_run();
		set_up(at);
		rig.guest.error_at = NOWHERE;
		rig.guest.error = passing[i];
		rig.guest.gets = 0;
		go();
		rig_until(was_asked_often);
		only_the_first_is_completed();
		rig.guest.error = 0;
		is_done_in_the_end();
	}
}

static void host_runs_short_at_the_status(void **state)
{
	(void)state;
	host_runs_short(NOWHERE, status_at, 0xee);
	assert_int_equal(*(uint8_t *)guest_at(&rig.guest, NOWHERE), VIRTIO_BLK_S_OK);
}

static void host_runs_short_at_the_data(void **state)
{
	(void)state;
	host_runs_short(NOWHERE, data_at, 'x');
}

static void good_table_at(uint64_t iova)
{
	table_at(iova);
	table_desc(&rig.guest, iova, 0, RIG_RAM + 0x8000, 16, VRING_DESC_F_NEXT, 1);
	table_desc(&rig.guest, iova, 1, RIG_RAM + 0x9000, 512, VRING_DESC_F_NEXT, 2);
	table_desc(&rig.guest, iova, 2, RIG_RAM + 0x8800, 1, VRING_DESC_F_WRITE, 0);
}

static void host_runs_short_at_the_table(void **state)
{
	(void)state;
	host_runs_short(NOWHERE, good_table_at, 0);
}

/* The driver waits for completions and does not kick. */
static void host_runs_short_at_the_rings(void **state)
{
	(void)state;
	rig_run();
	write_to_9();
	rig.guest.error = -ENOMEM;
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	rig.guest.gets = 0;
	rig_until(was_asked_often);
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
	rig.guest.error = 0;
	is_done_in_the_end();
}

static bool is_waited_for(void)
{
	return queue_waits(&rig.d->queue[0]);
}

/* Nor is a driver refused that begins just then: its queue waits for the end of the shortage. */
static void host_runs_short_at_driver_ok(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++) {
		rig_run();
		assert_int_equal(rig_status(0), OK); /* no memory is mapped now */
		fresh_rings();
		write_to_9();
		rig.guest.error_at = 0;
		rig.guest.error = passing[i];
		assert_int_equal(rig_status(S_FEATURES), OK);
		assert_int_equal(rig_status(S_RUNNING), OK);
		assert_int_equal(rig.d->status, S_RUNNING);
		rig_until(is_waited_for);
		assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
		rig.guest.error = 0;
		is_done_in_the_end();
		assert_int_equal(rig_status(0), OK);
		fresh_rings();
	}
	rig.guest.error = -EINVAL; /* no shortage, but no memory */
	assert_int_equal(rig_status(S_FEATURES), OK);
	assert_int_equal(rig_status(S_RUNNING), VDUSE_REQ_RESULT_FAILED);
	assert_int_equal(rig.d->status, S_FEATURES);
	rig.guest.error = 0;
}

static void the_next_worker_waits_too(void **state)
{
	(void)state;
	rig_run();
	status_at(NOWHERE);
	go();
	rig_until(is_published);
	rig_settle();
	rig_replace(2, 0);
	rig_settle();
	only_the_first_is_completed();
	guest_add(&rig.guest, NOWHERE, 0x1000, 0, VDUSE_ACCESS_RW);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	is_done_in_the_end();
}

static void reset_while_it_waits(void **state)
{
	(void)state;
	rig_run();
	status_at(NOWHERE);
	go();
	rig_until(is_published);
	assert_int_equal(rig_status(0), OK);
	rig_settle();
	assert_false(has_failed());
	assert_int_equal(rig.state->queue[0].desc[3].inflight, 0);
}

/* ---- more regions than are mapped at once (V11) ---- */

static unsigned wanted;

static bool is_at_wanted(void)
{
	return ring_used_idx(&rig.ring[0]) == wanted && ring_used_idx(&rig.ring[1]) == wanted;
}

/* A write from each region, on both queues by turns; each lands. */
static void V11_every_region_is_served(void **state)
{
	const unsigned n = IOVA_REGIONS_MAX + 100;
	uint8_t *mem = guest_add_pages(&rig.guest, PAGES, n, 0x2000);

	(void)state;
	rig_run();
	for (unsigned i = 0; i < n; i += 2) {
		hold();
		for (uint32_t q = 0; q < 2; q++) {
			memset(mem + (i + q) * 4096UL, (int)(1 + (i + q) % 255), 512);
			rig_offer(q, 0, VIRTIO_BLK_T_OUT, q, 512, false);
			ring_desc(&rig.ring[q], 1, PAGES + (i + q) * 0x2000ULL, 512, VRING_DESC_F_NEXT, 2);
		}
		go();
		wanted = i / 2 + 1;
		rig_until(is_at_wanted);
		for (uint32_t q = 0; q < 2; q++) {
			uint8_t c;

			assert_int_equal(*rig_status_byte(q, 0), VIRTIO_BLK_S_OK);
			assert_int_equal(pread(rig.disk, &c, 1, 512 * (off_t)q), 1);
			assert_int_equal(c, 1 + (i + q) % 255);
		}
	}
	assert_true(rig.guest.gets >= n);
	assert_true(rig.d->map.count <= IOVA_REGIONS_MAX);
}

/*
 * A map that others have filled is no fault of a request, however often; one that it has filled
 * alone is.
 */
static void V11_full_by_whom(void **state)
{
	struct queue q = { .waits = 1000, .mem.moves = 300 };

	(void)state;
	assert_false(queue_gives_up(&q, -ENOSPC));
	q.mem.moves = IOVA_REGIONS_MAX;
	assert_true(queue_gives_up(&q, -ENOSPC));
	assert_false(queue_gives_up(&q, -ENOMEM));
}

/*
 * In regions of `size` bytes, one behind the other: a table of `entries`, of which three are used,
 * then its data.
 */
static void request_in_small_regions(uint64_t size, unsigned entries, uint32_t len)
{
	uint8_t *mem = guest_add_pages(&rig.guest, PAGES, 2048, size);
	const struct virtq_desc d[] = { { RIG_RAM + 0x8000, 16, VRING_DESC_F_NEXT, 1 },
					{ PAGES + 16ULL * entries, len, VRING_DESC_F_NEXT, 2 },
					{ RIG_RAM + 0x8800, 1, VRING_DESC_F_WRITE, 0 } };

	_Static_assert(sizeof(d[0]) == 16, "as in the ring");
	memcpy(mem, d, sizeof(d));
	rig_run();
	write_to_9();
	ring_desc(&rig.ring[0], 3, PAGES, 16 * entries, VRING_DESC_F_INDIRECT, 0);
	rig.guest.gets = 0;
	go();
}

/* One request alone needs more than there is room for, whatever else is forgotten. */
static void V11_one_request_too_large(void **state)
{
	(void)state;
	request_in_small_regions(16, 600, 31 * 512); /* 600 regions, and 992 */
	rig_until(both_published);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_IOERR);
	assert_int_equal(sector_9(), 0);
	assert_true(rig.guest.gets < 4 * IOVA_REGIONS_MAX);
}

/* ... and where that is its table, it cannot be answered. */
static void V11_one_table_too_large(void **state)
{
	(void)state;
	request_in_small_regions(8, 1024, 512);
	rig_until(has_failed);
	only_the_first_is_completed();
	assert_true(rig.guest.gets < 4 * IOVA_REGIONS_MAX);
}

/* What just fits is served. */
static void V11_one_request_that_fits(void **state)
{
	(void)state;
	request_in_small_regions(16, 600, 16 * 512);
	rig_until(both_published);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_OK);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(no_memory_at_the_status),
		T(no_memory_at_the_table),
		T(status_that_may_not_be_written),
		T(no_place_for_a_status),
		T(chain_that_is_a_loop),
		T(in_fail_mode_too),
		T(reset_heals),
		T(no_memory_at_the_data),
		T(memory_comes_with_an_update),
		T(data_is_missing_between_two_updates),
		T(data_has_another_permission_between_two_updates),
		T(V10_no_permission_is_not_asked_for_again),
		T(V10_no_permission_for_a_status),
		T(patience_is_for_a_change_of_memory),
		T(memory_is_being_changed),
		T(host_runs_short_at_the_status),
		T(host_runs_short_at_the_data),
		T(host_runs_short_at_the_table),
		T(host_runs_short_at_the_rings),
		T(host_runs_short_at_driver_ok),
		T(the_next_worker_waits_too),
		T(reset_while_it_waits),
		T(V11_every_region_is_served),
		cmocka_unit_test(V11_full_by_whom),
		T(V11_one_request_too_large),
		T(V11_one_table_too_large),
		T(V11_one_request_that_fits),
	};

	return cmocka_run_group_tests_name("worker/unanswered", tests, NULL, NULL);
}
