/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/case_memory.c - V7, V10, V11: what a driver can do with its memory's mappings. Part
 * of the hostile driver (hostile.h).
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

#define IN VIRTIO_BLK_T_IN
#define OUT VIRTIO_BLK_T_OUT
#define OK VIRTIO_BLK_S_OK
#define IOERR VIRTIO_BLK_S_IOERR
#define DATA iova_of(DATA_AT)
#define EXTRA 0x60000000ULL
#define ROUNDS_MIN 5U

static void map(struct sess *s, uint64_t iova, const void *va, uint64_t size, unsigned perm)
{
	int rc = vdpa_map(&s->v, iova, va, size, perm);

	check(rc == 0, "map 0x%llx: %s", (unsigned long long)iova, strerror(-rc));
}

static void unmap(struct sess *s, uint64_t iova, uint64_t size)
{
	int rc = vdpa_unmap(&s->v, iova, size);

	check(rc == 0, "unmap 0x%llx: %s", (unsigned long long)iova, strerror(-rc));
}

/* ---- V7 ---- */

/* Rings and all are gone, requests wait; when they are back, these are served, without a reset. */
static void away_and_back(struct sess *s, uint64_t start, uint64_t size)
{
	expect_good(s);
	unmap(s, start, size);
	submit(s, 0, IN, 0, DATA, SECTOR);
	expect_quiet(s);
	check(!world_queue_failed(0), "the queue was given up");
	map(s, RAM_IOVA, s->ram.va, RAM_SIZE, VHOST_ACCESS_RW);
	expect_done(s, 0, OK, SECTOR + 1);
	expect_good(s);
}

static void v7_rings(struct sess *s)
{
	away_and_back(s, RAM_IOVA, RAM_SIZE);
}

static void v7_everything(struct sess *s)
{
	away_and_back(s, 0, ~0ULL);
}

/* One byte of it: the kernel takes away the whole region. */
static void v7_part(struct sess *s)
{
	away_and_back(s, RAM_IOVA + RAM_SIZE - 1, 1);
	away_and_back(s, RAM_IOVA - 100, 101);
}

static void v7_nothing(struct sess *s)
{
	expect_good(s);
	unmap(s, 0x1000, 0x1000);
	unmap(s, ~0ULL, 1);
	expect_good(s);
}

static void v7_data(struct sess *s)
{
	map(s, EXTRA, s->ram.va + DATA_AT, MIB, VHOST_ACCESS_RW);
	submit(s, 0, IN, 0, EXTRA, SECTOR);
	expect_done(s, 0, OK, SECTOR + 1);
	unmap(s, EXTRA, MIB);
	submit(s, 0, IN, 0, EXTRA, SECTOR);
	expect_done(s, 0, IOERR, SECTOR + 1);
	expect_good(s);
}

/* Another file at the same address: the old one is not touched any more. */
static void v7_replaced(struct sess *s)
{
	struct ram old = ram_new(MIB), now = ram_new(MIB);

	for (unsigned i = 0; i < 10; i++) {
		map(s, EXTRA, old.va, MIB, VHOST_ACCESS_RW);
		submit(s, 0, IN, 0, EXTRA, 4096);
		expect_done(s, 0, OK, 4097);
		check(vdpa_batch(&s->v, true) == 0, "batch");
		unmap(s, EXTRA, MIB);
		map(s, EXTRA, now.va, MIB, VHOST_ACCESS_RW);
		check(vdpa_batch(&s->v, false) == 0, "batch");
		memset(old.va, 0x11, 4096);
		memset(now.va, 0x22, 4096);
		submit(s, 0, IN, 8, EXTRA, 4096);
		expect_done(s, 0, OK, 4097);
		expect_disk_bytes(now.va, 8, 4096);
		for (unsigned k = 0; k < 4096; k++)
			check(old.va[k] == 0x11, "memory that was unmapped has been written");
		unmap(s, EXTRA, MIB);
	}
	expect_good(s);
}

/* The rings move to another file, with all that is in them. */
static void v7_rings_replaced(struct sess *s)
{
	struct ram now = ram_new(RAM_SIZE);

	expect_good(s);
	memcpy(now.va, s->ram.va, DATA_AT);
	check(vdpa_batch(&s->v, true) == 0, "batch");
	unmap(s, RAM_IOVA, RAM_SIZE);
	map(s, RAM_IOVA, now.va, RAM_SIZE, VHOST_ACCESS_RW);
	check(vdpa_batch(&s->v, false) == 0, "batch");
	s->ram = now;
	s->q.desc = (struct vring_desc *)(void *)(now.va + DESC_AT);
	s->q.avail = now.va + AVAIL_AT;
	s->q.used = now.va + USED_AT;
	expect_good(s);
}

struct mapper {
	struct sess *s;
	bool stop, whole;
	unsigned rounds;
};

/* Take memory away and give it back, always. */
static void *mapper_main(void *arg)
{
	struct mapper *m = arg;

	while (!__atomic_load_n(&m->stop, __ATOMIC_RELAXED)) {
		if (m->whole) {
			unmap(m->s, 0, ~0ULL);
			map(m->s, RAM_IOVA, m->s->ram.va, RAM_SIZE, VHOST_ACCESS_RW);
		} else {
			unmap(m->s, EXTRA, MIB);
			map(m->s, EXTRA, m->s->ram.va + DATA_AT, MIB, VHOST_ACCESS_RW);
		}
		m->rounds++;
	}
	return NULL;
}

/*
 * Requests are completed all the same: read, or refused where their data alone is gone, and none is
 * forgotten.
 */
static void while_mapping(struct sess *s, bool whole)
{
	struct mapper m = { .s = s, .whole = whole };
	long long end = now_ms() + 1500;
	unsigned rounds = 0;
	pthread_t thread;

	map(s, EXTRA, s->ram.va + DATA_AT, MIB, VHOST_ACCESS_RW);
	check(pthread_create(&thread, NULL, mapper_main, &m) == 0, "thread");
	/* a slow machine gets the time that a few rounds take */
	for (; now_ms() < end || (rounds <= ROUNDS_MIN && now_ms() < end + SOON_MS); rounds++) {
		for (unsigned i = 0; i < 16; i++) {
			request(s, 3 * i, IN, i * 8, (whole ? DATA : EXTRA) + i * 4096, 4096);
			queue_offer(&s->q, 3 * i);
		}
		queue_kick(&s->q);
		check(queue_wait(&s->q, 16, SOON_MS), "requests were forgotten");
		for (unsigned i = 0; i < 16; i++) {
			struct used u = queue_take(&s->q);

			check(u.id == 3 * i && u.len == 4097, "used");
			check(slot_status(s, 3 * i) == OK || (!whole && slot_status(s, 3 * i) == IOERR),
			      "status is 0x%02x", slot_status(s, 3 * i));
		}
	}
	__atomic_store_n(&m.stop, true, __ATOMIC_RELAXED);
	(void)pthread_join(thread, NULL);
	check(rounds > ROUNDS_MIN && m.rounds > ROUNDS_MIN, "%u rounds over %u changes prove nothing", rounds,
	      m.rounds);
	expect_good(s);
}

static void v7_in_flight(struct sess *s)
{
	while_mapping(s, false);
}

static void v7_all_in_flight(struct sess *s)
{
	while_mapping(s, true);
}

/* What no region can be; most of it the kernel refuses. */
static void v7_nonsense(struct sess *s)
{
	check(vdpa_map(&s->v, RAM_IOVA + MIB, s->ram.va, MIB, VHOST_ACCESS_RW) < 0, "overlaps another");
	check(vdpa_map(&s->v, ~0ULL, s->ram.va, 2, VHOST_ACCESS_RW) < 0, "wraps around");
	check(vdpa_map(&s->v, EXTRA, s->ram.va, 0, VHOST_ACCESS_RW) < 0, "empty");
	(void)vdpa_map(&s->v, EXTRA, NULL, MIB, VHOST_ACCESS_RW);
	(void)vdpa_unmap(&s->v, EXTRA, MIB);
	(void)vdpa_map(&s->v, RAM_IOVA + RAM_SIZE, s->ram.va, 1ULL << 46, VHOST_ACCESS_RW);
	(void)vdpa_unmap(&s->v, RAM_IOVA + RAM_SIZE, 1ULL << 46);
	expect_good(s);
}

/* A mapping that starts in front of its file: the kernel passes on an offset below 0. */
static void v7_before_the_file(struct sess *s)
{
	uint8_t *room = mmap(NULL, 4 * MIB, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	struct ram r = ram_new(MIB);

	check(room != MAP_FAILED && munmap(room, 4 * MIB) == 0, "room");
	check(mmap(room + 2 * MIB, MIB, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, r.fd, 0) != MAP_FAILED, "mmap");
	(void)vdpa_map(&s->v, EXTRA, room + MIB, 2 * MIB, VHOST_ACCESS_RW);
	submit(s, 0, IN, 0, EXTRA, 4096);
	expect_done(s, 0, IOERR, 4097);
	submit(s, 0, IN, 0, EXTRA + MIB - SECTOR, 1024);
	check(queue_wait(&s->q, 1, SOON_MS), "not completed");
	(void)queue_take(&s->q);
	expect_good(s);
}

/* ---- V10 ---- */

static void with_perm(struct sess *s, unsigned perm, unsigned read_status, unsigned write_status)
{
	struct ram r = ram_new(MIB);

	memcpy(r.va, world.disk, 4096);
	map(s, EXTRA, r.va, MIB, perm);
	submit(s, 0, OUT, 0, EXTRA, 4096);
	expect_done(s, 0, write_status, 1);
	memset(r.va, 0x12, 4096);
	submit(s, 0, IN, 8, EXTRA, 4096);
	expect_done(s, 0, read_status, 4097);
	if (read_status == OK)
		expect_disk_bytes(r.va, 8, 4096);
	else
		check(r.va[0] == 0x12 && r.va[4095] == 0x12, "memory was written without permission");
	unmap(s, EXTRA, MIB);
	expect_good(s);
}

static void v10_read_only(struct sess *s)
{
	with_perm(s, VHOST_ACCESS_RO, IOERR, OK);
}

static void v10_write_only(struct sess *s)
{
	with_perm(s, VHOST_ACCESS_WO, OK, IOERR);
}

static void v10_none(struct sess *s)
{
	with_perm(s, 0, IOERR, IOERR);
}

static void v10_unknown(struct sess *s)
{
	with_perm(s, 4, IOERR, IOERR);
	with_perm(s, 0xff, IOERR, IOERR);
}

/* Status, header and table in memory of the wrong permission. */
static void v10_parts(struct sess *s)
{
	struct ram r = ram_new(MIB);

	map(s, EXTRA, r.va, MIB, VHOST_ACCESS_RO);
	request(s, 0, IN, 0, DATA, SECTOR);
	s->q.desc[2].addr = EXTRA;
	queue_offer(&s->q, 0);
	queue_kick(&s->q);
	expect_unanswered(s, 0);
	unmap(s, EXTRA, MIB);
	map(s, EXTRA, r.va, MIB, VHOST_ACCESS_WO);
	request(s, 0, IN, 0, DATA, SECTOR);
	s->q.desc[0].addr = EXTRA;
	queue_offer(&s->q, 0);
	queue_kick(&s->q);
	expect_done(s, 0, IOERR, SECTOR + 1);
	desc_set(&s->q, 0, EXTRA, 48, VRING_DESC_F_INDIRECT, 0);
	(void)slot_header(s, 0, IN, 0);
	queue_offer(&s->q, 0);
	queue_kick(&s->q);
	expect_unanswered(s, 0);
}

/* The used ring cannot be written, or the others not be read. */
static void v10_rings(struct sess *s)
{
	static const struct {
		unsigned perm;
		int which;
	} wrong[] = {
		{ VHOST_ACCESS_RO, 2 }, { VHOST_ACCESS_WO, 2 }, { VHOST_ACCESS_WO, 0 }, { VHOST_ACCESS_WO, 1 }, { 0, 0 }
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		uint64_t *ring[] = { &s->q.desc_iova, &s->q.avail_iova, &s->q.used_iova };

		map(s, EXTRA, s->ram.va + DATA_AT, MIB, wrong[i].perm);
		*ring[wrong[i].which] = EXTRA;
		expect_refused_start(s);
		unmap(s, EXTRA, MIB);
	}
}

/* A file that the driver itself may only read, given out as writable. */
static void v10_file(struct sess *s)
{
	int fd = open("/tmp/hostile-read-only", O_RDONLY | O_CREAT | O_CLOEXEC, 0444);
	void *p;

	check(fd >= 0 && truncate("/tmp/hostile-read-only", MIB) == 0, "file: %s", strerror(errno));
	p = mmap(NULL, MIB, PROT_READ, MAP_SHARED, fd, 0);
	check(p != MAP_FAILED, "mmap");
	map(s, EXTRA, p, MIB, VHOST_ACCESS_RW);
	submit(s, 0, IN, 0, EXTRA, 4096);
	expect_done(s, 0, IOERR, 4097);
	for (unsigned i = 0; i < 4096; i++)
		check(((uint8_t *)p)[i] == 0, "a file that the driver may only read was written");
	unmap(s, EXTRA, MIB);
	map(s, EXTRA, p, MIB, VHOST_ACCESS_WO);
	submit(s, 0, IN, 0, EXTRA, 4096);
	expect_done(s, 0, IOERR, 4097);
	(void)unlink("/tmp/hostile-read-only");
	expect_good(s);
}

/* Memory that is no file of the driver's, or no memory. */
static void v10_strange(struct sess *s)
{
	static const char *const file[] = { "/dev/zero", "/proc/self/maps", "/sys/kernel/notes" };

	for (size_t i = 0; i < sizeof(file) / sizeof(file[0]); i++) {
		int fd = open(file[i], O_RDWR | O_CLOEXEC);
		void *p = fd < 0 ? MAP_FAILED : mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (p != MAP_FAILED && vdpa_map(&s->v, EXTRA, p, MIB, VHOST_ACCESS_RW) == 0) {
			submit(s, 0, IN, 0, EXTRA, 4096);
			check(queue_wait(&s->q, 1, SOON_MS), "not completed");
			(void)queue_take(&s->q);
			unmap(s, EXTRA, MIB);
		}
		if (fd >= 0)
			(void)close(fd);
	}
	expect_good(s);
}

/* The disk's own file as the driver's memory: reads and writes of the same pages. */
static void v10_own_file(struct sess *s)
{
	int fd = open(world.image, O_RDWR | O_CLOEXEC);
	void *p = mmap(NULL, world.capacity, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	check(fd >= 0 && p != MAP_FAILED, "%s: %s", world.image, strerror(errno));
	map(s, EXTRA, p, world.capacity, VHOST_ACCESS_RW);
	submit(s, 0, IN, 0, EXTRA, 65536);
	expect_done(s, 0, OK, 65537);
	submit(s, 0, OUT, 0, EXTRA + 1, 65536);
	expect_done(s, 0, OK, 1);
	submit(s, 0, IN, 0, EXTRA + SECTOR, 65536);
	expect_done(s, 0, OK, 65537);
	expect_good(s);
}

/* ---- V11 ---- */

/*
 * As many regions of a page as given, in one batch; the odd pages of the memory, so that none are
 * neighbours.
 */
static void many_regions(struct sess *s, unsigned n)
{
	check(vdpa_batch(&s->v, true) == 0, "batch");
	for (unsigned i = 0; i < n; i++)
		map(s, EXTRA + i * 8192ULL, s->ram.va + DATA_AT + i * 4096UL, 4096, VHOST_ACCESS_RW);
	check(vdpa_batch(&s->v, false) == 0, "batch");
}

static void read_regions(struct sess *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		submit(s, 0, IN, i, EXTRA + i * 8192ULL, SECTOR);
		expect_done(s, 0, OK, SECTOR + 1);
		expect_disk_bytes(s->ram.va + DATA_AT + i * 4096UL, i, SECTOR);
	}
}

/* A write from each of them, in full batches, and all land. */
static void v11_writes(struct sess *s)
{
	const unsigned n = 300, batch = 30;

	many_regions(s, n);
	for (unsigned i = 0; i < n; i++) {
		uint8_t *data = s->ram.va + DATA_AT + i * 4096UL;

		memset(data, (int)(1 + i % 255), SECTOR);
		disk_wrote((1000 + i) * (uint64_t)SECTOR, data, SECTOR);
	}
	for (unsigned i = 0; i < n; i += batch) {
		for (unsigned k = 0; k < batch; k++) {
			request(s, 3 * k, OUT, 1000 + i + k, EXTRA + (i + k) * 8192ULL, SECTOR);
			queue_offer(&s->q, 3 * k);
		}
		queue_kick(&s->q);
		for (unsigned k = 0; k < batch; k++)
			expect_done(s, 3 * k, OK, 1);
	}
	expect_good(s); /* and main.c looks at the disk */
}

/* The device's map is filled, emptied and filled again. */
static void v11_many(struct sess *s)
{
	const unsigned n = 2000; /* the kernel takes 2048 */

	many_regions(s, n);
	read_regions(s, n);
	expect_good(s);
	read_regions(s, 10);
	unmap(s, EXTRA, n * 8192ULL);
	map(s, EXTRA, s->ram.va + DATA_AT, MIB, VHOST_ACCESS_RW);
	read_regions(s, 1);
	expect_good(s);
}

static void v11_one_request(struct sess *s)
{
	const unsigned n = 254;

	many_regions(s, 600);
	table_set(s, 0, slot_header(s, 0, IN, 0), 16, VRING_DESC_F_NEXT, 1);
	for (unsigned i = 1; i <= n; i++)
		table_set(s, i, EXTRA + (i + 300) * 8192ULL, SECTOR, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, i + 1);
	table_set(s, n + 1, slot_status_iova(0), 1, VRING_DESC_F_WRITE, 0);
	desc_set(&s->q, 0, iova_of(TABLE_AT), 16 * (n + 2), VRING_DESC_F_INDIRECT, 0);
	queue_offer(&s->q, 0);
	queue_kick(&s->q);
	expect_done(s, 0, OK, n * SECTOR + 1);
	expect_good(s);
}

const struct hcase memory_cases[] = {
	{ "V7", "memory with the rings unmapped and mapped again", v7_rings, NULL, 0 },
	{ "V7.all", "everything unmapped: 0 to 2^64-1", v7_everything, NULL, 0 },
	{ "V7.part", "one byte of it unmapped", v7_part, NULL, 0 },
	{ "V7.none", "what is not mapped unmapped", v7_nothing, NULL, 0 },
	{ "V7.data", "data unmapped", v7_data, "not in mapped memory", 0 },
	{ "V7.replaced", "data replaced by other memory", v7_replaced, NULL, 0 },
	{ "V7.rings", "rings replaced by other memory", v7_rings_replaced, NULL, 0 },
	{ "V7.flight", "data unmapped and mapped with requests in flight", v7_in_flight, NULL, CASE_BUSY },
	{ "V7.flight2", "the same with everything", v7_all_in_flight, NULL, CASE_BUSY },
	{ "V7.nonsense", "regions that cannot be: the kernel's part", v7_nonsense, NULL, 0 },
	{ "V7.before", "region that starts in front of its file", v7_before_the_file, "not in mapped memory", 0 },
	{ "V10", "region without permission", v10_none, "not in mapped memory", CASE_KERNEL_WARNS },
	{ "V10.ro", "region that is read-only", v10_read_only, "not in mapped memory", 0 },
	{ "V10.wo", "region that is write-only", v10_write_only, "not in mapped memory", 0 },
	{ "V10.unknown", "permissions that there are not", v10_unknown, NULL, CASE_KERNEL_WARNS },
	{ "V10.parts", "header, status, table without permission", v10_parts, NULL, 0 },
	{ "V10.rings", "rings without permission", v10_rings, "rings are not in mapped memory",
	  CASE_STOPPED | CASE_KERNEL_WARNS },
	{ "V10.file", "read-only file given out as writable", v10_file, "not in mapped memory", 0 },
	{ "V10.strange", "memory that is a device or a pseudo file", v10_strange, NULL, 0 },
	{ "V10.own", "the disk's own file as memory", v10_own_file, NULL, CASE_SCRIBBLES },
	{ "V11", "more regions than the device remembers", v11_many, NULL, CASE_BUSY | CASE_SLOW },
	{ "V11.writes", "a write from each of 300 regions", v11_writes, NULL, 0 },
	{ "V11.one", "254 regions in one request", v11_one_request, NULL, 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};
