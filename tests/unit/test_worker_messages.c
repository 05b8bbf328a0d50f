/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_worker_messages.c - worker/device/device.c, queues.c: what the kernel asks of a
 * device and tells it, in whatever order. V cases: threats.md (b).
 */
#include <errno.h>
#include <string.h>

#include "tests/unit/unit.h"
#include "tests/unit/worker_rig.h"

#define OK VDUSE_REQ_RESULT_OK
#define FAILED VDUSE_REQ_RESULT_FAILED

static void answers_are_well_formed(const struct vduse_dev_response *r)
{
	static const struct vduse_dev_response zero;

	assert_memory_equal(r->reserved, zero.reserved, sizeof(zero.reserved));
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

#define T(f) cmocka_unit_test_setup_teardown(f, rig_setup, rig_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
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
		T(interrupt_refused_before_the_kernel_recorded_driver_ok),
		T(reset_without_a_message_is_noticed_by_an_interrupt),
		T(refused_interrupt_of_a_disabled_queue_is_no_reset),
	};

	return cmocka_run_group_tests_name("worker/device", tests, NULL, NULL);
}
