/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/case_huge.c - memory on huge pages, which the kernel maps by its own rules
 * (worker/ring/iova.c): what was given up is free again, and a file that is cut does not kill the
 * worker. Part of the hostile driver (hostile.h).
 */
#include <errno.h>
#include <linux/memfd.h>
#include <stdio.h>
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
#define UNSURE 64 /* a sector */
#define HUGE_SIZE (2UL * MIB)
#define PAGES 12UL /* of the host */
#define USED 3UL /* of them, by the driver */
#define ROUNDS 4U
#define ODD (2 * HUGE_SIZE + 4096) /* a region that ends in the third of them */

static unsigned long meminfo(const char *key)
{
	char line[200];
	unsigned long n = 0;
	FILE *f = fopen("/proc/meminfo", "re");

	while (f && fgets(line, sizeof(line), f))
		if (strncmp(line, key, strlen(key)) == 0)
			n = strtoul(line + strlen(key), NULL, 10);
	if (f)
		(void)fclose(f);
	return n;
}

static void reserve(void)
{
	FILE *f = fopen("/proc/sys/vm/nr_hugepages", "we");

	check(f && fprintf(f, "%lu\n", PAGES) > 0 && fclose(f) == 0, "nr_hugepages");
	check(meminfo("HugePages_Total:") == PAGES, "the host has %lu huge pages", meminfo("HugePages_Total:"));
}

/* All come back: the worker unmaps a little later than it answers. */
static void expect_all_free(void)
{
	long long end = now_ms() + SOON_MS;

	while (meminfo("HugePages_Free:") != PAGES && now_ms() < end)
		sleep_ms(5);
	check(meminfo("HugePages_Free:") == PAGES, "%lu of %lu huge pages are free", meminfo("HugePages_Free:"), PAGES);
}

static struct ram huge_new(struct sess *s)
{
	struct ram r = { .fd = memfd_create("driver", MFD_CLOEXEC | MFD_HUGETLB | MFD_HUGE_2MB),
			 .size = USED * HUGE_SIZE };
	int rc;

	check(r.fd >= 0 && ftruncate(r.fd, (off_t)r.size) == 0, "memfd: %s", strerror(errno));
	r.va = mmap(NULL, r.size, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, 0);
	check(r.va != MAP_FAILED, "mmap: %s", strerror(errno));
	rc = vdpa_map(&s->v, EXTRA, r.va, ODD, VHOST_ACCESS_RW);
	check(rc == 0, "map: %s", strerror(-rc));
	submit(s, 0, IN, 0, EXTRA + ODD - SECTOR, SECTOR);
	expect_done(s, 0, OK, SECTOR + 1);
	expect_disk_bytes(r.va + ODD - SECTOR, 0, SECTOR);
	return r;
}

/* The driver has nothing of it any more. */
static void huge_free(const struct ram *r)
{
	check(munmap(r->va, r->size) == 0 && close(r->fd) == 0, "munmap");
}

static void unmap(struct sess *s)
{
	int rc = vdpa_unmap(&s->v, EXTRA, ODD);

	check(rc == 0, "unmap: %s", strerror(-rc));
}

static void v7_huge(struct sess *s)
{
	reserve();
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct ram r = huge_new(s);

		unmap(s);
		huge_free(&r);
		expect_all_free();
	}
	expect_good(s);
}

/* The driver ends: here, it resets the device first. */
static void v7_huge_reset(struct sess *s)
{
	reserve();
	for (unsigned i = 0; i < ROUNDS; i++) {
		struct ram r = huge_new(s);

		sess_reset(s);
		unmap(s);
		huge_free(&r);
		expect_all_free();
		expect_good_after_reset(s);
	}
}

/*
 * Header, then status, in a page that is gone; with them the last piece of the mapping, which ends
 * in its middle. A write whose status is lost may be executed: not of the sector that is looked at.
 */
static void d15_huge(struct sess *s)
{
	reserve();
	for (unsigned part = 0; part < 4; part++) {
		struct ram r = huge_new(s);
		uint64_t at = part & 1 ? EXTRA + ODD - 64 : EXTRA;

		check(ftruncate(r.fd, 0) == 0, "ftruncate: %s", strerror(errno));
		request(s, 0, OUT, UNSURE, DATA, SECTOR);
		s->q.desc[part & 2].addr = at;
		queue_offer(&s->q, 0);
		queue_kick(&s->q);
		expect_unanswered(s, 0);
		unmap(s);
		huge_free(&r);
		expect_all_free();
		expect_good(s);
	}
}

/* The places of many statuses, all in different small pages of a huge one that is gone. */
static void d15_huge_statuses(struct sess *s)
{
	const unsigned n = 30;
	struct ram r;

	reserve();
	r = huge_new(s);
	check(ftruncate(r.fd, 0) == 0, "ftruncate: %s", strerror(errno));
	for (unsigned i = 0; i < n; i++) {
		request(s, 3 * i, IN, i, DATA + i * 4096UL, SECTOR);
		s->q.desc[3 * i + 2].addr = EXTRA + HUGE_SIZE + i * 8192UL;
		queue_offer(&s->q, 3 * i);
	}
	queue_kick(&s->q);
	expect_unanswered(s, 3 * (n - 1));
	unmap(s);
	huge_free(&r);
	expect_all_free();
	expect_good(s);
}

const struct hcase huge_cases[] = {
	{ "V7.huge", "huge pages unmapped", v7_huge, NULL, CASE_BUSY },
	{ "V7.huge2", "a reset with huge pages", v7_huge_reset, NULL, CASE_BUSY },
	{ "D15.huge", "huge pages gone", d15_huge, "a page of its memory is gone", CASE_SCRIBBLES },
	{ "D15.huge2", "statuses in a huge page that is gone", d15_huge_statuses, "a page of its memory is gone", 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};
