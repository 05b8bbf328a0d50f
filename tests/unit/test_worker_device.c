/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_device.c - worker/device/device.c, queues.c, queue.c: how a device serves,
 * with a fake kernel, real queue threads and a real disk. What the kernel asks for:
 * test_worker_messages.c; rings that cannot be reached: test_worker_late_rings.c; taking over from
 * an earlier worker: test_worker_takeover.c.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "tests/unit/late_disk.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/device/takeover.h"
#include "worker/ring/sigbus.h"

#define OK VDUSE_REQ_RESULT_OK
#define FAILED VDUSE_REQ_RESULT_FAILED

/* ---- serving ---- */

static void serves_reads_and_writes(void **state)
{
	char buf[512];

	(void)state;
	rig_run();
	memset(rig_data(0, 0), 'x', 512);
	rig_offer(0, 0, VIRTIO_BLK_T_OUT, 5, 512, true);
	rig_wait_used(0, 1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(pread(rig.disk, buf, 512, 5 * 512), 512);
	assert_int_equal(buf[511], 'x');
	rig_offer(1, 1, VIRTIO_BLK_T_IN, 5, 512, true);
	rig_wait_used(1, 1);
	assert_int_equal(*rig_data(1, 1), 'x');
	assert_int_equal(ring_used_len(&rig.ring[1], 0), 513);
	rig_wait_irqs(0, 1);
	rig_wait_irqs(1, 1);
	assert_int_equal(rig.state->queue[0].counters.writes, 1);
	assert_int_equal(rig.state->queue[1].counters.reads, 1);
	assert_int_equal(rig.state->queue[1].counters.read_bytes, 512);
	assert_int_equal(rig.state->driver_status, S_RUNNING);
	assert_true(rig.state->features == fake.features);
}

static void requests_offered_before_driver_ok_are_found(void **state)
{
	(void)state;
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	rig_run();
	rig_wait_used(0, 1);
}

static void serial_and_flush(void **state)
{
	(void)state;
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_GET_ID, 0, 20, true);
	rig_wait_used(0, 1);
	assert_string_equal((char *)rig_data(0, 0), "SN0123456789");
	rig_offer(0, 1, VIRTIO_BLK_T_FLUSH, 0, 0, true);
	rig_wait_used(0, 2);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_OK);
	assert_int_equal(rig.state->queue[0].counters.flushes, 1);
}

static void one_interrupt_for_a_batch(void **state)
{
	(void)state;
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 8, 512, true);
	rig_wait_used(0, 2);
	rig_settle();
	assert_int_equal(atomic_load(&fake.irqs[0]), 1);
}

static void no_interrupt_where_none_is_wanted(void **state)
{
	(void)state;
	rig_run();
	ring_set_used_event(&rig.ring[0], 5);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	rig_settle();
	assert_int_equal(atomic_load(&fake.irqs[0]), 0);
}

static void error_of_the_disk_is_the_requests_alone(void **state)
{
	(void)state;
	rig_run();
	assert_return_code(ftruncate(rig.disk, 4096), errno);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 64, 512, true);
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 2);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_OK);
	assert_int_equal(rig.state->queue[0].counters.errors, 1);
}

/* ---- other engines ---- */

static unsigned syncs;

/* A disk that takes writes, but cannot make them durable. */
static enum engine_answer no_sync_submit(struct engine *e, struct io *io)
{
	(void)e;
	syncs += io->op == IO_FLUSH;
	io->result = io->op == IO_FLUSH ? -EIO : 0;
	return ENGINE_DONE;
}

static const struct engine_ops no_sync = { .name = "no sync", .depth = 1, .submit = no_sync_submit };

static void without_flush_writes_are_durable_first(void **state)
{
	(void)state;
	rig_run();
	rig.d->queue[0].engine.ops = &no_sync;
	syncs = 0;
	rig_offer(0, 0, VIRTIO_BLK_T_OUT, 0, 512, true);
	rig_wait_used(0, 1);
	/* it has FLUSH: its own business */
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(syncs, 0);
	rig.d->blk.features &= ~(1ULL << VIRTIO_BLK_F_FLUSH);
	rig_offer(0, 0, 99, 0, 512, true);
	rig_wait_used(0, 2);
	assert_non_null(rig.d->queue[0].last_bad);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	rig_offer(0, 1, VIRTIO_BLK_T_OUT, 0, 512, true);
	rig_wait_used(0, 4);
	assert_int_equal(syncs, 1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(*rig_status_byte(0, 1), VIRTIO_BLK_S_IOERR);
	assert_int_equal(rig.state->queue[0].counters.errors, 2);
	/* the log gives the reason of this failure, not of the one before */
	assert_null(rig.d->queue[0].last_bad);
	assert_int_equal(rig.d->queue[0].last_error, -EIO);
}

static void engine_that_answers_later(void **state)
{
	(void)state;
	late_use(&rig.d->queue[0]);
	rig_run();
	rig.d->blk.features &= ~(1ULL << VIRTIO_BLK_F_FLUSH);
	memset(rig_data(0, 0), 'z', 512);
	rig_offer(0, 0, VIRTIO_BLK_T_OUT, 0, 512, true);
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, true);
	late_wait(2);
	late_end(0, 0);
	late_end(0, 0);
	rig_wait_used(0, 2);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
	assert_int_equal(*rig_data(0, 1), 'z');
	rig_offer(0, 0, VIRTIO_BLK_T_FLUSH, 0, 0, true);
	late_wait(1);
	late_end(0, 0);
	rig_wait_used(0, 3);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
}

/* ---- malformed rings ---- */

static void D1_malformed_ring_fails_its_queue_only(void **state)
{
	(void)state;
	rig_run();
	ring_offer(&rig.ring[0], RIG_NUM);
	fake_kick(0);
	rig_wait_failed(0);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(1, 1);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
}

static void D1_reset_heals(void **state)
{
	(void)state;
	D1_malformed_ring_fails_its_queue_only(state);
	assert_int_equal(rig_status(0), OK);
	assert_int_equal(rig.state->queue[0].failed, 0);
	for (uint32_t q = 0; q < RIG_QUEUES; q++) {
		memset(guest_at(&rig.guest, RIG_RING(q)), 0, 0x10000);
		ring_init(&rig.ring[q], &rig.guest, RIG_NUM, RIG_RING(q));
	}
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
}

static void D5_bad_chain_fails_its_queue_only(void **state)
{
	(void)state;
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	ring_desc(&rig.ring[0], 7, RIG_RAM, 16, VRING_DESC_F_NEXT, RIG_NUM);
	ring_offer(&rig.ring[0], 7);
	fake_kick(0);
	rig_wait_failed(0);
	assert_int_equal(ring_used_idx(&rig.ring[0]), 1);
	assert_int_equal(ring_used_id(&rig.ring[0], 0), 0);
	assert_int_equal(rig.state->queue[0].desc[7].inflight, 1);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(1, 1);
}

static void D35_buffer_is_the_used_ring(void **state)
{
	(void)state;
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	ring_desc(&rig.ring[0], 1, rig.ring[0].used, 512, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 2);
	fake_kick(0);
	for (int i = 0; i < 5; i++)
		rig_settle();
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true); /* the other queue does not care */
	rig_wait_used(1, 1);
}

static void D37_kick_storm(void **state)
{
	(void)state;
	rig_run();
	for (int i = 0; i < 20000; i++)
		fake_kick((uint32_t)i % 2);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
}

static void D38_queue_enabled_late(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	fake_enable(0, &rig.ring[0]);
	fake.queue[1].ready = 0;
	assert_int_equal(rig_status(S_RUNNING), OK);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true); /* a kick for a queue that is not ready */
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[1]), 0);
	fake.queue[1].ready = 1;
	fake_kick(1);
	rig_tend_used(1, 1);
}

static void queue_that_cannot_be_served_is_refused(void **state)
{
	static const uint32_t sizes[] = { 0, 7, 2 * RIG_NUM + 1, 4 * RIG_NUM, 65536 + 8 };

	(void)state;
	rig_run();
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(rig_status(0), OK);
		fake.queue[1].num = sizes[i];
		assert_int_equal(rig_status(S_FEATURES), OK);
		assert_int_equal(rig_status(S_RUNNING), FAILED);
		assert_int_equal(rig.d->status, S_FEATURES);
		assert_int_equal(rig.state->queue[0].desc_num, 0);
	}
	fake.queue[1].num = RIG_NUM;
	assert_int_equal(rig_status(S_RUNNING), OK);
}

/* QEMU enables all queues that the device has; its guest has set up the first. */
static void queue_that_was_never_set_up_is_not_used(void **state)
{
	struct vduse_vq_info set_up;

	(void)state;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	set_up = fake.queue[1];
	fake.queue[1] = (struct vduse_vq_info){ .index = 1, .ready = 1 };
	assert_int_equal(rig_status(S_RUNNING), OK);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_tend_used(0, 1);
	fake_kick(1);
	rig_settle();
	assert_false(rig.d->queue[1].known);
	fake.queue[1] = set_up; /* later */
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_tend_used(1, 1);
}

static void ring_outside_of_memory_is_refused(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	fake.queue[0].device_addr = 0x7000000;
	assert_int_equal(rig_status(S_RUNNING), FAILED);
	assert_int_equal(rig.d->status, 0);
}

static void driver_that_starts_elsewhere_than_its_ring_is_refused(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	fake.queue[0].split.avail_index = 3;
	assert_int_equal(rig_status(S_RUNNING), FAILED);
}

/* ---- memory whose pages are gone, and buffers of a strange alignment ---- */

static void D15_page_of_a_header_is_gone(void **state)
{
	(void)state;
	assert_int_equal(sigbus_install(&rig.d->map), 0);
	rig_run();
	guest_add(&rig.guest, 0x8000000, 0x2000, 0, VDUSE_ACCESS_RW);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	ring_desc(&rig.ring[0], 0, 0x8000000, 16, VRING_DESC_F_NEXT, 1);
	assert_return_code(ftruncate(rig.guest.r[rig.guest.n - 1].fd, 0), errno);
	fake_kick(0);
	rig_wait_failed(0);
	fake_kick(1);
	rig_wait_failed(1); /* what the page of zeros stands for may be in use there, too */
}

static void D15_page_of_data_is_gone(void **state)
{
	(void)state;
	assert_int_equal(sigbus_install(&rig.d->map), 0);
	rig_run();
	guest_add(&rig.guest, 0x8000000, 0x2000, 0, VDUSE_ACCESS_RW);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	ring_desc(&rig.ring[0], 1, 0x8000000, 512, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 2);
	assert_return_code(ftruncate(rig.guest.r[rig.guest.n - 1].fd, 0), errno);
	fake_kick(0);
	rig_wait_used(0, 1);
	assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_IOERR);
	assert_false(rig.d->queue[0].failed);
}

/* An earlier vdused does not say what the backend asks of buffers: the most that any does. */
static void alignment_that_is_not_known(void **state)
{
	const struct work_device known = { .mem_align = 1, .len_align = 512 }, unknown = { 0 };

	(void)state;
	device_set_align(rig.d, &known);
	assert_int_equal(rig.d->backend.mem_mask, 0);
	assert_int_equal(rig.d->backend.len_mask, 511);
	device_set_align(rig.d, &unknown);
	assert_int_equal(rig.d->backend.mem_mask, WORK_ALIGN_MAX - 1);
	assert_int_equal(rig.d->backend.len_mask, WORK_ALIGN_MAX - 1);
}

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(alignment_that_is_not_known),
		T(serves_reads_and_writes),
		T(requests_offered_before_driver_ok_are_found),
		T(serial_and_flush),
		T(one_interrupt_for_a_batch),
		T(no_interrupt_where_none_is_wanted),
		T(error_of_the_disk_is_the_requests_alone),
		T(without_flush_writes_are_durable_first),
		T(engine_that_answers_later),
		T(D1_malformed_ring_fails_its_queue_only),
		T(D1_reset_heals),
		T(D5_bad_chain_fails_its_queue_only),
		T(D15_page_of_a_header_is_gone),
		T(D15_page_of_data_is_gone),
		T(D35_buffer_is_the_used_ring),
		T(D37_kick_storm),
		T(D38_queue_enabled_late),
		T(queue_that_cannot_be_served_is_refused),
		T(queue_that_was_never_set_up_is_not_used),
		T(ring_outside_of_memory_is_refused),
		T(driver_that_starts_elsewhere_than_its_ring_is_refused),
	};

	return cmocka_run_group_tests_name("worker/device", tests, NULL, NULL);
}
