/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/worker_rig.c - see worker_rig.h. Runs in unit tests only.
 */
#include "tests/unit/worker_rig.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "common/blkconf.h"
#include "tests/unit/unit.h"

#include "worker/device/takeover.h"

#define WAIT_MS 20000

struct rig rig;

static void sleep_ms(long ms)
{
	struct timespec ts = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&ts, NULL);
}

uint64_t rig_features(void)
{
	struct blk_params p = { .capacity = RIG_CAPACITY,
				.queues = RIG_QUEUES,
				.queue_size = RIG_NUM * 2,
				.block_size = 512,
				.unmap = { .discard_max = RIG_CAPACITY, .granularity = 4096, .by_zeroing = 1 } };

	return blk_features(&p);
}

static void start_worker(uint32_t generation, uint32_t flags)
{
	struct device *d = calloc(1, sizeof(*d));

	assert_non_null(d);
	d->setup = (struct work_setup){ .name = "disk0",
					.serial = "SN0123456789",
					.capacity = RIG_CAPACITY,
					.features = rig.offers ? rig.offers : rig_features(),
					.flags = rig.on_disk ? flags : flags | WORK_F_TMPFS,
					.queues = RIG_QUEUES,
					.queue_size = RIG_NUM * 2,
					.block_size = 512,
					.generation = generation };
	d->link = &rig.link;
	assert_int_equal(device_prepare(d), 0);
	if (rig.ops)
		d->queue[0].vq.ops = rig.ops;
	d->vduse.ops = &fake_vduse_ops;
	d->backend.fd = rig.disk;
	d->state = rig.state;
	rig.d = d;
	assert_int_equal(device_take_over(d), 0);
}

int rig_setup(void **state)
{
	(void)state;
	memset(&rig, 0, sizeof(rig));
	rig.link.fd = -1;
	guest_init(&rig.guest);
	fake_begin(&rig.guest);
	guest_add(&rig.guest, RIG_RAM, RIG_RAM_SIZE, 0, VDUSE_ACCESS_RW);
	for (uint32_t q = 0; q < RIG_QUEUES; q++) {
		guest_add(&rig.guest, RIG_RING(q), 0x10000, 0, VDUSE_ACCESS_RW);
		ring_init(&rig.ring[q], &rig.guest, RIG_NUM, RIG_RING(q));
	}
	rig.disk = memfd_create("disk", MFD_CLOEXEC);
	assert_return_code(rig.disk, errno);
	assert_return_code(ftruncate(rig.disk, (off_t)RIG_CAPACITY), errno);
	rig.state = mmap(NULL, sizeof(*rig.state), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_ptr_not_equal(rig.state, MAP_FAILED);
	start_worker(1, 0);
	return 0;
}

int rig_teardown(void **state)
{
	(void)state;
	assert_int_equal(device_quiesce(rig.d), 0);
	(void)iova_drop(&rig.d->map, 0, UINT64_MAX);
	iova_sweep(&rig.d->map);
	guest_free(&rig.guest);
	assert_return_code(close(rig.disk), errno);
	return munmap(rig.state, sizeof(*rig.state));
}

void rig_new_rings(void)
{
	for (uint32_t q = 0; q < RIG_QUEUES; q++) {
		memset(guest_at(&rig.guest, RIG_RING(q)), 0, 0x10000);
		ring_init(&rig.ring[q], &rig.guest, RIG_NUM, RIG_RING(q));
	}
}

void rig_replace(uint32_t generation, uint32_t flags)
{
	assert_int_equal(device_quiesce(rig.d), 0);
	(void)iova_drop(&rig.d->map, 0, UINT64_MAX);
	iova_sweep(&rig.d->map);
	start_worker(generation, flags);
}

void rig_wait_answers(unsigned answers)
{
	for (int i = 0; i < WAIT_MS && fake.responses < answers; i++) {
		sleep_ms(1);
		(void)device_notes(rig.d);
	}
	assert_int_equal(fake.responses, answers);
}

int rig_answer(void)
{
	unsigned answers = fake.responses;
	int rc = device_message(rig.d);

	if (rc < 0)
		return rc;
	rig_wait_answers(answers + 1);
	return (int)fake.response.result;
}

int rig_status(uint8_t status)
{
	fake_status(status);
	return rig_answer();
}

int rig_iotlb(uint64_t start, uint64_t last)
{
	fake_iotlb(start, last);
	return rig_answer();
}

void rig_run(void)
{
	fake.features = rig_features();
	for (uint32_t q = 0; q < RIG_QUEUES; q++)
		fake_enable(q, &rig.ring[q]);
	assert_int_equal(rig_status(S_ACK), VDUSE_REQ_RESULT_OK);
	assert_int_equal(rig_status(S_DRIVER), VDUSE_REQ_RESULT_OK);
	assert_int_equal(rig_status(S_FEATURES), VDUSE_REQ_RESULT_OK);
	assert_int_equal(rig_status(S_RUNNING), VDUSE_REQ_RESULT_OK);
}

static uint64_t slot_iova(uint32_t q, unsigned slot)
{
	return RIG_RAM + 0x8000ULL * (2 * q + slot);
}

uint8_t *rig_data(uint32_t q, unsigned slot)
{
	return guest_at(&rig.guest, slot_iova(q, slot) + 0x1000);
}

uint8_t *rig_status_byte(uint32_t q, unsigned slot)
{
	return guest_at(&rig.guest, slot_iova(q, slot) + 0x800);
}

void rig_offer(uint32_t q, unsigned slot, uint32_t type, uint64_t sector, uint32_t len, bool kick)
{
	struct virtio_blk_outhdr h = { .type = type, .sector = sector };
	uint16_t head = (uint16_t)(3 * slot);
	uint64_t at = slot_iova(q, slot);
	bool in = type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;

	memcpy(guest_at(&rig.guest, at), &h, sizeof(h));
	*rig_status_byte(q, slot) = 0xee;
	ring_desc(&rig.ring[q], head, at, 16, VRING_DESC_F_NEXT, (uint16_t)(len > 0 ? head + 1 : head + 2));
	ring_desc(&rig.ring[q], (uint16_t)(head + 1), at + 0x1000, len,
		  (uint16_t)(VRING_DESC_F_NEXT | (in ? VRING_DESC_F_WRITE : 0)), (uint16_t)(head + 2));
	ring_desc(&rig.ring[q], (uint16_t)(head + 2), at + 0x800, 1, VRING_DESC_F_WRITE, 0);
	ring_offer(&rig.ring[q], head);
	if (kick)
		fake_kick(q);
}

void rig_wait_used(uint32_t q, uint16_t idx)
{
	for (int i = 0; i < WAIT_MS && ring_used_idx(&rig.ring[q]) != idx; i++)
		sleep_ms(1);
	assert_int_equal(ring_used_idx(&rig.ring[q]), idx);
}

void rig_tend_used(uint32_t q, uint16_t idx)
{
	for (int i = 0; i < WAIT_MS && ring_used_idx(&rig.ring[q]) != idx; i++) {
		(void)device_notes(rig.d);
		sleep_ms(1);
	}
	assert_int_equal(ring_used_idx(&rig.ring[q]), idx);
}

void rig_wait_irqs(uint32_t q, unsigned irqs)
{
	for (int i = 0; i < WAIT_MS && atomic_load(&fake.irqs[q]) < irqs; i++) {
		(void)device_notes(rig.d);
		sleep_ms(1);
	}
	assert_int_equal(atomic_load(&fake.irqs[q]), irqs);
}

void rig_wait_failed(uint32_t q)
{
	for (int i = 0; i < WAIT_MS && !__atomic_load_n(&rig.state->queue[q].failed, __ATOMIC_ACQUIRE); i++)
		sleep_ms(1);
	assert_true(rig.d->queue[q].failed);
	assert_int_equal(rig.state->queue[q].failed, 1);
}

void rig_until(bool (*what)(void))
{
	for (int i = 0; i < 6 * WAIT_MS && !what(); i++) {
		(void)device_notes(rig.d);
		sleep_ms(1);
	}
	assert_true(what());
}

void rig_pause(void)
{
	sleep_ms(2);
}

void rig_quiesce(void)
{
	int rc = -ETIMEDOUT;

	for (int i = 0; rc == -ETIMEDOUT && i < 30; i++)
		rc = device_quiesce(rig.d);
	assert_int_equal(rc, 0);
}

void rig_settle(void)
{
	for (int i = 0; i < 10; i++) {
		(void)device_notes(rig.d);
		rig_pause();
	}
}
