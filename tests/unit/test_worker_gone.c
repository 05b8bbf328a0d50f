/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_gone.c - worker/device/queue.c, blk.c: pages of the driver's memory that
 * go while queues run (D15). What is read there is zeros that nobody wrote: nothing comes of it, on
 * the disk or in the rings. The handler itself: test_worker_sigbus.c.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/ring/sigbus.h"

#define OK VDUSE_REQ_RESULT_OK
#define GONE 0x8000000ULL
#define PAGE 0x1000ULL
#define PAGES 8U

static uint8_t *gone; /* the driver's memory at GONE, before it goes */

/* A disk full of X, a driver whose queues are held and that has memory which can go. */
static void begin(void)
{
	static const char x[4096] = { [0 ... 4095] = 'X' };

	/* here: cmocka puts its own handler in front of every test */
	assert_int_equal(sigbus_install(&rig.d->map), 0);
	assert_int_equal(pwrite(rig.disk, x, sizeof(x), 0), sizeof(x));
	rig_run();
	gone = guest_add(&rig.guest, GONE, PAGES * PAGE, 0, VDUSE_ACCESS_RW);
	memset(gone, 'w', PAGES * PAGE);
	rig_quiesce();
}

/* All but the first pages go, and the queues run. Returns how often that was noticed. */
static unsigned cut_and_run(unsigned pages_left)
{
	unsigned faults = sigbus_count();

	assert_return_code(ftruncate(rig.guest.r[rig.guest.n - 1].fd, (off_t)(pages_left * PAGE)), errno);
	for (uint32_t q = 0; q < RIG_QUEUES; q++)
		queue_release(&rig.d->queue[q]);
	rig_wait_failed(0);
	return sigbus_count() - faults;
}

static void nothing_came_of_it(void)
{
	char disk[4096];

	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
	assert_int_equal(pread(rig.disk, disk, sizeof(disk), 0), sizeof(disk));
	for (size_t i = 0; i < sizeof(disk); i++)
		assert_int_equal(disk[i], 'X');
}

static void fresh_ring(uint32_t q)
{
	memset(guest_at(&rig.guest, RIG_RING(q)), 0, 0x10000);
	ring_init(&rig.ring[q], &rig.guest, RIG_NUM, RIG_RING(q));
}

/* ---- requests on such pages ---- */

static void D15_header_is_gone(void **state)
{
	(void)state;
	begin();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	ring_desc(&rig.ring[0], 0, GONE, 16, VRING_DESC_F_NEXT, 1);
	(void)cut_and_run(0);
	nothing_came_of_it();
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_failed(1); /* what the page of zeros stands for may be in use there, too */
}

/* The data of the next request lie on the page of zeros that the first one left behind. */
static void D15_header_is_gone_and_the_next_ones_data_with_it(void **state)
{
	(void)state;
	begin();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	ring_desc(&rig.ring[0], 0, GONE, 16, VRING_DESC_F_NEXT, 1);
	rig_offer(0, 1, VIRTIO_BLK_T_OUT, 1, 512, false);
	ring_desc(&rig.ring[0], 4, GONE + 0x400, 512, VRING_DESC_F_NEXT, 5);
	(void)cut_and_run(0);
	nothing_came_of_it();
	assert_int_equal(*rig_status_byte(0, 1), 0xee);
}

/* Its type is there, its sector is not. */
static void D15_half_a_header_is_gone(void **state)
{
	struct virtio_blk_outhdr h = { .type = VIRTIO_BLK_T_OUT, .sector = 100 };

	(void)state;
	begin();
	rig_offer(0, 0, VIRTIO_BLK_T_OUT, 100, 512, false);
	memcpy(gone + PAGE - 8, &h, sizeof(h));
	ring_desc(&rig.ring[0], 0, GONE + PAGE - 8, 16, VRING_DESC_F_NEXT, 1);
	(void)cut_and_run(1);
	nothing_came_of_it();
}

/*
 * Zeros in a table are buffers of length 0 behind which nothing comes: the write would only be
 * shorter.
 */
static void D15_half_a_table_is_gone(void **state)
{
	uint64_t table = GONE + PAGE - 48, data = RIG_RAM + 0x1000;

	(void)state;
	begin();
	rig_offer(0, 0, VIRTIO_BLK_T_OUT, 0, 512, false);
	table_desc(&rig.guest, table, 0, RIG_RAM, 16, VRING_DESC_F_NEXT, 1);
	table_desc(&rig.guest, table, 1, data, 512, VRING_DESC_F_NEXT, 3);
	table_desc(&rig.guest, table, 2, RIG_RAM + 0x800, 1, VRING_DESC_F_WRITE, 0);
	table_desc(&rig.guest, table, 3, data + 512, 512, VRING_DESC_F_NEXT, 2);
	ring_desc(&rig.ring[0], 0, table, 64, VRING_DESC_F_INDIRECT, 0);
	(void)cut_and_run(1);
	nothing_came_of_it();
}

/* A page of zeros there would say that all is well. */
static void D15_place_for_the_status_is_gone(void **state)
{
	(void)state;
	begin();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, false);
	ring_desc(&rig.ring[0], 2, GONE, 1, VRING_DESC_F_WRITE, 0);
	(void)cut_and_run(0);
	nothing_came_of_it();
}

/* ---- what follows ---- */

static void nothing_is_left_for_the_time_after_a_reset(void **state)
{
	(void)state;
	begin();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, false);
	ring_desc(&rig.ring[0], 3, GONE, 16, VRING_DESC_F_NEXT, 4);
	(void)cut_and_run(0);
	nothing_came_of_it(); /* nor of the good request of that batch */
	assert_int_equal(rig_status(0), OK);
	fresh_ring(0);
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	assert_int_equal(ring_used_id(&rig.ring[0], 0), 0);
	assert_false(rig.d->queue[0].failed);
}

/* The pages of zeros stay until a reset: a queue that comes later could use them, too. */
static void queue_that_is_enabled_later_fails_as_well(void **state)
{
	(void)state;
	begin();
	assert_int_equal(rig_status(0), OK);
	fake.queue[1].ready = 0;
	assert_int_equal(rig_status(S_RUNNING), OK);
	rig_quiesce();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	ring_desc(&rig.ring[0], 0, GONE, 16, VRING_DESC_F_NEXT, 1);
	(void)cut_and_run(0);
	fake.queue[1].ready = 1;
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_settle();
	rig_wait_failed(1);
	assert_int_equal(ring_used_idx(&rig.ring[1]), 0);
	assert_int_equal(rig_status(0), OK);
	fresh_ring(0);
	fresh_ring(1);
	rig_run();
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(1, 1);
}

/* ---- every page of zeros is memory of ours: few for one driver ---- */

static void one_fault_ends_the_batch(void **state)
{
	(void)state;
	begin();
	for (uint16_t head = 0; head < RIG_NUM; head += 2) {
		ring_desc(&rig.ring[0], head, GONE + head * PAGE, 16, VRING_DESC_F_NEXT, head + 1);
		ring_desc(&rig.ring[0], head + 1, RIG_RAM + 0x800, 1, VRING_DESC_F_WRITE, 0);
		ring_offer(&rig.ring[0], head);
	}
	assert_int_equal(cut_and_run(0), 1);
	nothing_came_of_it();
}

static void one_fault_ends_the_reading_of_a_request(void **state)
{
	(void)state;
	begin();
	for (uint16_t i = 0; i < 4; i++)
		ring_desc(&rig.ring[0], i, GONE + i * PAGE, 4, VRING_DESC_F_NEXT, i + 1);
	ring_desc(&rig.ring[0], 4, RIG_RAM + 0x800, 1, VRING_DESC_F_WRITE, 0);
	ring_offer(&rig.ring[0], 0);
	assert_int_equal(cut_and_run(0), 1);
	nothing_came_of_it();
}

static void one_fault_ends_the_writing_of_the_serial(void **state)
{
	(void)state;
	begin();
	rig_offer(0, 0, VIRTIO_BLK_T_GET_ID, 0, 20, false);
	for (uint16_t i = 1; i < 5; i++)
		ring_desc(&rig.ring[0], i, GONE + i * PAGE, 5, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, i + 1);
	ring_desc(&rig.ring[0], 5, RIG_RAM + 0x800, 1, VRING_DESC_F_WRITE, 0);
	assert_int_equal(cut_and_run(0), 1);
	nothing_came_of_it();
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(D15_header_is_gone),
		T(D15_header_is_gone_and_the_next_ones_data_with_it),
		T(D15_half_a_header_is_gone),
		T(D15_half_a_table_is_gone),
		T(D15_place_for_the_status_is_gone),
		T(nothing_is_left_for_the_time_after_a_reset),
		T(queue_that_is_enabled_later_fails_as_well),
		T(one_fault_ends_the_batch),
		T(one_fault_ends_the_reading_of_a_request),
		T(one_fault_ends_the_writing_of_the_serial),
	};

	return cmocka_run_group_tests_name("worker: memory that goes", tests, NULL, NULL);
}
