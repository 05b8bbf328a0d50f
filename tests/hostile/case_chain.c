/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/case_chain.c - D5 to D14, D16 to D25: what a chain of descriptors can be. Part of
 * the hostile driver (hostile.h). A bad request is completed with an error, and the queue goes on.
 * A chain in which no place for a status can be found or reached is not completed: its queue is
 * given up, after what came before it.
 */
#include <string.h>
#include <sys/mman.h>

#include "tests/hostile/hostile.h"

#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT
#define IN VIRTIO_BLK_T_IN
#define OUT VIRTIO_BLK_T_OUT
#define OK VIRTIO_BLK_S_OK
#define IOERR VIRTIO_BLK_S_IOERR
#define DATA iova_of(DATA_AT)
#define TABLE iova_of(TABLE_AT)

static void go(struct sess *s, unsigned head)
{
	queue_offer(&s->q, head);
	queue_kick(&s->q);
}

static uint8_t *data(struct sess *s)
{
	return s->ram.va + DATA_AT;
}

/* The chain that starts at 0 is too broken to have a status. The ring is empty afterwards. */
static void bad_chain(struct sess *s)
{
	(void)slot_header(s, 0, IN, 0);
	go(s, 0);
	expect_unanswered(s, 0);
}

/* A read of len bytes to addr ends in an error. */
static void bad_read(struct sess *s, uint64_t addr, uint32_t len)
{
	submit(s, 0, IN, 0, addr, len);
	expect_done(s, 0, IOERR, len + 1);
	expect_good(s);
}

static void d5_next(struct sess *s)
{
	desc_set(&s->q, 0, slot_header(s, 0, IN, 0), 16, NEXT, RING_NUM);
	bad_chain(s);
	desc_set(&s->q, 0, slot_header(s, 0, IN, 0), 16, NEXT, 0xffff);
	bad_chain(s);
}

static void d6_self(struct sess *s)
{
	desc_set(&s->q, 0, DATA, 16, NEXT, 0);
	bad_chain(s);
	desc_set(&s->q, 0, DATA, 0, NEXT, 0); /* endless and empty */
	bad_chain(s);
}

static void d6_self_in_table(struct sess *s)
{
	table_set(s, 0, DATA, 16, NEXT, 0);
	desc_set(&s->q, 0, TABLE, 64, INDIRECT, 0);
	bad_chain(s);
}

static void d7_two(struct sess *s)
{
	desc_set(&s->q, 0, DATA, 16, NEXT, 1);
	desc_set(&s->q, 1, DATA, 16, NEXT, 0);
	bad_chain(s);
}

static void d7_two_in_table(struct sess *s)
{
	table_set(s, 0, DATA, 16, NEXT, 1);
	table_set(s, 1, DATA, 16, NEXT, 0);
	desc_set(&s->q, 0, TABLE, 1024 * 16, INDIRECT, 0);
	bad_chain(s);
}

static void d8_long(struct sess *s)
{
	for (unsigned i = 0; i < RING_NUM; i++)
		desc_set(&s->q, i, DATA, 16, NEXT, (i + 1) % RING_NUM);
	bad_chain(s);
}

/* n - 2 sectors of data in one direct chain of n: that is allowed. */
static void d8_longest(struct sess *s)
{
	desc_set(&s->q, 0, slot_header(s, 0, IN, 0), 16, NEXT, 1);
	for (unsigned i = 1; i < RING_NUM - 1; i++)
		desc_set(&s->q, i, DATA + (uint64_t)i * 1024, SECTOR, NEXT | WRITE, i + 1);
	desc_set(&s->q, RING_NUM - 1, slot_status_iova(0), 1, WRITE, 0);
	go(s, 0);
	expect_done(s, 0, OK, (RING_NUM - 2) * SECTOR + 1);
	for (unsigned i = 1; i < RING_NUM - 1; i++)
		expect_disk_bytes(data(s) + (size_t)i * 1024, i - 1, SECTOR);
	expect_good(s);
}

/* A table with more entries than the ring, and far more data segments than allowed. */
static void d8_long_table(struct sess *s)
{
	table_set(s, 0, slot_header(s, 0, IN, 0), 16, NEXT, 1);
	for (unsigned i = 1; i < 1023; i++)
		table_set(s, i, DATA, SECTOR, NEXT | WRITE, i + 1);
	table_set(s, 1023, slot_status_iova(0), 1, WRITE, 0);
	desc_set(&s->q, 0, TABLE, 1024 * 16, INDIRECT, 0);
	go(s, 0);
	expect_done(s, 0, IOERR, 1022 * SECTOR + 1);
	expect_good(s);
}

/* Empty buffers everywhere mean nothing. */
static void d9_some(struct sess *s)
{
	desc_set(&s->q, 0, 0xdead0000, 0, NEXT, 1);
	desc_set(&s->q, 1, slot_header(s, 0, IN, 8), 16, NEXT, 2);
	desc_set(&s->q, 2, 0xdead0000, 0, NEXT, 3);
	desc_set(&s->q, 3, ~0ULL, 0, NEXT | WRITE, 4);
	desc_set(&s->q, 4, DATA, 1024, NEXT | WRITE, 5);
	desc_set(&s->q, 5, slot_status_iova(0), 1, NEXT | WRITE, 6);
	desc_set(&s->q, 6, 0, 0, WRITE, 0);
	go(s, 0);
	expect_done(s, 0, OK, 1025);
	expect_disk_bytes(data(s), 8, 1024);
	expect_good(s);
}

static void d9_all(struct sess *s)
{
	desc_set(&s->q, 0, slot_header(s, 0, IN, 0), 0, NEXT, 1);
	desc_set(&s->q, 1, DATA, 0, NEXT | WRITE, 2);
	desc_set(&s->q, 2, slot_status_iova(0), 0, WRITE, 0);
	bad_chain(s);
}

static void d9_header(struct sess *s)
{
	request(s, 0, IN, 0, DATA, SECTOR);
	s->q.desc[0].len = 0;
	go(s, 0);
	expect_done(s, 0, IOERR, SECTOR + 1);
	expect_good(s);
}

static void d10_odd(struct sess *s)
{
	submit(s, 0, IN, 0, DATA, UINT32_MAX);
	/* with the status byte that makes 4 GiB: more than the used ring can say */
	expect_done(s, 0, IOERR, 0);
	expect_good(s);
}

static void d10_even(struct sess *s)
{
	bad_read(s, DATA, 0xfffffe00);
}

static void d10_header(struct sess *s)
{
	request(s, 0, IN, 16, DATA, SECTOR);
	/* longer than the memory; only its first 16 bytes mean something */
	s->q.desc[0].len = UINT32_MAX;
	go(s, 0);
	expect_done(s, 0, OK, SECTOR + 1);
	expect_disk_bytes(data(s), 16, SECTOR);
	expect_good(s);
}

static void d10_many(struct sess *s)
{
	desc_set(&s->q, 0, slot_header(s, 0, OUT, 0), 16, NEXT, 1);
	for (unsigned i = 1; i < RING_NUM - 1; i++)
		desc_set(&s->q, i, DATA, UINT32_MAX, NEXT, i + 1);
	desc_set(&s->q, RING_NUM - 1, slot_status_iova(0), 1, WRITE, 0);
	go(s, 0);
	expect_done(s, 0, IOERR, 0);
	expect_good(s);
}

static void d11_data(struct sess *s)
{
	bad_read(s, ~0ULL - 511, 1024);
	bad_read(s, ~0ULL, SECTOR);
}

static void d11_header(struct sess *s)
{
	request(s, 0, IN, 0, DATA, SECTOR);
	s->q.desc[0].addr = ~0ULL - 7;
	go(s, 0);
	expect_done(s, 0, IOERR, SECTOR + 1);
	expect_good(s);
}

/* A header that fits, and data in the same buffer that goes round the end of the address space. */
static void d11_data_behind_header(struct sess *s)
{
	desc_set(&s->q, 0, slot_header(s, 0, OUT, 0), 12, NEXT, 1);
	desc_set(&s->q, 1, ~0ULL - 3, 4 + SECTOR, NEXT, 2);
	desc_set(&s->q, 2, slot_status_iova(0), 1, WRITE, 0);
	go(s, 0);
	expect_done(s, 0, IOERR, 1);
	expect_good(s);
}

static void d11_status(struct sess *s)
{
	request(s, 0, IN, 0, DATA, SECTOR);
	s->q.desc[2].addr = ~0ULL;
	s->q.desc[2].len = 2;
	go(s, 0);
	expect_unanswered(s, 0);
}

static void d11_table(struct sess *s)
{
	desc_set(&s->q, 0, ~0ULL - 15, 32, INDIRECT, 0);
	bad_chain(s);
}

static void d12_data(struct sess *s)
{
	bad_read(s, 0, SECTOR);
	bad_read(s, RAM_IOVA + RAM_SIZE, SECTOR);
	bad_read(s, RAM_IOVA - SECTOR, SECTOR);
	submit(s, 0, OUT, 0, 0x1000, SECTOR);
	expect_done(s, 0, IOERR, 1);
	expect_good(s);
}

static void d12_header(struct sess *s)
{
	request(s, 0, IN, 0, DATA, SECTOR);
	s->q.desc[0].addr = 0x1000;
	go(s, 0);
	expect_done(s, 0, IOERR, SECTOR + 1);
	expect_good(s);
}

static void d12_status(struct sess *s)
{
	request(s, 0, OUT, 0, DATA, SECTOR); /* and nothing is written: main.c looks */
	memset(data(s), 0x5a, SECTOR);
	s->q.desc[2].addr = 0x1000;
	go(s, 0);
	expect_unanswered(s, 0);
}

static void d12_table(struct sess *s)
{
	desc_set(&s->q, 0, 0x1000, 48, INDIRECT, 0);
	bad_chain(s);
}

/* Two regions that touch in the device's addresses but are the wrong way round in memory. */
struct pair {
	uint64_t border; /* first address of the upper one */
	uint8_t *below, *above; /* memory: the end of the lower one, the start of the upper one */
};

static struct pair two_regions(struct sess *s, unsigned upper_perm)
{
	struct ram r = ram_new(2 * MIB);
	uint64_t low = 0x40000000;

	check(vdpa_map(&s->v, low, r.va + MIB, MIB, VHOST_ACCESS_RW) == 0, "map");
	check(vdpa_map(&s->v, low + MIB, r.va, MIB, upper_perm) == 0, "map");
	return (struct pair){ low + MIB, r.va + 2 * MIB, r.va };
}

static void d13_data(struct sess *s)
{
	struct pair p = two_regions(s, VHOST_ACCESS_RW);

	submit(s, 0, IN, 32, p.border - 700, 2048);
	expect_done(s, 0, OK, 2049);
	expect_disk_bytes(p.below - 700, 32, 700);
	check(memcmp(p.above, world.disk + 32 * SECTOR + 700, 2048 - 700) == 0, "the upper part is wrong");
	expect_good(s);
}

static void d13_write(struct sess *s)
{
	struct pair p = two_regions(s, VHOST_ACCESS_RW);

	memset(p.below - 300, 0x31, 300);
	memset(p.above, 0x32, SECTOR - 300);
	submit(s, 0, OUT, 40, p.border - 300, SECTOR);
	expect_done(s, 0, OK, 1);
	disk_wrote(40 * SECTOR, p.below - 300, 300);
	disk_wrote(40 * SECTOR + 300, p.above, SECTOR - 300);
	expect_good(s);
}

static void d13_header(struct sess *s)
{
	struct pair p = two_regions(s, VHOST_ACCESS_RW);
	struct virtio_blk_outhdr h = { .type = IN, .sector = 48 };

	memcpy(p.below - 12, &h, 12);
	memcpy(p.above, (uint8_t *)&h + 12, 4);
	request(s, 0, IN, 0, DATA, SECTOR);
	s->q.desc[0].addr = p.border - 12;
	go(s, 0);
	expect_done(s, 0, OK, SECTOR + 1);
	expect_disk_bytes(data(s), 48, SECTOR);
	expect_good(s);
}

/* The upper region may not be written to. */
static void d13_permission(struct sess *s)
{
	struct pair p = two_regions(s, VHOST_ACCESS_RO);

	memset(p.above, 0x77, SECTOR);
	bad_read(s, p.border - SECTOR, 2 * SECTOR);
	for (unsigned i = 0; i < SECTOR; i++)
		check(p.above[i] == 0x77, "memory that is read-only for the device was written");
}

static void d14_beyond(struct sess *s)
{
	uint64_t end = RAM_IOVA + RAM_SIZE;

	bad_read(s, end - SECTOR + 1, SECTOR);
	bad_read(s, end - 1, SECTOR);
	submit(s, 0, IN, 0, end - SECTOR, SECTOR);
	expect_done(s, 0, OK, SECTOR + 1);
	expect_disk_bytes(s->ram.va + RAM_SIZE - SECTOR, 0, SECTOR);
	expect_good(s);
}

static void d14_header(struct sess *s)
{
	request(s, 0, IN, 0, DATA, SECTOR);
	s->q.desc[0].addr = RAM_IOVA + RAM_SIZE - 15;
	go(s, 0);
	expect_done(s, 0, IOERR, SECTOR + 1);
	expect_good(s);
}

static void d14_table(struct sess *s)
{
	desc_set(&s->q, 0, RAM_IOVA + RAM_SIZE - 31, 32, INDIRECT, 0);
	bad_chain(s);
}

static void d16_order(struct sess *s)
{
	desc_set(&s->q, 0, slot_header(s, 0, IN, 0), 16, NEXT, 1);
	desc_set(&s->q, 1, DATA, SECTOR, NEXT | WRITE, 2);
	desc_set(&s->q, 2, DATA + SECTOR, SECTOR, NEXT, 3);
	desc_set(&s->q, 3, slot_status_iova(0), 1, WRITE, 0);
	bad_chain(s);
}

static void d16_order_in_table(struct sess *s)
{
	table_set(s, 0, slot_status_iova(0), 1, NEXT | WRITE, 1);
	table_set(s, 1, slot_header(s, 0, IN, 0), 16, 0, 0);
	desc_set(&s->q, 0, TABLE, 32, INDIRECT, 0);
	bad_chain(s);
}

/* A good request in a table; its length is the caller's. */
static void good_table(struct sess *s, unsigned head, uint64_t table, uint32_t len, unsigned flags)
{
	table_set(s, 0, slot_header(s, head, IN, 56), 16, NEXT, 1);
	table_set(s, 1, DATA, SECTOR, NEXT | WRITE, 2);
	table_set(s, 2, slot_status_iova(head), 1, WRITE, 0);
	desc_set(&s->q, head, table, len, flags, 1);
}

static void d17_empty(struct sess *s)
{
	good_table(s, 0, TABLE, 0, INDIRECT);
	bad_chain(s);
}

static void d18_odd(struct sess *s)
{
	static const uint32_t len[] = { 1, 15, 17, 47, 49, UINT32_MAX };

	for (size_t i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		good_table(s, 0, TABLE, len[i], INDIRECT);
		bad_chain(s);
	}
}

static void d19_huge(struct sess *s)
{
	static const uint32_t len[] = { 1025 * 16, 65536 * 16, 0x80000000, UINT32_MAX - 15 };

	for (size_t i = 0; i < sizeof(len) / sizeof(len[0]); i++) {
		good_table(s, 0, TABLE, len[i], INDIRECT);
		bad_chain(s);
	}
}

static void d20_nested(struct sess *s)
{
	table_set(s, 0, TABLE, 32, INDIRECT, 0);
	desc_set(&s->q, 0, TABLE, 32, INDIRECT, 0);
	bad_chain(s);
	table_set(s, 0, TABLE, 32, INDIRECT | NEXT, 1);
	desc_set(&s->q, 0, TABLE, 32, INDIRECT, 0);
	bad_chain(s);
}

static void d21_next(struct sess *s)
{
	good_table(s, 0, TABLE, 48, INDIRECT | NEXT);
	bad_chain(s);
	good_table(s, 0, TABLE, 48, INDIRECT | NEXT);
	desc_set(&s->q, 1, DATA, 16, 0, 0); /* a good one there makes it no better */
	bad_chain(s);
}

static void d22_two_regions(struct sess *s)
{
	struct pair p = two_regions(s, VHOST_ACCESS_RW);
	const uint8_t *table = s->ram.va + TABLE_AT;

	good_table(s, 0, p.border - 20, 48, INDIRECT);
	memcpy(p.below - 20, table, 20);
	memcpy(p.above, table + 20, 28);
	go(s, 0);
	expect_done(s, 0, OK, SECTOR + 1);
	expect_disk_bytes(data(s), 56, SECTOR);
	expect_good(s);
}

static void d22_hole(struct sess *s)
{
	/* the second half of the table cannot be read */
	struct pair p = two_regions(s, VHOST_ACCESS_WO);

	good_table(s, 0, p.border - 32, 48, INDIRECT);
	memcpy(p.below - 32, s->ram.va + TABLE_AT, 32);
	bad_chain(s);
}

/* Needs a session without the feature. */
static void d23_not_negotiated(struct sess *s)
{
	s->features = s->v.offered & ~FEATURE(VIRTIO_RING_F_INDIRECT_DESC);
	sess_start(s);
	good_table(s, 0, TABLE, 48, INDIRECT);
	bad_chain(s);
}

static void d24_next(struct sess *s)
{
	good_table(s, 0, TABLE, 48, INDIRECT);
	table_set(s, 1, DATA, SECTOR, NEXT | WRITE, 3);
	bad_chain(s);
	good_table(s, 0, TABLE, 48, INDIRECT);
	table_set(s, 1, DATA, SECTOR, NEXT | WRITE, 0xffff);
	bad_chain(s);
}

static void d25_flags(struct sess *s)
{
	for (unsigned bit = 3; bit < 16; bit++) {
		request(s, 0, IN, 0, DATA, SECTOR);
		s->q.desc[0].flags = (uint16_t)(s->q.desc[0].flags | 1U << bit);
		bad_chain(s);
	}
}

static void d25_flags_in_table(struct sess *s)
{
	good_table(s, 0, TABLE, 48, INDIRECT);
	table_set(s, 1, DATA, SECTOR, NEXT | WRITE | 0x8000, 2);
	bad_chain(s);
	good_table(s, 0, TABLE, 48, INDIRECT | 0x80);
	bad_chain(s);
}

/*
 * What a bad request left behind is no matter: bad and good ones, 30 in one batch; the last one
 * ends the queue.
 */
static void d5_batch(struct sess *s)
{
	for (unsigned i = 0; i < 30; i++) {
		request(s, 3 * i, IN, i, DATA + (uint64_t)i * SECTOR, SECTOR);
		if (i % 2 == 1)
			s->q.desc[3 * i + 1].addr = 0x1000;
		if (i == 29)
			s->q.desc[3 * i].next = 0xffff;
		queue_offer(&s->q, 3 * i);
	}
	queue_kick(&s->q);
	for (unsigned i = 0; i < 29; i++) {
		expect_done(s, 3 * i, i % 2 ? IOERR : OK, SECTOR + 1);
		if (i % 2 == 0)
			expect_disk_bytes(data(s) + (size_t)i * SECTOR, i, SECTOR);
	}
	expect_unanswered(s, 3 * 29);
}

/*
 * Part of a driver's memory is private, as a VMM's without share=on: the kernel leaves it out and
 * says nothing of it. Where requests ask for a status there, it still holds that of an earlier one:
 * 0, done.
 */
static uint64_t half_private(struct sess *s, uint8_t **private)
{
	const uint64_t at = 0x40000000;
	struct ram r = ram_new(MIB);
	uint8_t *room = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	check(room != MAP_FAILED && mmap(room, MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, r.fd, 0) == room,
	      "mmap");
	*private = room + MIB;
	memset(*private, 0, MIB);
	check(vdpa_map(&s->v, at, room, 2 * MIB, VHOST_ACCESS_RW) == 0, "map");
	submit(s, 0, IN, 0, at, SECTOR);
	expect_done(s, 0, OK, SECTOR + 1);
	return at + MIB;
}

static void d12_private_status(struct sess *s)
{
	uint8_t *private;
	uint64_t at = half_private(s, &private);

	request(s, 0, OUT, 0, DATA, SECTOR);
	memset(data(s), 0x5a, SECTOR);
	s->q.desc[2].addr = at;
	go(s, 0);
	expect_unanswered(s, 0);
}

static void d12_private_table(struct sess *s)
{
	uint8_t *private;
	uint64_t at = half_private(s, &private);

	good_table(s, 0, at, 48, INDIRECT);
	memcpy(private, s->ram.va + TABLE_AT, 48);
	bad_chain(s);
}

static void d12_private_data(struct sess *s)
{
	uint8_t *private;

	bad_read(s, half_private(s, &private), SECTOR);
}

const struct hcase chain_cases[] = {
	{ "D5", "next outside of the ring", d5_next, "next descriptor outside of the ring", 0 },
	{ "D5.batch", "bad and good requests in one batch", d5_batch, NULL, 0 },
	{ "D6", "a descriptor that is its own next", d6_self, "descriptors in a loop", 0 },
	{ "D6.table", "the same in a table", d6_self_in_table, "descriptors in a loop", 0 },
	{ "D7", "two-element loop", d7_two, "descriptors in a loop", 0 },
	{ "D7.table", "the same in a table", d7_two_in_table, "descriptors in a loop", 0 },
	{ "D8", "chain longer than the ring", d8_long, "descriptors in a loop", 0 },
	{ "D8.longest", "chain as long as the ring", d8_longest, NULL, 0 },
	{ "D8.table", "table longer than the ring", d8_long_table, "more data segments than seg_max", 0 },
	{ "D9", "empty buffers in between", d9_some, NULL, 0 },
	{ "D9.all", "nothing but empty buffers", d9_all, "without a place for its status", 0 },
	{ "D9.header", "empty header", d9_header, "without a whole header", 0 },
	{ "D10", "data of 2^32-1 bytes", d10_odd, "more than 4 GiB", 0 },
	{ "D10.even", "data of 2^32-512 bytes", d10_even, "sectors beyond the end", 0 },
	{ "D10.header", "header of 2^32-1 bytes", d10_header, NULL, 0 },
	{ "D10.many", "254 buffers of 2^32-1 bytes", d10_many, "more than 4 GiB", 0 },
	{ "D11", "data wraps around the address space", d11_data, "data buffer wraps around", 0 },
	{ "D11.header", "header wraps around", d11_header, "without a whole header", 0 },
	{ "D11.behind", "the rest of the header's buffer wraps around", d11_data_behind_header, NULL, 0 },
	{ "D11.status", "status wraps around", d11_status, "status wraps around", 0 },
	{ "D11.table", "table wraps around", d11_table, "indirect table not in mapped memory", 0 },
	{ "D12", "data in no memory", d12_data, "not in mapped memory", 0 },
	{ "D12.header", "header in no memory", d12_header, "without a whole header", 0 },
	{ "D12.status", "status in no memory", d12_status, "status is not in mapped memory", 0 },
	{ "D12.private", "status in memory that has no file", d12_private_status, "status is not in mapped memory", 0 },
	{ "D12.private2", "the same with a table", d12_private_table, "indirect table not in mapped memory", 0 },
	{ "D12.private3", "the same with data", d12_private_data, "a data buffer is not in mapped memory", 0 },
	{ "D12.table", "table in no memory", d12_table, "indirect table not in mapped memory", 0 },
	{ "D13", "read across two regions", d13_data, NULL, 0 },
	{ "D13.write", "write across two regions", d13_write, NULL, 0 },
	{ "D13.header", "header across two regions", d13_header, NULL, 0 },
	{ "D13.perm", "second region read-only", d13_permission, "not in mapped memory", 0 },
	{ "D14", "data ends one byte behind its region", d14_beyond, "not in mapped memory", 0 },
	{ "D14.header", "header ends one byte behind its region", d14_header, "without a whole header", 0 },
	{ "D14.table", "table ends one byte behind its region", d14_table, "indirect table not in mapped memory", 0 },
	{ "D16", "readable behind writable", d16_order, "readable buffer behind a writable one", 0 },
	{ "D16.table", "the same in a table", d16_order_in_table, "readable buffer behind a writable one", 0 },
	{ "D17", "table of length 0", d17_empty, "a length that no table has", 0 },
	{ "D18", "table of a length that is no multiple of 16", d18_odd, "a length that no table has", 0 },
	{ "D19", "table too long", d19_huge, "indirect table too long", 0 },
	{ "D20", "table in a table", d20_nested, "an indirect table inside an indirect table", 0 },
	{ "D21", "table and next", d21_next, "indirect descriptor with a next one", 0 },
	{ "D22", "table across two regions", d22_two_regions, NULL, 0 },
	{ "D22.hole", "second half of a table unreadable", d22_hole, "indirect table not in mapped memory", 0 },
	{ "D23", "table without the feature", d23_not_negotiated, "without the feature", CASE_STOPPED },
	{ "D24", "next outside of its table", d24_next, "outside of its indirect table", 0 },
	{ "D25", "unknown descriptor flags", d25_flags, "unknown descriptor flags", 0 },
	{ "D25.table", "unknown flags in and at a table", d25_flags_in_table, "unknown descriptor flags", 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};
