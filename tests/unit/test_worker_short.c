/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_short.c - a request that cannot be answered is not completed: the host has
 * run short of something, or there are more regions of memory than the worker maps at once.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/two_requests.h"
#include "tests/unit/unit.h"
#include "worker/device/queue_halt.h"

#define PAGES 0x80000000ULL

/* ---- for a moment ---- */

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
		rig_new_rings();
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
		rig_new_rings();
	}
	rig.guest.error = -EINVAL; /* no shortage, but no memory */
	assert_int_equal(rig_status(S_FEATURES), OK);
	assert_int_equal(rig_status(S_RUNNING), VDUSE_REQ_RESULT_FAILED);
	assert_int_equal(rig.d->status, S_FEATURES);
	rig.guest.error = 0;
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
		T(host_runs_short_at_the_status),   T(host_runs_short_at_the_data),  T(host_runs_short_at_the_table),
		T(host_runs_short_at_the_rings),    T(host_runs_short_at_driver_ok), T(V11_every_region_is_served),
		cmocka_unit_test(V11_full_by_whom), T(V11_one_request_too_large),    T(V11_one_table_too_large),
		T(V11_one_request_that_fits),
	};

	return cmocka_run_group_tests_name("worker/unanswered", tests, NULL, NULL);
}
