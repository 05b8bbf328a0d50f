/*
 * tests/hostile/case_chain.c - D5 to D14, D16 to D25: what a chain of descriptors can be. Part of the hostile driver (hostile.h).
 * A bad chain is a bad request: it is completed, with an error where there is a place for a status, and the queue goes on.
 */
#include <string.h>

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

/* The chain that starts at 0 is too broken to have a status; the queue lives. */
static void bad_chain(struct sess *s)
{
	(void)slot_header(s, 0, IN, 0);
	go(s, 0);
	expect_unanswered(s, 0);
	expect_good(s);
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
	expect_done(s, 0, IOERR, 0); /* with the status byte that makes 4 GiB: more than the used ring can say */
	expect_good(s);
}

static void d10_even(struct sess *s)
{
	bad_read(s, DATA, 0xfffffe00);
}

static void d10_header(struct sess *s)
{
	request(s, 0, IN, 16, DATA, SECTOR);
	s->q.desc[0].len = UINT32_MAX; /* longer than the memory; only its first 16 bytes mean something */
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
	expect_good(s);
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
	expect_good(s);
}

static void d12_table(struct sess *s)
{
	desc_set(&s->q, 0, 0x1000, 48, INDIRECT, 0);
	bad_chain(s);
}

/*
 * Two regions that touch in the device's addresses but not in memory: the session's last MiB at `low`, its last but one
 * behind it.
 */
static uint64_t two_regions(struct sess *s, uint64_t low, unsigned high_perm)
{
	uint8_t *last = s->ram.va + RAM_SIZE - MIB;

	check(vdpa_map(&s->v, low, last - 2 * MIB, MIB, VHOST_ACCESS_RW) == 0, "map");
	check(vdpa_map(&s->v, low + MIB, last - MIB, MIB, high_perm) == 0, "map");
	return low + MIB;
}

#define LOW 0x40000000ULL
#define BELOW(s) ((s)->ram.va + RAM_SIZE - 2 * MIB)     /* ends where the lower region ends */
#define ABOVE(s) ((s)->ram.va + RAM_SIZE - 2 * (size_t)MIB) /* starts where the upper one starts */

static void d13_data(struct sess *s)
{
	uint64_t border = two_regions(s, LOW, VHOST_ACCESS_RW);

	/* below and above are neighbours in memory, too, so take the one that shows the border: turn them round */
	submit(s, 0, IN, 32, border - 700, 2048);
	expect_done(s, 0, OK, 2049);
	expect_disk_bytes(BELOW(s) - 700, 32, 2048);
	expect_good(s);
}
