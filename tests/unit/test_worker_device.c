/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_device.c - worker/device/device.c, queues.c, queue.c: the device's life
 * with a fake kernel, real queue threads and a real disk. V cases: threats.md (b). Taking over from
 * an earlier worker: test_worker_takeover.c.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/blkconf.h"
#include "common/fd.h"
#include "tests/unit/late_disk.h"
#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"
#include "worker/blk/engine_pread.h"
#include "worker/device/takeover.h"
#include "worker/ring/sigbus.h"
#include "worker/ring/virtq_split.h"

#define OK VDUSE_REQ_RESULT_OK
#define FAILED VDUSE_REQ_RESULT_FAILED

static pthread_t main_thread;

static void answers_are_well_formed(const struct vduse_dev_response *r)
{
	static const struct vduse_dev_response zero;

	assert_memory_equal(r->reserved, zero.reserved, sizeof(zero.reserved));
}

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

/* ---- V cases ---- */

static void V1_short_read(void **state)
{
	(void)state;
	fake.read_error = -EBADMSG;
	assert_int_equal(device_message(rig.d), -EBADMSG);
	assert_int_equal(fake.responses, 0);
	rig_run();
}

static void V2_unknown_type(void **state)
{
	(void)state;
	fake_message(77);
	assert_int_equal(device_message(rig.d), 0);
	assert_int_equal(fake.response.result, FAILED);
	assert_int_equal(fake.response.request_id, 100);
	answers_are_well_formed(&fake.response);
}

static void V3_queue_index_outside(void **state)
{
	static const uint32_t bad[] = { RIG_QUEUES, 16, UINT32_MAX };

	(void)state;
	rig_run();
	for (size_t i = 0; i < 3; i++) {
		fake_queue_state(bad[i]);
		assert_int_equal(rig_answer(), FAILED);
	}
}

static void queue_state_is_what_is_completed(void **state)
{
	(void)state;
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	fake_queue_state(0);
	assert_int_equal(rig_answer(), OK);
	assert_int_equal(fake.response.vq_state.split.avail_index, 1);
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, true); /* and it goes on */
	rig_wait_used(0, 2);
}

/*
 * Where the driver says that it begins: one that is not enabled, one that is not ready, and when
 * nothing runs.
 */
static void queue_state_before_it_begins(void **state)
{
	(void)state;
	fake_enable(0, &rig.ring[0]);
	fake.queue[0].split.avail_index = 300;
	fake_queue_state(0);
	assert_int_equal(rig_answer(), OK);
	assert_int_equal(fake.response.vq_state.split.avail_index, 300);
	fake.queue[0].split.avail_index = 0;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	fake.queue[1].ready = 0;
	fake.queue[1].split.avail_index = 77;
	assert_int_equal(rig_status(S_RUNNING), OK);
	fake_queue_state(1);
	assert_int_equal(rig_answer(), OK);
	assert_int_equal(fake.response.vq_state.split.avail_index, 77);
	assert_int_equal(fake.response.vq_state.index, 1);
}

static void V4_status_backwards(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(rig_status(S_DRIVER), FAILED);
	assert_int_equal(rig.d->status, S_RUNNING);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
}

static void V4_driver_ok_before_features_ok(void **state)
{
	(void)state;
	assert_int_equal(rig_status(S_DRIVER | VIRTIO_CONFIG_S_DRIVER_OK), FAILED);
	assert_int_equal(rig.d->status, 0);
	assert_int_equal(rig.state->driver_status, 0);
}

static void V5_status_repeated(void **state)
{
	(void)state;
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	assert_int_equal(rig_status(S_RUNNING), OK);
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 2);
	assert_int_equal(rig_status(0), OK);
	assert_int_equal(rig_status(0), OK);
}

static void V6_reset_with_requests_on_the_ring(void **state)
{
	(void)state;
	rig_run();
	for (int i = 0; i < 50; i++) {
		rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 4096, false);
		rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 4096, true);
		assert_int_equal(rig_status(0), OK);
		assert_int_equal(rig.d->map.count, 0);
		assert_int_equal(rig.state->queue[0].desc_num, 0);
		memset(guest_at(&rig.guest, RIG_RING(0)), 0, 0x10000);
		ring_init(&rig.ring[0], &rig.guest, RIG_NUM, RIG_RING(0));
		rig_settle();
		/* nothing is written behind a reset */
		assert_int_equal(ring_used_idx(&rig.ring[0]), 0);
		rig_run();
	}
}

static void V7_iotlb_backwards(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(rig_iotlb(2, 1), FAILED);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_irqs(0, 1);
	rig_wait_used(0, 1);
}

static void V7_iotlb_everything(void **state)
{
	(void)state;
	rig_run();
	memset(rig_data(0, 0), 1, 512);
	rig_offer(0, 0, VIRTIO_BLK_T_OUT, 0, 512, true);
	rig_wait_used(0, 1);
	/* the driver moves its memory: other pages at the same address */
	guest_remove(&rig.guest, RIG_RAM);
	guest_add(&rig.guest, RIG_RAM, RIG_RAM_SIZE, 0, VDUSE_ACCESS_RW);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 2);
	assert_int_equal(*rig_data(0, 1), 1);
}

static void V7_iotlb_with_io_in_flight(void **state)
{
	(void)state;
	rig_run();
	for (uint16_t i = 0; i < 200; i++) {
		rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 4096, true);
		assert_int_equal(rig_iotlb(RIG_RAM + 0x3000, RIG_RAM + 0x3000), OK);
		rig_wait_used(0, (uint16_t)(i + 1));
		assert_int_equal(*rig_status_byte(0, 0), VIRTIO_BLK_S_OK);
	}
}

static void V7_ring_unmapped_for_a_while(void **state)
{
	(void)state;
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	fake.guest->error = -EINVAL;
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	rig_offer(0, 1, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[0]), 1);
	fake.guest->error = 0;
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	rig_wait_used(0, 2);
}

static void V8_features_not_offered(void **state)
{
	uint64_t good;

	(void)state;
	rig_run();
	good = fake.features;
	assert_int_equal(rig_status(0), OK);
	assert_int_equal(rig_status(S_DRIVER), OK);
	fake.features = good | 1ULL << VIRTIO_F_RING_PACKED;
	assert_int_equal(rig_status(S_FEATURES), FAILED);
	assert_int_equal(rig.d->status, S_DRIVER);
	fake.features = good & ~(1ULL << VIRTIO_F_VERSION_1);
	assert_int_equal(rig_status(S_FEATURES), FAILED);
	fake.features = good & ~(1ULL << VIRTIO_F_ACCESS_PLATFORM);
	assert_int_equal(rig_status(S_FEATURES), FAILED);
	fake.features = UINT64_MAX;
	assert_int_equal(rig_status(S_FEATURES), FAILED);
	fake.features = good;
	assert_int_equal(rig_status(S_FEATURES), OK);
}

static void V8_features_changed_after_features_ok(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	assert_int_equal(rig_status(S_FEATURES), OK);
	fake.features &= ~(1ULL << VIRTIO_RING_F_EVENT_IDX);
	assert_int_equal(rig_status(S_RUNNING), FAILED);
	assert_int_equal(rig.d->status, S_FEATURES);
}

static void V9_queue_info_is_taken_once(void **state)
{
	unsigned infos;

	(void)state;
	rig_run();
	infos = fake.infos;
	fake.queue[0].num = 65535; /* whatever it says from now on */
	fake.queue[0].device_addr = 0;
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	assert_int_equal(fake.infos, infos);
}

static void V12_answer_finds_nobody(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	assert_int_equal(rig_status(S_DRIVER), OK);
	fake.reply_error = -ENOENT;
	(void)rig_status(S_FEATURES);
	assert_int_equal(rig.d->status, S_DRIVER);
	assert_true(rig.d->features == 0);
	assert_int_equal(rig_status(S_FEATURES), OK);
	fake.reply_error = -ENOENT;
	(void)rig_status(S_RUNNING);
	assert_int_equal(rig.d->status, S_FEATURES);
	assert_int_equal(rig.state->driver_status, S_FEATURES);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_settle();
	assert_int_equal(ring_used_idx(&rig.ring[0]), 0); /* it does not run */
	assert_int_equal(rig_status(S_RUNNING), OK);
	rig_wait_used(0, 1);
}

static void V12_a_reset_is_never_taken_back(void **state)
{
	(void)state;
	rig_run();
	fake.reply_error = -ENOENT;
	(void)rig_status(0);
	assert_int_equal(rig.d->status, 0);
	assert_int_equal(rig.d->map.count, 0);
}

static void V13_device_broken(void **state)
{
	(void)state;
	rig_run();
	fake.read_error = -EPERM;
	assert_int_equal(device_message(rig.d), -EPERM);
	assert_true(rig.d->broken);
}

static void V13_broken_is_noticed_by_an_interrupt(void **state)
{
	(void)state;
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1); /* its memory is known from now on */
	ring_set_used_event(&rig.ring[0], 1);
	atomic_store(&fake.error, -EPERM);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 2);
	rig_settle();
	assert_true(rig.d->broken);
	atomic_store(&fake.error, 0);
}

/* ---- rings that cannot be reached ---- */

static struct virtq_ops stuck_ops; /* virtq_split, but for one operation */
static atomic_bool stuck, sleeps;

static void get_stuck(void)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	assert_true(pthread_self() != main_thread);
	atomic_store(&sleeps, true);
	while (atomic_load(&stuck))
		(void)nanosleep(&ms, NULL);
	atomic_store(&sleeps, false);
}

static int stuck_map(struct virtq *vq)
{
	get_stuck();
	return virtq_split.map(vq);
}

static uint16_t stuck_used_idx(struct virtq *vq)
{
	get_stuck();
	return virtq_split.used_idx(vq);
}

static int stuck_start(struct virtq *vq, uint16_t used)
{
	get_stuck();
	return virtq_split.start(vq, used);
}

/* Queue 0 has operations that hang, once `stuck` is set, but never in the main thread. */
static void rig_stuck_queue(void)
{
	stuck_ops = virtq_split;
	stuck_ops.map = stuck_map;
	stuck_ops.used_idx = stuck_used_idx;
	stuck_ops.start = stuck_start;
	main_thread = pthread_self();
	atomic_store(&stuck, false);
	rig.d->queue[0].vq.ops = &stuck_ops;
}

static void wait_asleep(bool want)
{
	struct timespec ms = { .tv_nsec = 1000000 };

	for (int i = 0; i < 5000 && atomic_load(&sleeps) != want; i++)
		(void)nanosleep(&ms, NULL);
	assert_int_equal(atomic_load(&sleeps), want);
}

static void unstick(void)
{
	atomic_store(&stuck, false);
	wait_asleep(false);
}

static void rings_are_touched_by_queue_threads_alone(void **state)
{
	(void)state;
	rig_stuck_queue();
	rig_run();
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	assert_int_equal(rig_status(0), OK);
}

/*
 * DRIVER_OK is refused after a while, what follows sooner, and vdused's pings are answered all the
 * time.
 */
static void ring_that_never_comes(void **state)
{
	struct work_cookie ping = { .cookie = 7 };
	union work_any pong;
	long long began;
	int pair[2];

	(void)state;
	assert_return_code(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), errno);
	assert_int_equal(link_init(&rig.link, pair[0]), 0);
	rig.link.state = WORK_W_SERVING;
	rig.link.log_level = LINK_ERROR;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	rig_stuck_queue();
	atomic_store(&stuck, true);
	assert_int_equal(rig_status(S_FEATURES), OK);
	msg_init(&ping, WORK_PING, sizeof(ping));
	assert_int_equal(send(pair[1], &ping, sizeof(ping), 0), sizeof(ping));
	began = now_ms();
	assert_int_equal(rig_status(S_RUNNING), FAILED);
	assert_true(now_ms() - began < KERNEL_MS);
	assert_int_equal(recv(pair[1], &pong, sizeof(pong), MSG_DONTWAIT), sizeof(pong.cookie));
	assert_int_equal(pong.hdr.type, WORK_PONG);
	assert_int_equal(rig.d->status, S_FEATURES);
	began = now_ms();
	assert_int_equal(rig_status(0), FAILED);
	assert_true(now_ms() - began < KERNEL_MS);
	rig.d->patience_ms = 10;
	fake_queue_state(0);
	assert_int_equal(rig_answer(), FAILED);
	assert_int_equal(fake.response.vq_state.split.avail_index, 0);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), FAILED);
	assert_true(rig.d->map.count > 0); /* nothing is taken away from a thread that uses it */
	unstick();
	assert_int_equal(rig_status(0), OK);
	assert_int_equal(rig.d->map.count, 0);
	assert_false(rig.d->late);
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	rig.link.fd = -1;
	assert_return_code(close(pair[0]), errno);
	assert_return_code(close(pair[1]), errno);
}

/* After UPDATE_IOTLB nobody waits for the ring: the other queue is served. */
static void ring_moves_to_where_it_never_comes(void **state)
{
	(void)state;
	rig_stuck_queue();
	rig_run();
	atomic_store(&stuck, true);
	assert_int_equal(rig_iotlb(0, UINT64_MAX), OK);
	wait_asleep(true);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(1, 1);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	unstick();
	rig_wait_used(0, 1);
}

static void late_queue_that_never_comes(void **state)
{
	(void)state;
	rig_stuck_queue();
	rig_run();
	assert_int_equal(rig_status(0), OK);
	fake.queue[0].ready = 0;
	assert_int_equal(rig_status(S_RUNNING), OK);
	fake.queue[0].ready = 1;
	atomic_store(&stuck, true);
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_settle();
	wait_asleep(true);
	rig_offer(1, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(1, 1);
	unstick();
	rig_wait_used(0, 1);
}

static void kick_of_a_late_queue_while_memory_is_swept(void **state)
{
	(void)state;
	rig_run();
	assert_int_equal(rig_status(0), OK);
	fake.queue[0].ready = 0;
	assert_int_equal(rig_status(S_RUNNING), OK);
	fake.queue[0].ready = 1;
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, false);
	rig_quiesce();
	(void)queue_take_notes(&rig.d->queue[0]);
	queue_ask(&rig.d->queue[0], QUEUE_DO_SWEEP);
	fake_kick(0);
	rig_tend_used(0, 1);
}

static void what_is_forgotten_is_unmapped_by_a_thread(void **state)
{
	(void)state;
	rig_run();
	assert_true(rig.d->map.count > 0);
	assert_int_equal(rig_status(0), OK);
	rig_quiesce();
	assert_int_equal(rig.d->map.ndropped, 0);
	assert_true(rig.d->map.dropped[0].at != NULL);
	assert_int_equal(msync(rig.d->map.dropped[0].at, 4096, MS_ASYNC), -1);
	assert_int_equal(errno, ENOMEM); /* nothing is mapped there */
}

/* ---- interrupts that the kernel refuses ---- */

static void interrupt_refused_before_the_kernel_recorded_driver_ok(void **state)
{
	(void)state;
	atomic_store(&fake.irq_error, -EINVAL);
	rig_run();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	rig_settle();
	assert_true(device_notes(rig.d) > 0);
	atomic_store(&fake.irq_error, 0);
	rig_wait_irqs(0, 1);
	assert_int_equal(device_notes(rig.d), -1);
	assert_int_equal(rig.d->status, S_RUNNING);
}

static void reset_without_a_message_is_noticed_by_an_interrupt(void **state)
{
	(void)state;
	rig_run();
	atomic_store(&fake.irq_error, -EINVAL);
	fake_forget();
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	rig_settle();
	assert_int_equal(rig.d->status, 0);
	assert_int_equal(rig.d->map.count, 0);
	assert_int_equal(device_notes(rig.d), -1);
}

/* A queue that the driver has disabled says nothing about that. */
static void refused_interrupt_of_a_disabled_queue_is_no_reset(void **state)
{
	(void)state;
	atomic_store(&fake.irq_error, -EINVAL);
	rig_run();
	fake.queue[0].ready = fake.queue[1].ready = 0;
	rig_offer(0, 0, VIRTIO_BLK_T_IN, 0, 512, true);
	rig_wait_used(0, 1);
	rig_settle();
	assert_int_equal(rig.d->status, S_RUNNING);
	atomic_store(&fake.irq_error, 0);
	rig_wait_irqs(0, 1);
	assert_int_equal(device_notes(rig.d), -1);
}

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
		T(V1_short_read),
		T(V2_unknown_type),
		T(V3_queue_index_outside),
		T(queue_state_is_what_is_completed),
		T(queue_state_before_it_begins),
		T(V4_status_backwards),
		T(V4_driver_ok_before_features_ok),
		T(V5_status_repeated),
		T(V6_reset_with_requests_on_the_ring),
		T(V7_iotlb_backwards),
		T(V7_iotlb_everything),
		T(V7_iotlb_with_io_in_flight),
		T(V7_ring_unmapped_for_a_while),
		T(V8_features_not_offered),
		T(V8_features_changed_after_features_ok),
		T(V9_queue_info_is_taken_once),
		T(V12_answer_finds_nobody),
		T(V12_a_reset_is_never_taken_back),
		T(V13_device_broken),
		T(V13_broken_is_noticed_by_an_interrupt),
		T(rings_are_touched_by_queue_threads_alone),
		T(ring_that_never_comes),
		T(ring_moves_to_where_it_never_comes),
		T(late_queue_that_never_comes),
		T(kick_of_a_late_queue_while_memory_is_swept),
		T(what_is_forgotten_is_unmapped_by_a_thread),
		T(interrupt_refused_before_the_kernel_recorded_driver_ok),
		T(reset_without_a_message_is_noticed_by_an_interrupt),
		T(refused_interrupt_of_a_disabled_queue_is_no_reset),
	};

	return cmocka_run_group_tests_name("worker/device", tests, NULL, NULL);
}
