/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/remap.c - a driver in userspace whose memory changes while requests are in flight,
 * so that a worker can be killed at K11. Test program, runs as root in the test VM, with the calls
 * of the hostile driver, but means no harm.
 *
 *   remap /dev/vhost-vdpa-N BACKING-FILE
 * Every round: a region is mapped, written from, and unmapped while other writes are in flight. In
 * the end all that was acknowledged must be readable, and be in the file. Exit status 0: it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

#define EXTRA 0x20000000ULL
#define ROUNDS 6U
#define REQUESTS 8U
#define LEN 4096U
#define PER_ROUND (2U * REQUESTS) /* half of them from the region that comes and goes */
#define PATIENCE_MS 30000

void case_fail(const char *file, int line, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)fprintf(stderr, "remap: %s:%d: ", file, line);
	(void)vfprintf(stderr, fmt, ap);
	(void)fputc('\n', stderr);
	va_end(ap);
	exit(1);
}

long long now_ms(void)
{
	struct timespec ts;

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

void sleep_ms(int ms)
{
	const struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000L };

	(void)nanosleep(&ts, NULL);
}

static unsigned char pattern(unsigned block)
{
	return (unsigned char)(1 + block % 251);
}

static uint64_t sector_of(unsigned block)
{
	return (uint64_t)block * (LEN / SECTOR);
}

static void await(struct sess *s, unsigned n)
{
	check(queue_wait(&s->q, n, PATIENCE_MS), "%u requests were not completed", n);
	for (unsigned i = 0; i < n; i++) {
		struct used u = queue_take(&s->q);

		check(slot_status(s, u.id) == VIRTIO_BLK_S_OK, "request %u ended with status %u", u.id,
		      slot_status(s, u.id));
	}
}

/* Blocks first to first + REQUESTS - 1, from memory at iova, which is va here; not awaited. */
static void write_blocks(struct sess *s, unsigned first, unsigned head, uint64_t iova, uint8_t *va)
{
	for (unsigned i = 0; i < REQUESTS; i++) {
		memset(va + (size_t)i * LEN, pattern(first + i), LEN);
		request(s, head + 4 * i, VIRTIO_BLK_T_OUT, sector_of(first + i), iova + (uint64_t)i * LEN, LEN);
		queue_offer(&s->q, head + 4 * i);
	}
	queue_kick(&s->q);
}

static void round_of(struct sess *s, unsigned r, struct ram *extra)
{
	unsigned first = r * PER_ROUND;

	check(vdpa_map(&s->v, EXTRA, extra->va, MIB, VHOST_ACCESS_RW) == 0, "map");
	write_blocks(s, first, 0, EXTRA, extra->va);
	await(s, REQUESTS);
	write_blocks(s, first + REQUESTS, 4 * REQUESTS, iova_of(DATA_AT), s->ram.va + DATA_AT);
	check(vdpa_unmap(&s->v, EXTRA, MIB) == 0, "unmap");
	await(s, REQUESTS);
}

static void verify(struct sess *s, const uint8_t *file)
{
	const uint8_t *got = s->ram.va + DATA_AT;
	uint8_t want[LEN];

	for (unsigned b = 0; b < ROUNDS * PER_ROUND; b++) {
		memset(want, pattern(b), LEN);
		submit(s, 0, VIRTIO_BLK_T_IN, sector_of(b), iova_of(DATA_AT), LEN);
		await(s, 1);
		check(memcmp(got, want, LEN) == 0, "block %u is not what was written", b);
		check(memcmp(file + (size_t)b * LEN, want, LEN) == 0, "block %u of the file is not what was written",
		      b);
	}
}

int main(int argc, char **argv)
{
	static struct sess s;
	struct ram extra = ram_new(MIB);
	uint8_t *file;
	int fd;

	if (argc != 3)
		return 2;
	fd = open(argv[2], O_RDONLY | O_CLOEXEC);
	check(fd >= 0, "%s: %s", argv[2], strerror(errno));
	file = mmap(NULL, (size_t)ROUNDS * PER_ROUND * LEN, PROT_READ, MAP_SHARED, fd, 0);
	check(file != MAP_FAILED, "%s: %s", argv[2], strerror(errno));
	sess_open(&s, argv[1]);
	sess_start(&s);
	for (unsigned r = 0; r < ROUNDS; r++)
		round_of(&s, r, &extra);
	verify(&s, file);
	return 0;
}
