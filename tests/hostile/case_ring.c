/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/case_ring.c - D1 to D4, D28 to D38: the rings themselves and the kicks. Part of the
 * hostile driver (hostile.h). A ring that says what no ring can say ends its queue until the driver
 * resets the device; one that cannot be served at all is refused at DRIVER_OK.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

#define IN VIRTIO_BLK_T_IN
#define OK VIRTIO_BLK_S_OK
#define DATA iova_of(DATA_AT)

static void head_outside(struct sess *s, unsigned head)
{
	request(s, 0, IN, 0, DATA, SECTOR);
	queue_offer(&s->q, head);
	queue_kick(&s->q);
	expect_malformed(s);
}

static void d1_head(struct sess *s)
{
	head_outside(s, RING_NUM);
	head_outside(s, 0xffff);
}

/* What came before it is still answered. */
static void d1_behind_good(struct sess *s)
{
	request(s, 0, IN, 0, DATA, SECTOR);
	queue_offer(&s->q, 0);
	queue_offer(&s->q, 0x8000);
	queue_kick(&s->q);
	expect_done(s, 0, OK, SECTOR + 1);
	expect_malformed(s);
}

static void d2_twice(struct sess *s)
{
	request(s, 0, IN, 0, DATA, SECTOR);
	queue_offer(&s->q, 0);
	queue_offer(&s->q, 0);
	queue_kick(&s->q);
	expect_done(s, 0, OK, SECTOR + 1);
	expect_malformed(s);
}

static void d3_jump(struct sess *s)
{
	request(s, 0, IN, 0, DATA, SECTOR);
	queue_set_avail_idx(&s->q, RING_NUM + 1);
	queue_kick(&s->q);
	expect_malformed(s);
	queue_set_avail_idx(&s->q, s->q.avail_idx + 0x8000);
	queue_kick(&s->q);
	expect_malformed(s);
}

static void d4_back(struct sess *s)
{
	expect_good(s);
	queue_set_avail_idx(&s->q, s->q.avail_idx - 1U);
	queue_kick(&s->q);
	expect_malformed(s);
}

/* The driver says that it starts elsewhere than its rings do. */
static void d4_base(struct sess *s)
{
	s->base = 5;
	queue_clear(&s->q, 0);
	expect_refused_start(s);
}

/* It starts just below the end of its 16 bits, which is its right. */
static void d4_wrap(struct sess *s)
{
	s->base = 0xfffe;
	sess_start(s);
	expect_good(s);
	expect_good(s);
}

static void d28_used_event(struct sess *s)
{
	for (unsigned i = 0; i < 64; i++) {
		queue_set_used_event(&s->q, (uint16_t)(i * 40503U));
		submit(s, 0, IN, i, DATA, SECTOR);
		expect_done(s, 0, OK, SECTOR + 1);
		expect_disk_bytes(s->ram.va + DATA_AT, i, SECTOR);
	}
	expect_good(s);
}

/* ---- where the rings are ---- */

static void d29_desc(struct sess *s)
{
	static const unsigned off[] = { 1, 2, 4, 8 };

	for (size_t i = 0; i < sizeof(off) / sizeof(off[0]); i++) {
		s->q.desc_iova += off[i];
		expect_refused_start(s);
	}
}

/* The kernel refuses these two for us: what the queue is left with are addresses of 0. */
static void d29_kernel(struct sess *s)
{
	uint64_t d = s->q.desc_iova, a = s->q.avail_iova, u = s->q.used_iova;

	check(vdpa_vring_addr(&s->v, 0, d, a + 1, u) == -EINVAL, "an odd available ring is taken by the kernel");
	check(vdpa_vring_addr(&s->v, 0, d, a, u + 2) == -EINVAL, "a misaligned used ring is taken by the kernel");
	s->q.avail_iova++;
	expect_unused(s);
}

/* Aligned addresses of memory that is not. */
static void d29_memory(struct sess *s)
{
	uint64_t at = 0x50000000;

	check(vdpa_map(&s->v, at, s->ram.va + 1, MIB, VHOST_ACCESS_RW) == 0, "map");
	s->q.desc_iova = at + DESC_AT;
	s->q.avail_iova = at + AVAIL_AT;
	s->q.used_iova = at + USED_AT;
	expect_refused_start(s);
}

/* A region that ends `short_by` bytes before one of the rings does. */
static void ring_at_end(struct sess *s, uint64_t *iova, uint64_t size, unsigned short_by)
{
	uint64_t at = 0x50000000;
	uint64_t room = (size + 63) / 64 * 64;
	int rc = vdpa_map(&s->v, at, s->ram.va + DATA_AT, room - short_by, VHOST_ACCESS_RW);

	check(rc == 0, "map: %s", strerror(-rc));
	*iova = at + (room - size) / 16 * 16;
	check(*iova + size > at + room - short_by, "the test is wrong");
	expect_refused_start(s);
	check(vdpa_unmap(&s->v, at, room - short_by) == 0, "unmap");
}

static void d30_end(struct sess *s)
{
	ring_at_end(s, &s->q.desc_iova, 16 * RING_NUM, 1);
	ring_at_end(s, &s->q.avail_iova, 6 + 2 * RING_NUM, 16);
	ring_at_end(s, &s->q.used_iova, 6 + 8 * RING_NUM, 16);
}

static void d30_nowhere(struct sess *s)
{
	s->q.desc_iova = 0x1000;
	expect_refused_start(s);
	s->q.avail_iova = 0x1000;
	expect_refused_start(s);
	s->q.used_iova = ~0ULL - 3;
	expect_refused_start(s);
	s->q.desc_iova = ~0ULL - 15;
	expect_refused_start(s);
}

/* Exactly at the end of a region, and of all addresses. */
static void d30_fits(struct sess *s)
{
	uint64_t size = 16 * RING_NUM, at = ~0ULL - size + 1;

	check(vdpa_map(&s->v, at, s->ram.va + DESC_AT, size, VHOST_ACCESS_RO) == 0, "map");
	s->q.desc_iova = at;
	sess_start(s);
	expect_good(s);
}

static void d31_none(struct sess *s)
{
	s->q.num = 0; /* and so VHOST_SET_VRING_NUM is left out */
	expect_refused_start(s);
}

static void d31_kernel(struct sess *s)
{
	check(vdpa_vring(&s->v, VHOST_SET_VRING_NUM, 0, 0) == -EINVAL, "a ring of 0 entries is taken by the kernel");
	expect_good_after_reset(s);
}

static void d32_odd(struct sess *s)
{
	static const unsigned num[] = { 3, 48, 255, 257, 65535, 65536 + 256 };

	for (size_t i = 0; i < sizeof(num) / sizeof(num[0]); i++)
		check(vdpa_vring(&s->v, VHOST_SET_VRING_NUM, 0, num[i]) == -EINVAL,
		      "a ring of %u entries is taken by the kernel", num[i]);
	expect_good_after_reset(s);
}

static void d33_large(struct sess *s)
{
	static const unsigned num[] = { 512, 1024, 2048, 32768 };

	for (size_t i = 0; i < sizeof(num) / sizeof(num[0]); i++) {
		check(vdpa_vring(&s->v, VHOST_SET_VRING_NUM, 0, num[i]) == -EINVAL,
		      "a ring of %u entries is taken by the kernel", num[i]);
		s->q.num = (uint16_t)num[i]; /* and so none is set, nor an address */
		expect_unused(s);
	}
}

static void d33_small(struct sess *s)
{
	for (unsigned num = 4; num <= 128; num *= 2) {
		queue_place(s, &s->q, 0, (uint16_t)num, DESC_AT);
		sess_start(s);
		expect_good(s);
	}
	expect_good_after_reset(s);
}

/* ---- rings in each other and in the data: anything may come of it, but for us alone ---- */

static void muddle(struct sess *s)
{
	for (unsigned i = 0; i < 40; i++) {
		submit(s, i % 64 * 3, IN, i, DATA, SECTOR);
		(void)queue_wait(&s->q, 1, 2);
		s->q.used_seen = queue_used_idx(&s->q);
	}
	expect_good_after_reset(s);
}

/* Started as they are, without being cleared first. */
static void start_overlapping(struct sess *s)
{
	memset(s->ram.va, 0, SLOT_AT);
	check(sess_try_start(s) == ST_RUNNING, "rings that overlap are none of the device's business");
}

static void d34_used_is_avail(struct sess *s)
{
	s->q.used_iova = s->q.avail_iova;
	s->q.used = s->q.avail;
	start_overlapping(s);
	muddle(s);
}

static void d34_all_one(struct sess *s)
{
	s->q.avail_iova = s->q.used_iova = s->q.desc_iova;
	s->q.avail = s->q.used = (uint8_t *)s->q.desc;
	start_overlapping(s);
	muddle(s);
}

static void d34_used_is_desc(struct sess *s)
{
	s->q.used_iova = s->q.desc_iova + 16;
	s->q.used = (uint8_t *)s->q.desc + 16;
	start_overlapping(s);
	muddle(s);
}

/* Two queues with the same rings. */
static void d34_shared(struct sess *s)
{
	struct queue q1 = { 0 };

	if (world.queues < 2)
		case_skip("the device has one queue");
	queue_clear(&s->q, 0);
	sess_reset(s);
	queue_place(s, &q1, 1, RING_NUM, DESC_AT);
	(void)vdpa_set_status(&s->v, ST_INIT);
	(void)vdpa_set_features(&s->v, s->features);
	(void)vdpa_set_status(&s->v, ST_FEATURES);
	check(queue_tell(&s->q, 0) == 0 && queue_tell(&q1, 0) == 0, "queues");
	(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 0, 1);
	(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 1, 1);
	check(vdpa_set_status(&s->v, ST_RUNNING) == 0, "status");
	for (unsigned i = 0; i < 20; i++)
		queue_kick(&q1);
	muddle(s);
}

static void d35_used(struct sess *s)
{
	submit(s, 0, IN, 0, s->q.used_iova, SECTOR);
	muddle(s);
}

static void d35_avail(struct sess *s)
{
	submit(s, 0, IN, 8, s->q.avail_iova, 2 * SECTOR);
	muddle(s);
}

static void d35_desc(struct sess *s)
{
	submit(s, 0, IN, 8, s->q.desc_iova, 8 * SECTOR);
	muddle(s);
}

/* The status byte of a request is in the index of the used ring. */
static void d35_status(struct sess *s)
{
	request(s, 0, IN, 0, DATA, SECTOR);
	s->q.desc[2].addr = s->q.used_iova + 2;
	queue_offer(&s->q, 0);
	queue_kick(&s->q);
	muddle(s);
}

/* ---- too many, too often ---- */

/*
 * Offer without looking at what was used: sooner or later a head comes again, or the index runs
 * away.
 */
static void d36_flood(struct sess *s)
{
	long long end = now_ms() + 500;
	unsigned n = 0;

	queue_place(s, &s->q, 0, 16, DESC_AT);
	sess_start(s);
	for (unsigned i = 0; i < 5; i++)
		request(s, 3 * i, IN, i, DATA + (uint64_t)i * SECTOR, SECTOR);
	while (now_ms() < end && !world_queue_failed(0)) {
		for (unsigned i = 0; i < 200; i++)
			queue_offer(&s->q, 3 * (n++ % 5));
		queue_kick(&s->q);
	}
	expect_malformed(s);
}

/* As many as there are entries, in one go; then one more. */
static void d36_full(struct sess *s)
{
	for (unsigned i = 0; i < RING_NUM; i++) {
		table_set(s, 3 * i, slot_header(s, i, IN, i), 16, VRING_DESC_F_NEXT, 1);
		table_set(s, 3 * i + 1, DATA + (uint64_t)i * SECTOR, SECTOR, VRING_DESC_F_NEXT | VRING_DESC_F_WRITE, 2);
		table_set(s, 3 * i + 2, slot_status_iova(i), 1, VRING_DESC_F_WRITE, 0);
		desc_set(&s->q, i, iova_of(TABLE_AT + 48 * i), 48, VRING_DESC_F_INDIRECT, 0);
		queue_offer(&s->q, i);
	}
	queue_kick(&s->q);
	for (unsigned i = 0; i < RING_NUM; i++)
		expect_done(s, i, OK, SECTOR + 1);
	expect_disk_bytes(s->ram.va + DATA_AT, 0, RING_NUM * SECTOR);
	queue_set_avail_idx(&s->q, s->q.avail_idx + RING_NUM + 1);
	queue_kick(&s->q);
	expect_malformed(s);
}

#define STORM_MS 700
#define STORM_KICKS 100UL /* at least, however slow the machine */

struct storm {
	const struct queue *q;
	bool stop;
	unsigned long kicks;
};

static void *storm_main(void *arg)
{
	struct storm *st = arg;

	while (!__atomic_load_n(&st->stop, __ATOMIC_RELAXED)) {
		queue_kick(st->q);
		(void)__atomic_add_fetch(&st->kicks, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void storm_over(struct sess *s, const struct queue *kicked, void (*meanwhile)(struct sess *))
{
	struct storm st = { .q = kicked };
	long long began = now_ms();
	pthread_t thread;

	check(pthread_create(&thread, NULL, storm_main, &st) == 0, "thread");
	while (now_ms() - began < STORM_MS ||
	       (now_ms() - began < SOON_MS && __atomic_load_n(&st.kicks, __ATOMIC_RELAXED) <= STORM_KICKS))
		meanwhile(s);
	__atomic_store_n(&st.stop, true, __ATOMIC_RELAXED);
	(void)pthread_join(thread, NULL);
	check(st.kicks > STORM_KICKS, "%lu kicks are no storm", st.kicks);
}

static void d37_storm(struct sess *s)
{
	storm_over(s, &s->q, expect_good);
}

static void restart(struct sess *s)
{
	sess_start(s);
}

static void d37_reset(struct sess *s)
{
	storm_over(s, &s->q, restart);
	expect_good(s);
}

static void nap(struct sess *s)
{
	(void)s;
	sleep_ms(50);
}

static void d37_failed(struct sess *s)
{
	queue_offer(&s->q, 0xffff);
	queue_kick(&s->q);
	sleep_ms(50);
	storm_over(s, &s->q, nap);
	expect_malformed(s);
}

/* ---- queues that are not ready ---- */

/* Both queues are told of, the first is enabled. */
static void start_two(struct sess *s, struct queue *q1, uint64_t q1_desc)
{
	if (world.queues < 2)
		case_skip("the device has one queue");
	queue_place(s, q1, 1, RING_NUM, RING2_AT);
	queue_clear(&s->q, 0);
	queue_clear(q1, 0);
	q1->desc_iova = q1_desc;
	sess_reset(s);
	(void)vdpa_set_status(&s->v, ST_INIT);
	check(vdpa_set_features(&s->v, s->features) == 0, "features");
	(void)vdpa_set_status(&s->v, ST_FEATURES);
	check(queue_tell(&s->q, 0) == 0 && queue_tell(q1, 0) == 0, "queues");
	(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 0, 1);
	check(vdpa_set_status(&s->v, ST_RUNNING) == 0 && vdpa_status(&s->v) == ST_RUNNING, "status 0x%02x",
	      vdpa_status(&s->v));
}

/* One request on the second queue, with the first one's slots. */
static void second_works(struct sess *s, struct queue *q1)
{
	struct queue q0 = s->q;

	s->q = *q1;
	submit(s, 0, IN, 24, DATA, SECTOR);
	expect_done(s, 0, OK, SECTOR + 1);
	expect_disk_bytes(s->ram.va + DATA_AT, 24, SECTOR);
	*q1 = s->q;
	s->q = q0;
}

static void d38_not_enabled(struct sess *s)
{
	struct queue q1 = { 0 };

	start_two(s, &q1, iova_of(RING2_AT + DESC_AT));
	for (unsigned i = 0; i < 1000; i++)
		queue_kick(&q1);
	expect_good(s);
	check(queue_used_idx(&q1) == 0, "a queue that is not enabled was served");
}

/* Enabled after DRIVER_OK: a kick brings it to life. */
static void d38_late(struct sess *s)
{
	struct queue q1 = { 0 };

	start_two(s, &q1, iova_of(RING2_AT + DESC_AT));
	expect_good(s);
	check(vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 1, 1) == 0, "enable");
	second_works(s, &q1);
	expect_good(s);
}

/* ... if its rings can be served; else the others go on. */
static void d38_late_bad(struct sess *s)
{
	struct queue q1 = { 0 };

	start_two(s, &q1, 0x1000);
	(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 1, 1);
	for (unsigned i = 0; i < 100; i++)
		queue_kick(&q1);
	expect_good(s);
	check(queue_used_idx(&q1) == 0, "a queue without rings was served");
}

static void d38_before(struct sess *s)
{
	sess_reset(s);
	queue_clear(&s->q, 0);
	request(s, 0, IN, 0, DATA, SECTOR);
	queue_offer(&s->q, 0);
	(void)vdpa_set_status(&s->v, ST_INIT);
	check(vdpa_set_features(&s->v, s->features) == 0, "features");
	(void)vdpa_set_status(&s->v, ST_FEATURES);
	check(queue_tell(&s->q, 0) == 0, "queue");
	queue_kick(&s->q);
	(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 0, 1);
	queue_kick(&s->q);
	expect_quiet(s);
	check(vdpa_set_status(&s->v, ST_RUNNING) == 0, "status");
	expect_done(s, 0, OK, SECTOR + 1); /* without another kick */
	expect_good(s);
}

static void d38_unknown(struct sess *s)
{
	check(vdpa_vring_fd(&s->v, VHOST_SET_VRING_KICK, world.queues, s->q.kick) == -ENOBUFS,
	      "the kernel takes a kick for a queue that there is not");
	check(vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 0xffffffff, 1) == -ENOBUFS, "enable of queue 2^32-1");
	expect_good(s);
}

const struct hcase ring_cases[] = {
	{ "D1", "head outside of the ring", d1_head, "descriptor is outside of the ring", 0 },
	{ "D1.batch", "the same behind a good request", d1_behind_good, "descriptor is outside of the ring", 0 },
	{ "D2", "head already in flight", d2_twice, "made available twice", 0 },
	{ "D3", "available index jumps", d3_jump, "available index jumped", 0 },
	{ "D4", "available index goes back", d4_back, "available index jumped", 0 },
	{ "D4.base", "start index that the rings do not have", d4_base, "not where the driver says", CASE_STOPPED },
	{ "D4.wrap", "indices that wrap around", d4_wrap, NULL, CASE_STOPPED },
	{ "D28", "garbage as used_event", d28_used_event, NULL, 0 },
	{ "D29", "descriptors not aligned", d29_desc, "not aligned", CASE_STOPPED },
	{ "D29.kernel", "rings not aligned: the kernel's part", d29_kernel, NULL, CASE_STOPPED },
	{ "D29.memory", "aligned addresses of unaligned memory", d29_memory, "rings are not in mapped memory",
	  CASE_STOPPED },
	{ "D30", "ring ends behind its region", d30_end, "rings are not in mapped memory", CASE_STOPPED },
	{ "D30.nowhere", "rings in no memory", d30_nowhere, "rings are not in mapped memory", CASE_STOPPED },
	{ "D30.fits", "ring that ends with all addresses", d30_fits, NULL, CASE_STOPPED },
	{ "D31", "size never set", d31_none, "not a power of two", CASE_STOPPED },
	{ "D31.kernel", "size 0: the kernel's part", d31_kernel, NULL, CASE_STOPPED },
	{ "D32", "size no power of two: the kernel's part", d32_odd, NULL, CASE_STOPPED },
	{ "D33", "size larger than the device allows: the kernel's part", d33_large, NULL, CASE_STOPPED },
	{ "D33.small", "all smaller sizes", d33_small, NULL, CASE_STOPPED },
	{ "D34", "used ring is the available ring", d34_used_is_avail, NULL, CASE_STOPPED },
	{ "D34.one", "all three rings are one", d34_all_one, NULL, CASE_STOPPED },
	{ "D34.desc", "used ring in the descriptors", d34_used_is_desc, NULL, CASE_STOPPED },
	{ "D34.queues", "two queues with the same rings", d34_shared, NULL, CASE_STOPPED },
	{ "D35", "data read into the used ring", d35_used, NULL, 0 },
	{ "D35.avail", "data read into the available ring", d35_avail, NULL, 0 },
	{ "D35.desc", "data read into the descriptors", d35_desc, NULL, 0 },
	{ "D35.status", "status byte in the used index", d35_status, NULL, 0 },
	{ "D36", "offering without end", d36_flood, NULL, CASE_STOPPED },
	{ "D36.full", "a full ring, and one more", d36_full, "available index jumped", 0 },
	{ "D37", "kick storm", d37_storm, NULL, CASE_BUSY },
	{ "D37.reset", "kick storm during resets", d37_reset, NULL, CASE_BUSY },
	{ "D37.failed", "kick storm on a failed queue", d37_failed, NULL, CASE_BUSY },
	{ "D38", "kick on a queue that is not enabled", d38_not_enabled, NULL, CASE_STOPPED },
	{ "D38.late", "queue enabled late", d38_late, NULL, CASE_STOPPED },
	{ "D38.bad", "queue without rings enabled late", d38_late_bad, "rings are not in mapped memory", CASE_STOPPED },
	{ "D38.before", "kick before DRIVER_OK", d38_before, NULL, 0 },
	{ "D38.unknown", "queue that there is not: the kernel's part", d38_unknown, NULL, 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};
