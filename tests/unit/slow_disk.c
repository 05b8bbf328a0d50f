/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/slow_disk.c - see slow_disk.h.
 */
#include "tests/unit/slow_disk.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/unit/unit.h"
#include "worker/blk/engine_pread.h"
#include "worker/device/waiting.h"

atomic_bool slow, entered, told_next;

void sleep_ms(void)
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

int slow_setup(void **state)
{
	atomic_store(&slow, false);
	atomic_store(&entered, false);
	atomic_store(&told_next, false);
	return rig_setup(state);
}

int slow_teardown(void **state)
{
	atomic_store(&slow, false);
	return rig_teardown(state);
}

void begin_slow_request(uint32_t type)
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

const uint8_t *old_memory[2];
uint8_t *new_memory[2];

void offer_read_into(unsigned slot, unsigned buffer)
{
	uint16_t head = (uint16_t)(3 * slot);

	rig_offer(1, slot, VIRTIO_BLK_T_IN, 0, 512, false);
	ring_desc(&rig.ring[1], (uint16_t)(head + 1), BUFFER(buffer), 512, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE,
		  (uint16_t)(head + 2));
	fake_kick(1);
}

void use_buffers(void)
{
	for (unsigned i = 0; i < 2; i++) {
		(void)guest_add(&rig.guest, BUFFER(i), 0x1000, 0, VDUSE_ACCESS_RW);
		offer_read_into(i, i);
		rig_wait_used(1, (uint16_t)(i + 1));
	}
	assert_int_equal(pwrite(rig.disk, "new", 4, 0), 4);
}

void move_buffer(unsigned i)
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

void old_memory_is_left_alone(unsigned i)
{
	assert_int_equal(*old_memory[i], 0);
	assert_return_code(munmap((void *)(uintptr_t)old_memory[i], 0x1000), 0);
}

void update_waits(uint64_t start, uint64_t last)
{
	unsigned answers = fake.responses;

	fake_iotlb(start, last);
	assert_int_equal(device_message(rig.d), 0);
	rig_settle();
	assert_int_equal(fake.responses, answers);
}
