/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/expect.c - what a case may expect of the device. Part of the hostile driver
 * (hostile.h).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

static struct used next_used(struct sess *s, unsigned head)
{
	struct used u;

	check(queue_wait(&s->q, 1, SOON_MS), "request %u was not completed within %d ms%s", head, SOON_MS,
	      world_queue_failed(s->q.index) ? ": the queue was given up" : "");
	u = queue_take(&s->q);
	check(u.id == head, "request %u was completed, not %u", u.id, head);
	return u;
}

void expect_done(struct sess *s, unsigned head, unsigned status, uint32_t len)
{
	struct used u = next_used(s, head);

	check(slot_status(s, head) == status, "status is 0x%02x, not 0x%02x", slot_status(s, head), status);
	check(u.len == len, "used length is %u, not %u", u.len, len);
}

void expect_quiet(struct sess *s)
{
	check(!queue_wait(&s->q, 1, QUIET_MS), "a request was completed that should not be");
}

void expect_given_up(struct sess *s)
{
	long long end = now_ms() + SOON_MS;

	while (!world_queue_failed(s->q.index) && now_ms() < end)
		sleep_ms(2);
	check(world_queue_failed(s->q.index), "the queue was not given up");
	queue_kick(&s->q);
	expect_quiet(s);
}

void expect_malformed(struct sess *s)
{
	expect_given_up(s);
	expect_good_after_reset(s);
}

void expect_unanswered(struct sess *s, unsigned head)
{
	expect_given_up(s);
	check(slot_status(s, head) == STATUS_UNTOUCHED, "a status 0x%02x was written", slot_status(s, head));
	check(world_in_flight(s->q.index, head), "request %u is not in flight any more", head);
	expect_good_after_reset(s);
}

void expect_good_after_reset(struct sess *s)
{
	s->features = s->v.offered;
	s->base = 0;
	queue_place(s, &s->q, 0, RING_NUM, DESC_AT);
	sess_start(s);
	expect_good(s);
}

void expect_refused_start(struct sess *s)
{
	uint8_t status = sess_try_start(s);

	check(!(status & VIRTIO_CONFIG_S_DRIVER_OK), "DRIVER_OK was taken: status 0x%02x", status);
	expect_good_after_reset(s);
}

void expect_unused(struct sess *s)
{
	uint8_t status = sess_try_start(s);

	check(status & VIRTIO_CONFIG_S_DRIVER_OK, "DRIVER_OK was refused: status 0x%02x", status);
	queue_offer(&s->q, 0);
	queue_kick(&s->q);
	expect_quiet(s);
	expect_good_after_reset(s);
}

void expect_disk_bytes(const void *p, uint64_t sector, size_t len)
{
	check(memcmp(p, world.disk + sector * SECTOR, len) == 0, "what was read is not what sector %llu holds",
	      (unsigned long long)sector);
}

static void drain_interrupts(const struct queue *q)
{
	uint64_t count;

	(void)!read(q->call, &count, sizeof(count));
}

static void expect_interrupt(const struct queue *q)
{
	struct pollfd p = { .fd = q->call, .events = POLLIN };

	check(poll(&p, 1, SOON_MS) == 1, "completed without an interrupt");
}

/*
 * The end of the session's memory and of the descriptors, so that what a case left there is no
 * matter.
 */
void expect_good(struct sess *s)
{
	static unsigned round;
	const uint32_t len = 4096;
	unsigned head = s->q.num - 3U;
	size_t at = RAM_SIZE - 4 * len;
	uint64_t sector = (world.capacity / SECTOR - 64) / 8 * 8 + (round++ % 8) * 8;

	for (size_t i = 0; i < len / sizeof(uint32_t); i++)
		((uint32_t *)(void *)(s->ram.va + at))[i] = (uint32_t)random();
	memset(s->ram.va + at + len, 0xee, len);
	drain_interrupts(&s->q);
	submit(s, head, VIRTIO_BLK_T_OUT, sector, iova_of(at), len);
	expect_interrupt(&s->q);
	expect_done(s, head, VIRTIO_BLK_S_OK, 1);
	disk_wrote(sector * SECTOR, s->ram.va + at, len);
	submit(s, head, VIRTIO_BLK_T_IN, sector, iova_of(at + len), len);
	expect_done(s, head, VIRTIO_BLK_S_OK, len + 1);
	check(memcmp(s->ram.va + at, s->ram.va + at + len, len) == 0, "what was read is not what was written");
	check(memcmp(s->ram.va + at, world.file + sector * SECTOR, len) == 0, "what was written is not in the file");
}
