/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/case_blk.c - B1 to B15: block requests in good chains that mean no good. Part of
 * the hostile driver (hostile.h). Each is completed with an error status, or not at all where it
 * has no place for one, and neither the disk nor other memory has changed (main.c compares the
 * whole file after each case).
 */
#include <string.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define IN VIRTIO_BLK_T_IN
#define OUT VIRTIO_BLK_T_OUT
#define FLUSH VIRTIO_BLK_T_FLUSH
#define GET_ID VIRTIO_BLK_T_GET_ID
#define DISCARD VIRTIO_BLK_T_DISCARD
#define ZEROES VIRTIO_BLK_T_WRITE_ZEROES
#define OK VIRTIO_BLK_S_OK
#define IOERR VIRTIO_BLK_S_IOERR
#define UNSUPP VIRTIO_BLK_S_UNSUPP
#define DATA iova_of(DATA_AT)
#define MARK 0x3c

static uint8_t *data(struct sess *s)
{
	return s->ram.va + DATA_AT;
}

static void go(struct sess *s)
{
	queue_offer(&s->q, 0);
	queue_kick(&s->q);
}

static uint64_t sectors(void)
{
	return world.capacity / SECTOR;
}

/*
 * One request with a buffer of len bytes, which ends so and, if it fails, leaves the buffer alone.
 */
static void one(struct sess *s, uint32_t type, uint64_t sector, uint32_t len, unsigned status)
{
	uint32_t used = type_is_out(type) ? 1 : len + 1;

	memset(data(s), MARK, len + 64UL);
	submit(s, 0, type, sector, DATA, len);
	expect_done(s, 0, status, used);
	for (uint32_t i = status == OK ? len : 0; i < len + 64; i++)
		check(data(s)[i] == MARK, "byte %u behind or in the buffer has changed", i);
}

static void b1_short(struct sess *s)
{
	for (uint32_t len = 1; len < 16; len++) {
		request(s, 0, OUT, 0, DATA, SECTOR);
		desc_set(&s->q, 0, slot_header(s, 0, OUT, 0), len, NEXT, 2);
		go(s);
		expect_done(s, 0, IOERR, 1);
	}
	expect_good(s);
}

static void b1_none(struct sess *s)
{
	desc_set(&s->q, 0, DATA, SECTOR, NEXT | WRITE, 2);
	(void)slot_header(s, 0, IN, 0);
	desc_set(&s->q, 2, slot_status_iova(0), 1, WRITE, 0);
	go(s);
	expect_done(s, 0, IOERR, SECTOR + 1);
	expect_good(s);
}

static void b2_pieces(struct sess *s)
{
	uint64_t h = slot_header(s, 0, IN, 80);

	for (unsigned i = 0; i < 16; i++)
		desc_set(&s->q, i, h + i, 1, NEXT, i + 1);
	desc_set(&s->q, 16, DATA, SECTOR, NEXT | WRITE, 17);
	desc_set(&s->q, 17, slot_status_iova(0), 1, WRITE, 0);
	go(s);
	expect_done(s, 0, OK, SECTOR + 1);
	expect_disk_bytes(data(s), 80, SECTOR);
	expect_good(s);
}

/*
 * Data begins in the last piece of the header, and the status is the last byte of the data's
 * buffer.
 */
static void b2_shared(struct sess *s)
{
	uint8_t *p = data(s);

	(void)slot_header(s, 0, OUT, 88);
	memcpy(p, s->ram.va + SLOT_AT, 16);
	memset(p + 16, 0x44, SECTOR);
	desc_set(&s->q, 0, DATA, 7, NEXT, 1);
	desc_set(&s->q, 1, DATA + 7, 9 + SECTOR, NEXT, 2);
	desc_set(&s->q, 2, slot_status_iova(0), 1, WRITE, 0);
	go(s);
	expect_done(s, 0, OK, 1);
	disk_wrote(88 * SECTOR, p + 16, SECTOR);
	expect_good(s);
}

static void b2_status_in_data(struct sess *s)
{
	request(s, 0, IN, 88, DATA, SECTOR + 1);
	s->q.desc[1].flags = WRITE;
	data(s)[SECTOR] = STATUS_UNTOUCHED;
	go(s);
	check(queue_wait(&s->q, 1, SOON_MS), "not completed");
	check(queue_take(&s->q).len == SECTOR + 1 && data(s)[SECTOR] == OK, "status 0x%02x", data(s)[SECTOR]);
	expect_disk_bytes(data(s), 88, SECTOR);
	expect_good(s);
}

static void b3_no_status(struct sess *s)
{
	request(s, 0, OUT, 0, DATA, SECTOR);
	memset(data(s), 0x55, SECTOR);
	s->q.desc[1].flags = 0;
	go(s);
	expect_unanswered(s, 0);
}

static void b4_readable(struct sess *s)
{
	request(s, 0, OUT, 0, DATA, SECTOR);
	memset(data(s), 0x55, SECTOR);
	s->q.desc[2].flags = 0;
	go(s);
	expect_unanswered(s, 0);
}

static void b5_len(struct sess *s)
{
	static const uint32_t len[] = { 1, 511, 513, 1023, 4095, 4097 };

	for (size_t i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		one(s, IN, 0, len[i], IOERR);
		one(s, OUT, 0, len[i], IOERR);
	}
	expect_good(s);
}

/* Two odd buffers that add up are fine. */
static void b5_split(struct sess *s)
{
	request(s, 0, IN, 96, DATA, 100);
	s->q.desc[1].next = 3;
	desc_set(&s->q, 3, DATA + 4096, SECTOR - 100, NEXT | WRITE, 2);
	go(s);
	expect_done(s, 0, OK, SECTOR + 1);
	expect_disk_bytes(data(s), 96, 100);
	check(memcmp(data(s) + 4096, world.disk + 96 * SECTOR + 100, SECTOR - 100) == 0, "second buffer");
	expect_good(s);
}

/* ---- on a device of its own, whose disk takes whole blocks in aligned buffers only ---- */

#define BLOCK 4096U
#define BACK (4U * MIB) /* what is read goes so far behind what was written */

static void there_and_back(struct sess *d, uint32_t at, uint32_t len)
{
	uint8_t *p = d->ram.va + DATA_AT + at;

	for (uint32_t i = 0; i < len; i++)
		p[i] = (uint8_t)(i * 5 + i / 512 + at);
	memset(p + BACK, 0, len);
	submit(d, 0, OUT, 8, DATA + at, len);
	expect_done(d, 0, OK, 1);
	submit(d, 0, IN, 8, DATA + BACK + at, len);
	expect_done(d, 0, OK, len + 1);
	check(memcmp(p, p + BACK, len) == 0, "%u bytes at page + %u", len, at);
}

static void in_sectors(struct sess *d)
{
	unsigned n = 2 * BLOCK / SECTOR;

	table_set(d, 0, slot_header(d, 0, IN, 8), 16, NEXT, 1);
	for (unsigned i = 1; i <= n; i++)
		table_set(d, i, DATA + (uint64_t)i * 3 * SECTOR, SECTOR, NEXT | WRITE, i + 1);
	table_set(d, n + 1, slot_status_iova(0), 1, WRITE, 0);
	desc_set(&d->q, 0, iova_of(TABLE_AT), 16 * (n + 2), VRING_DESC_F_INDIRECT, 0);
	go(d);
	expect_done(d, 0, OK, n * SECTOR + 1);
}

/*
 * What is copied through the worker's memory may be gone: nothing of it reaches the disk, and a
 * reset heals.
 */
static void gone(struct sess *d)
{
	there_and_back(d, 256, BLOCK);
	check(ftruncate(d->ram.fd, DATA_AT) == 0, "truncate");
	submit(d, 0, OUT, 8, DATA + 256, BLOCK);
	check(!queue_wait(&d->q, 1, QUIET_MS), "completed");
	check(ftruncate(d->ram.fd, (off_t)d->ram.size) == 0, "truncate");
	sess_start(d);
	submit(d, 0, IN, 8, DATA + BACK, BLOCK);
	expect_done(d, 0, OK, BLOCK + 1);
	check(d->ram.va[DATA_AT + BACK + 1] == (uint8_t)(5 + 256), "zeros were written");
}

static void b5_direct(struct sess *s)
{
	static const uint32_t at[] = { 0, 1, 256, 511, 512, 3584, 4095 };
	static struct sess d;
	pid_t pid = world_spare_direct(&d, "direct");

	sess_start(&d);
	for (size_t i = 0; i < sizeof(at) / sizeof(at[0]); i++)
		there_and_back(&d, at[i], BLOCK);
	there_and_back(&d, 256, MIB + BLOCK);
	in_sectors(&d);
	one(&d, OUT, 1, BLOCK, IOERR); /* but the place is the driver's to choose */
	one(&d, IN, 8, SECTOR, IOERR);
	gone(&d);
	check(world_worker_of("direct") == pid, "the worker has died");
	(void)close(d.v.fd);
	check(world_ctl("delete direct >/dev/null") == 0, "delete");
	expect_good(s);
}

static void b6_beyond(struct sess *s)
{
	one(s, IN, sectors(), SECTOR, IOERR);
	one(s, OUT, sectors(), SECTOR, IOERR);
	one(s, IN, sectors() - 1, 2 * SECTOR, IOERR);
	one(s, OUT, sectors() - 1, 2 * SECTOR, IOERR);
	one(s, OUT, sectors() - 8, 16 * SECTOR, IOERR);
	one(s, IN, 0, (uint32_t)world.capacity + SECTOR, IOERR);
	one(s, IN, sectors() - 1, SECTOR, OK);
	expect_disk_bytes(data(s), sectors() - 1, SECTOR);
	one(s, IN, sectors(), 0, OK); /* nothing, at the very end */
	one(s, IN, sectors() + 1, 0, IOERR);
	expect_good(s);
}

static void b7_sector(struct sess *s)
{
	static const uint64_t sector[] = { UINT64_MAX, UINT64_MAX - 1, 1ULL << 55,       (1ULL << 55) - 1,
					   1ULL << 63, INT64_MAX,      (1ULL << 55) | 8, UINT64_MAX / SECTOR,
					   1ULL << 54, 1ULL << 32,     (1ULL << 63) | 16 };

	for (size_t i = 0; i < sizeof(sector) / sizeof(sector[0]); i++) {
		one(s, IN, sector[i], SECTOR, IOERR);
		one(s, OUT, sector[i], SECTOR, IOERR);
	}
	expect_good(s);
}

static void b8_type(struct sess *s)
{
	static const uint32_t type[] = { 5,  6,  7,  9,  10,         12,         14,         15,  16,   18,
					 20, 22, 24, 26, 0x80000000, 0x80000001, UINT32_MAX, 256, 65536 };

	for (size_t i = 0; i < sizeof(type) / sizeof(type[0]); i++)
		one(s, type[i], 0, SECTOR, UNSUPP);
	expect_good(s);
}

static void b9_scsi(struct sess *s)
{
	one(s, 2, 0, 96, UNSUPP);
	one(s, 3, 0, 96, UNSUPP);
	expect_good(s);
}

/* ---- on the read-only device; its file is the same pattern as the other's ---- */

static void b10_read_only(struct sess *s)
{
	struct virtio_blk_discard_write_zeroes d = { .sector = 0, .num_sectors = 8 };

	one(s, OUT, 0, SECTOR, IOERR);
	memcpy(data(s), &d, sizeof(d));
	submit(s, 0, DISCARD, 0, DATA, sizeof(d));
	expect_done(s, 0, IOERR, 1);
	submit(s, 0, ZEROES, 0, DATA, sizeof(d));
	expect_done(s, 0, IOERR, 1);
	submit(s, 0, IN, 0, DATA, SECTOR);
	expect_done(s, 0, OK, SECTOR + 1);
	submit(s, 0, FLUSH, 0, DATA, 0);
	expect_done(s, 0, OK, 1);
}

/* The driver says that it knows nothing of read-only. */
static void b10_not_negotiated(struct sess *s)
{
	s->features = s->v.offered & ~FEATURE(VIRTIO_BLK_F_RO);
	sess_start(s);
	one(s, OUT, 0, SECTOR, IOERR);
	s->features = s->v.offered | FEATURE(VIRTIO_BLK_F_DISCARD) | FEATURE(VIRTIO_BLK_F_WRITE_ZEROES);
	check(!(sess_try_start(s) & VIRTIO_CONFIG_S_FEATURES_OK), "features that were not offered");
}

/* ---- discard and write zeroes ---- */

static void segments(struct sess *s, uint32_t type, const struct virtio_blk_discard_write_zeroes *d, uint32_t len,
		     unsigned status)
{
	memcpy(data(s), d, len);
	submit(s, 0, type, 0, DATA, len);
	expect_done(s, 0, status, 1);
}

static void b11_count(struct sess *s)
{
	static const struct virtio_blk_discard_write_zeroes d[64];

	segments(s, DISCARD, d, 0, IOERR);
	segments(s, ZEROES, d, 0, IOERR);
	segments(s, DISCARD, d, 17 * 16, IOERR);
	segments(s, DISCARD, d, 64 * 16, IOERR);
	segments(s, ZEROES, d, 2 * 16, IOERR);
	segments(s, DISCARD, d, 15, IOERR);
	segments(s, DISCARD, d, 24, IOERR);
	segments(s, ZEROES, d, 1, IOERR);
	segments(s, DISCARD, d, 16 * 16, OK); /* 16 times nothing */
	expect_good(s);
}

static void b11_flags(struct sess *s)
{
	struct virtio_blk_discard_write_zeroes d = { .sector = 0, .num_sectors = 8 };

	for (unsigned bit = 0; bit < 32; bit++) {
		d.flags = 1U << bit;
		segments(s, DISCARD, &d, 16, UNSUPP);
		if (bit > 0)
			segments(s, ZEROES, &d, 16, UNSUPP);
	}
	expect_good(s);
}

static void b11_range(struct sess *s)
{
	const struct virtio_blk_discard_write_zeroes d[] = {
		{ .sector = sectors() - 8, .num_sectors = 9 },       { .sector = sectors(), .num_sectors = 1 },
		{ .sector = UINT64_MAX, .num_sectors = 1 },          { .sector = UINT64_MAX - 7, .num_sectors = 16 },
		{ .sector = 1ULL << 55, .num_sectors = 1 },          { .sector = 0, .num_sectors = UINT32_MAX },
		{ .sector = 8, .num_sectors = (uint32_t)sectors() },
	};

	for (size_t i = 0; i < sizeof(d) / sizeof(d[0]); i++) {
		segments(s, DISCARD, &d[i], 16, IOERR);
		segments(s, ZEROES, &d[i], 16, IOERR);
	}
	expect_good(s);
}

/* Good segments before a bad one: nothing at all is done. */
static void b11_last_is_bad(struct sess *s)
{
	struct virtio_blk_discard_write_zeroes d[16];

	for (unsigned i = 0; i < 16; i++)
		d[i] = (struct virtio_blk_discard_write_zeroes){ .sector = 8 * i, .num_sectors = 8 };
	d[15].sector = sectors();
	segments(s, DISCARD, d, sizeof(d), IOERR);
	expect_good(s);
}

static void b11_works(struct sess *s)
{
	struct virtio_blk_discard_write_zeroes d[] = { { .sector = 200, .num_sectors = 3 },
						       { .sector = 240, .num_sectors = 16 } };

	segments(s, DISCARD, d, 32, OK);
	disk_zeroed(200 * SECTOR, 3 * SECTOR);
	disk_zeroed(240 * SECTOR, 16 * SECTOR);
	d[0] = (struct virtio_blk_discard_write_zeroes){ .sector = sectors() - 9, .num_sectors = 9 };
	segments(s, ZEROES, d, 16, OK);
	d[0] = (struct virtio_blk_discard_write_zeroes){ .sector = 333, .num_sectors = 5, .flags = 1 };
	segments(s, ZEROES, d, 16, OK);
	disk_zeroed((sectors() - 9) * SECTOR, 9 * SECTOR);
	disk_zeroed(333 * SECTOR, 5 * SECTOR);
	expect_good(s);
}

static void b11_not_negotiated(struct sess *s)
{
	struct virtio_blk_discard_write_zeroes d = { .sector = 0, .num_sectors = 8 };

	s->features = s->v.offered & ~(FEATURE(VIRTIO_BLK_F_DISCARD) | FEATURE(VIRTIO_BLK_F_WRITE_ZEROES));
	sess_start(s);
	segments(s, DISCARD, &d, 16, UNSUPP);
	segments(s, ZEROES, &d, 16, UNSUPP);
	expect_good(s);
}

static void b12_length(struct sess *s)
{
	static const uint32_t len[] = { 1, 19, 21, 512, 4096 };

	for (size_t i = 0; i < sizeof(len) / sizeof(len[0]); i++)
		one(s, GET_ID, 0, len[i], IOERR);
	expect_good(s);
}

static void b12_works(struct sess *s)
{
	char want[20] = { 0 };

	memcpy(want, world.name, strlen(world.name)); /* no --serial: the name */
	one(s, GET_ID, UINT64_MAX, 20, OK);
	check(memcmp(data(s), want, 20) == 0, "the serial is \"%.20s\"", (const char *)data(s));
	expect_good(s);
}

static void b13_data(struct sess *s)
{
	memset(data(s), MARK, SECTOR);
	submit(s, 0, FLUSH, UINT64_MAX, DATA, SECTOR);
	expect_done(s, 0, OK, SECTOR + 1);
	check(data(s)[0] == MARK, "a flush has written to memory");
	request(s, 0, FLUSH, 0, 0x1000, SECTOR); /* in no memory, and readable */
	s->q.desc[1].flags = NEXT;
	go(s);
	expect_done(s, 0, OK, 1);
	expect_good(s);
}

/* Tables of header, n sectors of data that are not neighbours, status. */
static void with_segments(struct sess *s, unsigned n, unsigned status)
{
	table_set(s, 0, slot_header(s, 0, IN, 0), 16, NEXT, 1);
	for (unsigned i = 1; i <= n; i++)
		table_set(s, i, DATA + (uint64_t)i * 1024, SECTOR, NEXT | WRITE, i + 1);
	table_set(s, n + 1, slot_status_iova(0), 1, WRITE, 0);
	desc_set(&s->q, 0, iova_of(TABLE_AT), 16 * (n + 2), VRING_DESC_F_INDIRECT, 0);
	go(s);
	expect_done(s, 0, status, n * SECTOR + 1);
}

static void b14_seg_max(struct sess *s)
{
	with_segments(s, world.seg_max, OK);
	expect_disk_bytes(data(s) + 1024UL * world.seg_max, world.seg_max - 1, SECTOR);
	with_segments(s, world.seg_max + 1, IOERR);
	with_segments(s, 2 * world.seg_max, IOERR);
	expect_good(s);
}

/* All of the disk at once. */
static void b15_large(struct sess *s)
{
	submit(s, 0, IN, 0, DATA, (uint32_t)world.capacity);
	expect_done(s, 0, OK, (uint32_t)world.capacity + 1);
	expect_disk_bytes(data(s), 0, world.capacity);
	expect_good(s);
}

const struct hcase blk_cases[] = {
	{ "B1", "header shorter than 16 bytes", b1_short, "without a whole header", 0 },
	{ "B1.none", "no header", b1_none, "without a whole header", 0 },
	{ "B2", "header in 16 pieces", b2_pieces, NULL, 0 },
	{ "B2.shared", "header and data share a buffer", b2_shared, NULL, 0 },
	{ "B2.status", "data and status share a buffer", b2_status_in_data, NULL, 0 },
	{ "B3", "no place for a status", b3_no_status, "without a place for its status", 0 },
	{ "B4", "status in a readable buffer", b4_readable, "without a place for its status", 0 },
	{ "B5", "data not a multiple of 512 bytes", b5_len, "not a multiple of 512", 0 },
	{ "B5.split", "odd buffers that add up", b5_split, NULL, 0 },
	{ "B5.direct", "buffers of any kind where direct I/O wants aligned ones", b5_direct, NULL, CASE_SLOW },
	{ "B6", "beyond the end of the device", b6_beyond, "sectors beyond the end", 0 },
	{ "B7", "sector 2^64-1 and other large ones", b7_sector, "sectors beyond the end", 0 },
	{ "B8", "unknown types", b8_type, "unknown type", 0 },
	{ "B9", "SCSI commands", b9_scsi, "unknown type", 0 },
	{ "B10", "writes to a read-only device", b10_read_only, "read-only", CASE_READ_ONLY },
	{ "B10.feature", "the same without its feature", b10_not_negotiated, "read-only",
	  CASE_READ_ONLY | CASE_STOPPED },
	{ "B11", "wrong number of segments to discard or zero", b11_count, "wrong number of segments", 0 },
	{ "B11.flags", "unknown flags to discard or zero", b11_flags, "segment to discard or zero out of range", 0 },
	{ "B11.range", "discard or zero out of range", b11_range, "segment to discard or zero out of range", 0 },
	{ "B11.last", "last of many segments out of range", b11_last_is_bad, "segment to discard or zero out of range",
	  0 },
	{ "B11.works", "discard and zero as they should be", b11_works, NULL, 0 },
	{ "B11.feature", "discard and zero without their features", b11_not_negotiated, "was not negotiated",
	  CASE_STOPPED },
	{ "B12", "serial into a buffer of another length", b12_length, "not 20 bytes long", 0 },
	{ "B12.works", "serial", b12_works, NULL, 0 },
	{ "B13", "flush with data", b13_data, NULL, 0 },
	{ "B14", "more segments than seg_max", b14_seg_max, "more data segments than seg_max", 0 },
	{ "B15", "the whole disk in one request", b15_large, NULL, 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};
