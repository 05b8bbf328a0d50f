/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/case_moving.c - D15, D26, D27: memory that changes, or goes, while the device uses
 * it. Part of the hostile driver (hostile.h). Another thread works on it without pause; what the
 * device makes of each request is open, but it makes an end of each, and never of itself.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT
#define IN VIRTIO_BLK_T_IN
#define OUT VIRTIO_BLK_T_OUT
#define OK VIRTIO_BLK_S_OK
#define IOERR VIRTIO_BLK_S_IOERR
#define DATA iova_of(DATA_AT)
#define FLIP_MS 1200
#define ROUNDS_MIN 5U
#define SLOW_MS 15000
#define HEADS 8U /* requests that are played with: 0, 4, 8, ... of 4 descriptors each */

struct flipper {
	struct sess *s;
	void (*flip)(struct sess *s, uint32_t r);
	bool stop;
	unsigned long flips;
};

static void *flipper_main(void *arg)
{
	struct flipper *f = arg;
	uint32_t r = 12345;

	while (!__atomic_load_n(&f->stop, __ATOMIC_RELAXED)) {
		r = r * 1664525U + 1013904223U;
		f->flip(f->s, r >> 8);
		f->flips++;
	}
	return NULL;
}

/* Do `once` again and again while another thread does `flip`. */
static void flip_during(struct sess *s, void (*flip)(struct sess *, uint32_t), void (*once)(struct sess *))
{
	struct flipper f = { .s = s, .flip = flip };
	long long end = now_ms() + FLIP_MS;
	unsigned rounds = 0;
	pthread_t thread;

	check(pthread_create(&thread, NULL, flipper_main, &f) == 0, "thread");
	/* a slow machine gets the time that a few rounds take */
	for (; now_ms() < end || (rounds <= ROUNDS_MIN && now_ms() < end + SLOW_MS); rounds++)
		once(s);
	__atomic_store_n(&f.stop, true, __ATOMIC_RELAXED);
	(void)pthread_join(thread, NULL);
	check(f.flips > 1000 && rounds > ROUNDS_MIN, "%lu flips during %u rounds prove nothing", f.flips, rounds);
	expect_good_after_reset(s);
}

static uint64_t pick_addr(uint32_t r)
{
	static const uint64_t addr[] = { 0, 0x1000, ~0ULL - 7, RAM_IOVA + RAM_SIZE - 8 };

	switch (r % 4) {
	case 0:
		return addr[r / 4 % 4];
	case 1:
		return slot_status_iova(r / 4 % HEADS * 4);
	case 2:
		return slot_status_iova(r / 4 % HEADS * 4) - 16;
	default:
		return DATA + r % MIB;
	}
}

static uint32_t pick_len(uint32_t r)
{
	static const uint32_t len[] = { 0,   1,   15,   16,    17,         20,         48,
					512, 513, 4096, 65536, 0x7fffffff, 0xfffffff0, UINT32_MAX };

	return len[r % (sizeof(len) / sizeof(len[0]))];
}

/* ---- descriptors ---- */

static void flip_desc(struct sess *s, uint32_t r)
{
	volatile struct vring_desc *d = &s->q.desc[r % (4 * HEADS)];

	switch (r / 64 % 4) {
	case 0:
		d->addr = pick_addr(r / 256);
		break;
	case 1:
		d->len = pick_len(r / 256);
		break;
	case 2:
		d->flags = (uint16_t)(r / 256 % 8);
		break;
	default:
		d->next = (uint16_t)(r / 256 % (r & 1 ? 4 * HEADS : 65536));
		break;
	}
}

/*
 * Offer every head, kick, and wait until all have been completed; a failed queue is an error here.
 */
static void all_heads_complete(struct sess *s)
{
	unsigned char seen[4 * HEADS] = { 0 };

	for (unsigned i = 0; i < HEADS; i++)
		queue_offer(&s->q, 4 * i);
	queue_kick(&s->q);
	check(queue_wait(&s->q, HEADS, SOON_MS), "%u of %u requests were completed",
	      (unsigned)(uint16_t)(queue_used_idx(&s->q) - s->q.used_seen), HEADS);
	for (unsigned i = 0; i < HEADS; i++) {
		struct used u = queue_take(&s->q);

		check(u.id < 4 * HEADS && u.id % 4 == 0 && !seen[u.id], "%u was completed, which was not offered",
		      u.id);
		seen[u.id] = 1;
	}
}

/*
 * The same where chains change, which can leave a request without a place for its status: then the
 * queue is given up, and begins afresh. What was completed was offered.
 */
static void all_heads_end(struct sess *s)
{
	long long end = now_ms() + SOON_MS;
	uint16_t n;

	for (unsigned i = 0; i < HEADS; i++)
		queue_offer(&s->q, 4 * i);
	queue_kick(&s->q);
	while ((uint16_t)(queue_used_idx(&s->q) - s->q.used_seen) < HEADS && !world_queue_failed(0) && now_ms() < end)
		sleep_ms(1);
	n = (uint16_t)(queue_used_idx(&s->q) - s->q.used_seen);
	check(n == HEADS || (n < HEADS && world_queue_failed(0)), "%u of %u requests were completed", n, HEADS);
	for (unsigned i = 0; i < n; i++)
		check(queue_take(&s->q).id == 4 * i, "what was completed is not what was offered");
	if (n == HEADS)
		return;
	sess_reset(s);
	queue_clear(&s->q, 0);
	check(sess_try_start(s) == ST_RUNNING, "the device does not start again");
}

static void repair_and_complete(struct sess *s)
{
	static unsigned round;

	for (unsigned i = 0; i < HEADS && round % 4 == 0; i++)
		request(s, 4 * i, i % 2 ? IN : OUT, i, DATA + (uint64_t)i * 4096, 4096);
	round++;
	all_heads_end(s);
}

static void d26_desc(struct sess *s)
{
	flip_during(s, flip_desc, repair_and_complete);
}

/* ---- indirect tables ---- */

static void flip_table(struct sess *s, uint32_t r)
{
	volatile struct vring_desc *t = (volatile struct vring_desc *)(void *)(s->ram.va + TABLE_AT);
	volatile struct vring_desc *d = &t[r % (8 * HEADS)];

	switch (r / 64 % 5) {
	case 0:
		d->addr = pick_addr(r / 256);
		break;
	case 1:
		d->len = pick_len(r / 256);
		break;
	case 2:
		d->flags = (uint16_t)(r / 256 % 8);
		break;
	case 3:
		d->next = (uint16_t)(r / 256 % (r & 1 ? 9 : 65536));
		break;
	default:
		((volatile struct vring_desc *)s->q.desc)[r / 256 % HEADS * 4].len =
			r & 1 ? 48 : 16 * (r / 1024 % 1025);
		break;
	}
}

static void tables_complete(struct sess *s)
{
	for (unsigned i = 0; i < HEADS; i++) {
		table_set(s, 8 * i, slot_header(s, 4 * i, i % 2 ? IN : OUT, i), 16, NEXT, 1);
		table_set(s, 8 * i + 1, DATA + (uint64_t)i * 4096, 4096, NEXT | (i % 2 ? WRITE : 0), 2);
		table_set(s, 8 * i + 2, slot_status_iova(4 * i), 1, WRITE, 0);
		desc_set(&s->q, 4 * i, iova_of(TABLE_AT + i * 128), 48, INDIRECT, 0);
	}
	for (unsigned i = 0; i < 4; i++)
		all_heads_end(s);
}

static void d26_table(struct sess *s)
{
	flip_during(s, flip_table, tables_complete);
}

/* ---- headers ---- */

static void flip_header(struct sess *s, uint32_t r)
{
	static const uint32_t type[] = {
		IN, OUT,       VIRTIO_BLK_T_FLUSH, VIRTIO_BLK_T_GET_ID, VIRTIO_BLK_T_DISCARD, VIRTIO_BLK_T_WRITE_ZEROES,
		99, UINT32_MAX
	};
	volatile struct virtio_blk_outhdr *h =
		(volatile struct virtio_blk_outhdr *)(void *)(s->ram.va + SLOT_AT + r % HEADS * 4 * SLOT_SIZE);

	if (r & 0x100)
		h->type = type[r / 512 % 8];
	else
		h->sector = r & 0x200 ? r / 1024 % (world.capacity / SECTOR + 8) : ~0ULL - r / 1024 % 64;
}

static void d26_header(struct sess *s)
{
	for (unsigned i = 0; i < HEADS; i++)
		request(s, 4 * i, i % 2 ? IN : OUT, i, DATA + (uint64_t)i * 4096, 4096);
	flip_during(s, flip_header, all_heads_complete);
}

/* The segments of a discard change between their check and their use, were there such a moment. */
static void flip_segments(struct sess *s, uint32_t r)
{
	volatile struct virtio_blk_discard_write_zeroes *d =
		(volatile struct virtio_blk_discard_write_zeroes *)(void *)(s->ram.va + DATA_AT);

	d += r % 4;
	switch (r / 4 % 3) {
	case 0:
		d->sector = r & 0x100 ? world.capacity / SECTOR - 8 : world.capacity / SECTOR + r / 512 % 2048;
		break;
	case 1:
		d->num_sectors = r & 0x100 ? 8 : r / 512;
		break;
	default:
		d->flags = r & 0x700 ? 0 : 1;
		break;
	}
}

static void d26_segments(struct sess *s)
{
	for (unsigned i = 0; i < HEADS; i++)
		request(s, 4 * i, i % 2 ? VIRTIO_BLK_T_DISCARD : VIRTIO_BLK_T_WRITE_ZEROES, 0, DATA, i % 2 ? 64 : 16);
	flip_during(s, flip_segments, all_heads_complete);
}

/* ---- rings ---- */

static void flip_avail_entry(struct sess *s, uint32_t r)
{
	volatile uint16_t *ring = (volatile uint16_t *)(void *)(s->q.avail + 4);

	ring[r / 64 % RING_NUM] = (uint16_t)(r & 0x30 ? r % HEADS * 4 : r / 64);
}

static void flip_avail_idx(struct sess *s, uint32_t r)
{
	volatile uint16_t *idx = (volatile uint16_t *)(void *)(s->q.avail + 2);

	*idx = (uint16_t)(*idx + r % 3);
	if (r % 64 == 0)
		*idx = (uint16_t)(r / 64);
}

static void flip_used(struct sess *s, uint32_t r)
{
	volatile uint16_t *used = (volatile uint16_t *)(void *)s->q.used;
	volatile uint16_t *event = (volatile uint16_t *)(void *)(s->q.avail + 4 + 2 * RING_NUM);

	used[r % (2 + 4 * RING_NUM + 1)] = (uint16_t)(r / 2048);
	*event = (uint16_t)r;
	*(volatile uint16_t *)(void *)s->q.avail = (uint16_t)(r / 8);
}

/* A few requests, whatever becomes of them; afresh when the queue was given up. */
static void stumble_on(struct sess *s)
{
	for (unsigned i = 0; i < HEADS; i++) {
		request(s, 4 * i, IN, i, DATA + (uint64_t)i * 4096, 4096);
		queue_offer(&s->q, 4 * i);
	}
	queue_kick(&s->q);
	(void)queue_wait(&s->q, HEADS, 3);
	s->q.used_seen = queue_used_idx(&s->q);
	if (world_queue_failed(0)) {
		queue_clear(&s->q, 0);
		(void)sess_try_start(s); /* can be refused: the indices move meanwhile */
	}
}

static void d27_entries(struct sess *s)
{
	flip_during(s, flip_avail_entry, stumble_on);
}

static void d27_index(struct sess *s)
{
	flip_during(s, flip_avail_idx, stumble_on);
}

static void d27_used(struct sess *s)
{
	flip_during(s, flip_used, stumble_on);
}

/* ---- D15: the file behind the memory is cut off ---- */

/* A region of its own, at this address, which can go. */
#define GONE 0x60000000ULL

static struct ram new_region(struct sess *s)
{
	struct ram r = ram_new(MIB);
	int rc = vdpa_map(&s->v, GONE, r.va, MIB, VHOST_ACCESS_RW);

	check(rc == 0, "map: %s", strerror(-rc));
	return r;
}

static void cut(const struct ram *r)
{
	check(ftruncate(r->fd, 0) == 0, "ftruncate: %s", strerror(errno));
}

/* System calls notice by themselves: an error for this request, nothing more. */
static void d15_data(struct sess *s)
{
	struct ram r = new_region(s);

	submit(s, 0, IN, 0, GONE, 4096);
	expect_done(s, 0, OK, 4097);
	cut(&r);
	submit(s, 0, IN, 0, GONE, 4096);
	expect_done(s, 0, IOERR, 4097);
	submit(s, 0, OUT, 0, GONE, 4096);
	expect_done(s, 0, IOERR, 1);
	expect_good(s);
}

/* Never touched before it goes, so that the mapping is made of a file that is too short. */
static void d15_data_at_once(struct sess *s)
{
	struct ram r = new_region(s);

	cut(&r);
	submit(s, 0, IN, 0, GONE, 4096);
	expect_done(s, 0, IOERR, 4097);
	expect_good(s);
}

/* Half of it: what is there is read. */
static void d15_data_half(struct sess *s)
{
	struct ram r = new_region(s);

	check(ftruncate(r.fd, 4096) == 0, "ftruncate");
	submit(s, 0, IN, 0, GONE, 8192);
	expect_done(s, 0, IOERR, 8193);
	submit(s, 0, IN, 0, GONE, 4096);
	expect_done(s, 0, OK, 4097);
	expect_disk_bytes(r.va, 0, 4096);
	expect_good(s);
}

/* Nothing is completed of what may have been read as zeros. */
static void offer_and_fail(struct sess *s)
{
	queue_offer(&s->q, 0);
	queue_kick(&s->q);
	expect_malformed(s);
}

static void d15_header(struct sess *s)
{
	struct ram r = new_region(s);

	request(s, 0, OUT, 0, DATA, SECTOR); /* and the disk stays as it is: main.c looks */
	memset(s->ram.va + DATA_AT, 0x66, SECTOR);
	s->q.desc[0].addr = GONE;
	cut(&r);
	offer_and_fail(s);
}

static void d15_status(struct sess *s)
{
	struct ram r = new_region(s);

	request(s, 0, IN, 0, DATA, SECTOR);
	s->q.desc[2].addr = GONE + 4095;
	cut(&r);
	offer_and_fail(s);
}

static void d15_table(struct sess *s)
{
	struct ram r = new_region(s);

	desc_set(&s->q, 0, GONE + 4096 - 16, 32, INDIRECT, 0);
	cut(&r);
	offer_and_fail(s);
}

static void d15_id(struct sess *s)
{
	struct ram r = new_region(s);

	request(s, 0, VIRTIO_BLK_T_GET_ID, 0, GONE, 20);
	cut(&r);
	offer_and_fail(s);
}

static void d15_discard(struct sess *s)
{
	struct ram r = new_region(s);

	request(s, 0, VIRTIO_BLK_T_DISCARD, 0, GONE, 16);
	cut(&r);
	offer_and_fail(s);
}

/* One of the rings in memory that goes while the queue is idle after `before` good requests. */
static void ring_goes(struct sess *s, uint64_t *iova, uint8_t **va, unsigned before)
{
	struct ram r = new_region(s);

	*iova = GONE;
	*va = r.va;
	sess_start(s);
	for (unsigned i = 0; i < before; i++)
		expect_good(s);
	cut(&r);
	queue_kick(&s->q);
	sleep_ms(20);
	if (va != &s->q.avail) { /* ours would fault as well */
		queue_offer(&s->q, 0);
		queue_kick(&s->q);
	}
	expect_malformed(s);
}

static void d15_avail(struct sess *s)
{
	ring_goes(s, &s->q.avail_iova, &s->q.avail, 2);
}

static void d15_used(struct sess *s)
{
	struct ram r = new_region(s);
	long long end = now_ms() + SOON_MS;

	s->q.used_iova = GONE;
	s->q.used = r.va;
	sess_start(s);
	expect_good(s);
	cut(&r);
	submit(s, 0, IN, 0, DATA, SECTOR);
	while (!world_queue_failed(0) && now_ms() < end)
		sleep_ms(2);
	check(world_queue_failed(0), "the queue was not given up");
	expect_good_after_reset(s);
}

static void d15_desc(struct sess *s)
{
	struct ram r = new_region(s);

	s->q.desc_iova = GONE;
	s->q.desc = (struct vring_desc *)(void *)r.va;
	sess_start(s);
	expect_good(s);
	cut(&r);
	offer_and_fail(s);
}

/* The available ring goes before anything was ever taken from it, and the queue is idle. */
static void d15_avail_unused(struct sess *s)
{
	struct ram r = new_region(s);

	s->q.avail_iova = GONE;
	s->q.avail = r.va;
	sess_start(s);
	sleep_ms(20);
	cut(&r);
	queue_kick(&s->q);
	sleep_ms(50);
	expect_good_after_reset(s);
}

/* Gone before DRIVER_OK: the main thread meets it. */
static void d15_at_start(struct sess *s)
{
	struct ram r = new_region(s);

	queue_clear(&s->q, 0);
	s->q.used_iova = GONE;
	cut(&r);
	check(!(sess_try_start(s) & VIRTIO_CONFIG_S_DRIVER_OK), "DRIVER_OK was taken");
	expect_good_after_reset(s);
}

static void d15_avail_at_start(struct sess *s)
{
	struct ram r = new_region(s);

	s->base = 300; /* zeros in the place of the ring say 0 */
	queue_clear(&s->q, 300);
	s->q.avail_iova = GONE;
	cut(&r);
	check(!(sess_try_start(s) & VIRTIO_CONFIG_S_DRIVER_OK), "DRIVER_OK was taken");
	expect_good_after_reset(s);
}

/* It comes and goes all the time, under data, headers and tables. */
static struct ram coming;

static void flip_size(struct sess *s, uint32_t r)
{
	(void)s;
	(void)!ftruncate(coming.fd, r & 1 ? 0 : (off_t)(r % coming.size));
}

static void stumble_in_gone(struct sess *s)
{
	static unsigned round;
	unsigned what = round++ % 4;
	long long end = now_ms() + SOON_MS;

	request(s, 0, IN, 0, what == 0 ? GONE : DATA, 4096);
	if (what == 1)
		s->q.desc[0].addr = GONE + 64;
	if (what == 2)
		s->q.desc[2].addr = GONE + 8192;
	if (what == 3)
		desc_set(&s->q, 0, GONE + 4096 - 16, 48, INDIRECT, 0);
	queue_offer(&s->q, 0);
	queue_kick(&s->q);
	while (!world_queue_failed(0) && !queue_wait(&s->q, 1, 2))
		check(now_ms() < end, "a request was not completed");
	s->q.used_seen = queue_used_idx(&s->q);
	if (world_queue_failed(0))
		sess_start(s);
}

static void d15_moving(struct sess *s)
{
	coming = new_region(s);
	flip_during(s, flip_size, stumble_in_gone);
}

const struct hcase moving_cases[] = {
	{ "D15", "data cut off", d15_data, "Bad address", 0 },
	{ "D15.first", "data cut off before it was ever used", d15_data_at_once, "Bad address", 0 },
	{ "D15.half", "data cut off in the middle", d15_data_half, "Bad address", 0 },
	{ "D15.header", "header cut off", d15_header, "a page of its memory is gone", 0 },
	{ "D15.status", "status cut off", d15_status, "a page of its memory is gone", 0 },
	{ "D15.table", "table cut off", d15_table, "a page of its memory is gone", 0 },
	{ "D15.id", "buffer of GET_ID cut off", d15_id, "a page of its memory is gone", 0 },
	{ "D15.discard", "segments of a discard cut off", d15_discard, "a page of its memory is gone", 0 },
	{ "D15.desc", "descriptors cut off", d15_desc, "a page of its memory is gone", CASE_STOPPED },
	{ "D15.avail", "available ring cut off", d15_avail, "is malformed", CASE_STOPPED },
	{ "D15.unused", "available ring cut off before its first use", d15_avail_unused, NULL, CASE_STOPPED },
	{ "D15.used", "used ring cut off", d15_used, "a page of its memory is gone", CASE_STOPPED },
	{ "D15.start", "used ring cut off before DRIVER_OK", d15_at_start, NULL, CASE_STOPPED },
	{ "D15.start2", "available ring cut off before DRIVER_OK", d15_avail_at_start, NULL, CASE_STOPPED },
	{ "D15.moving", "memory cut off and back all the time", d15_moving, NULL, CASE_BUSY | CASE_SCRIBBLES },
	{ "D26", "descriptors change while they are read", d26_desc, NULL, CASE_BUSY | CASE_SCRIBBLES },
	{ "D26.table", "tables change while they are read", d26_table, NULL, CASE_BUSY | CASE_SCRIBBLES },
	{ "D26.header", "headers change while they are read", d26_header, NULL, CASE_BUSY | CASE_SCRIBBLES },
	{ "D26.discard", "segments of discards change", d26_segments, NULL, CASE_BUSY | CASE_SCRIBBLES },
	{ "D27", "available entries change", d27_entries, NULL, CASE_BUSY | CASE_SCRIBBLES },
	{ "D27.index", "available index changes", d27_index, NULL, CASE_BUSY | CASE_SCRIBBLES },
	{ "D27.used", "used ring and wishes change", d27_used, NULL, CASE_BUSY | CASE_SCRIBBLES },
	{ NULL, NULL, NULL, NULL, 0 },
};
