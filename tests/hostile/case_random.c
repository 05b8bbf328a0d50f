/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/case_random.c - P17: a driver that does anything in any order, and what else has no
 * number of its own in the catalogues. Part of the hostile driver (hostile.h). The order is the
 * same in every run.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

#define IN VIRTIO_BLK_T_IN
#define IOERR VIRTIO_BLK_S_IOERR
#define RANDOM_MS 3000
#define ACTIONS_MIN 300U
#define DATA iova_of(DATA_AT)
#define EXTRA 0x60000000ULL

static struct ram extra;

static unsigned any(unsigned n)
{
	return (unsigned)random() % n;
}

static uint64_t any_iova(void)
{
	static const uint64_t iova[] = {
		0,        EXTRA,        EXTRA + 1,    EXTRA + MIB - 100,      RAM_IOVA + DATA_AT,
		RAM_IOVA, RAM_IOVA + 8, ~0ULL - 4095, RAM_IOVA + RAM_SIZE - 7
	};

	switch (any(4)) {
	case 0:
		return iova[any(sizeof(iova) / sizeof(iova[0]))];
	case 1:
		return iova_of(any(SLOT_AT));
	case 2:
		return EXTRA + any(MIB);
	default:
		return iova_of(DATA_AT + any(MIB));
	}
}

static uint32_t any_len(void)
{
	switch (any(4)) {
	case 0:
		return any(64);
	case 1:
		return SECTOR * any(64);
	case 2:
		return 16 * any(1100);
	default:
		return UINT32_MAX - any(5000);
	}
}

static void do_status(struct sess *s)
{
	(void)vdpa_set_status(&s->v, (uint8_t)(any(3) ? vdpa_status(&s->v) | 1U << any(8) : any(256)));
}

static void do_features(struct sess *s)
{
	(void)vdpa_set_features(&s->v, any(2) ? s->v.offered : s->v.offered ^ FEATURE(any(64)));
}

static void do_queue(struct sess *s)
{
	struct queue q = s->q;

	q.index = any(3);
	q.num = (uint16_t)(1U << any(9));
	if (any(3) == 0)
		q.desc_iova = any_iova();
	if (any(3) == 0)
		q.avail_iova = any_iova();
	if (any(3) == 0)
		q.used_iova = any_iova();
	(void)queue_tell(&q, any(4) ? 0 : any(65536));
	(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, q.index, any(4) != 0);
}

static void do_map(struct sess *s)
{
	if (any(2))
		(void)vdpa_unmap(&s->v, any(3) ? EXTRA : any_iova(), any(8) ? 1 + any(MIB) : 0);
	(void)vdpa_map(&s->v, any(3) ? EXTRA : any_iova(), extra.va + any(8192), 1 + any(MIB - 8192), 1 + any(3));
	/* mostly there already */
	(void)vdpa_map(&s->v, RAM_IOVA, s->ram.va, RAM_SIZE, VHOST_ACCESS_RW);
}

static void do_cut(struct sess *s)
{
	(void)s;
	(void)!ftruncate(extra.fd, any(2) ? (off_t)MIB : (off_t)any(MIB));
}

static void do_scribble(struct sess *s)
{
	for (unsigned i = any(32); i > 0; i--)
		s->ram.va[any(4) ? any(DATA_AT) : USED_AT + any(2048)] = (uint8_t)random();
}

static void do_desc(struct sess *s)
{
	for (unsigned i = any(16); i > 0; i--) {
		desc_set(&s->q, any(RING_NUM), any_iova(), any_len(), any(8), any(RING_NUM + 2));
		table_set(s, any(64), any_iova(), any_len(), any(4), any(66));
	}
}

static void do_requests(struct sess *s)
{
	s->q.used_seen = queue_used_idx(&s->q);
	s->q.avail_idx = any(20) ? s->q.used_seen : (uint16_t)random();
	for (unsigned i = 1 + any(20); i > 0; i--) {
		unsigned head = 3 * i;

		request(s, head, any(16), any(4) ? any(20000) : ~0ULL - any(20), any_iova(), any_len());
		if (any(3) == 0)
			desc_set(&s->q, head, iova_of(TABLE_AT + 16 * any(8)), 16 * any(1030), VRING_DESC_F_INDIRECT,
				 0);
		queue_offer(&s->q, any(50) ? head : any(65536));
	}
	for (unsigned i = any(4); i > 0; i--)
		queue_kick(&s->q);
	if (any(2))
		(void)queue_wait(&s->q, 1, 2);
}

static void do_start(struct sess *s)
{
	sess_reset(s);
	queue_clear(&s->q, 0);
	(void)sess_try_start(s);
}

static void random_driver(struct sess *s)
{
	static void (*const action[])(struct sess *) = { do_requests, do_requests, do_requests, do_requests, do_desc,
							 do_scribble, do_cut,      do_map,      do_start,    do_start,
							 do_status,   do_queue,    do_features };
	long long end = now_ms() + RANDOM_MS;
	unsigned n = 0;

	extra = ram_new(MIB);
	/* a slow machine takes longer; main.c ends what has no end */
	for (; now_ms() < end || n < ACTIONS_MIN; n++)
		action[any(sizeof(action) / sizeof(action[0]))](s);
	(void)vdpa_unmap(&s->v, 0, 0);
	check(vdpa_map(&s->v, RAM_IOVA, s->ram.va, RAM_SIZE, VHOST_ACCESS_RW) == 0, "map");
	expect_good_after_reset(s);
}

/* A failed queue is no matter for the others. */
static void other_queue(struct sess *s)
{
	struct queue q1 = { 0 };
	struct queue q0;

	if (world.queues < 2)
		case_skip("the device has one queue");
	queue_place(s, &q1, 1, RING_NUM, RING2_AT);
	sess_reset(s);
	queue_clear(&s->q, 0);
	queue_clear(&q1, 0);
	(void)vdpa_set_status(&s->v, ST_INIT);
	check(vdpa_set_features(&s->v, s->features) == 0, "features");
	(void)vdpa_set_status(&s->v, ST_FEATURES);
	check(queue_tell(&s->q, 0) == 0 && queue_tell(&q1, 0) == 0, "queues");
	(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 0, 1);
	(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, 1, 1);
	check(vdpa_set_status(&s->v, ST_RUNNING) == 0, "status");
	queue_offer(&s->q, 0xffff);
	queue_kick(&s->q);
	q0 = s->q;
	s->q = q1;
	for (unsigned i = 0; i < 5; i++)
		expect_good(s);
	check(!world_queue_failed(1), "the other queue was given up as well");
	s->q = q0;
	expect_malformed(s);
}

/* Thousands of bad requests are a few lines in the log. */
static void log_flood(struct sess *s)
{
	static char log[1 << 20];
	size_t mark = world_log_mark();
	unsigned lines = 0;

	request(s, 0, IN, 0, 0x1000, SECTOR);
	for (unsigned i = 0; i < 3000; i++) {
		queue_offer(&s->q, 0);
		queue_kick(&s->q);
		expect_done(s, 0, IOERR, SECTOR + 1);
	}
	for (size_t i = 0, n = world_log_since(mark, log, sizeof(log)); i < n; i++)
		lines += log[i] == '\n';
	check(lines < 100, "%u lines in the log", lines);
	expect_good(s);
}

/* Nobody to interrupt, or an eventfd that is full: requests are completed all the same. */
static void no_interrupts(struct sess *s)
{
	uint64_t full = UINT64_MAX - 1;

	check(write(s->q.call, &full, sizeof(full)) == sizeof(full), "eventfd");
	for (unsigned i = 0; i < 5; i++) {
		submit(s, 0, IN, i, DATA, SECTOR);
		expect_done(s, 0, VIRTIO_BLK_S_OK, SECTOR + 1);
	}
	check(vdpa_vring_fd(&s->v, VHOST_SET_VRING_CALL, 0, -1) == 0, "call");
	for (unsigned i = 0; i < 5; i++) {
		submit(s, 0, IN, i, DATA, SECTOR);
		expect_done(s, 0, VIRTIO_BLK_S_OK, SECTOR + 1);
	}
	expect_good_after_reset(s);
}

/* A driver that writes to the device's configuration changes nothing, least of all the capacity. */
static void config(struct sess *s)
{
	static uint32_t room[2100];
	struct vhost_vdpa_config *c = (struct vhost_vdpa_config *)(void *)room;

	c->len = 8;
	memset(c->buf, 0xff, 8);
	(void)ioctl(s->v.fd, VHOST_VDPA_SET_CONFIG, c);
	check(ioctl(s->v.fd, VHOST_VDPA_GET_CONFIG, c) == 0, "config: %s", strerror(errno));
	check(memcmp(c->buf, &(uint64_t){ world.capacity / SECTOR }, 8) == 0, "the capacity was changed");
	c->off = UINT32_MAX - 3;
	check(ioctl(s->v.fd, VHOST_VDPA_GET_CONFIG, c) < 0, "configuration behind its end");
	c->off = 0;
	c->len = 8000;
	check(ioctl(s->v.fd, VHOST_VDPA_GET_CONFIG, c) < 0, "8000 bytes of configuration");
	submit(s, 0, IN, world.capacity / SECTOR, DATA, SECTOR);
	expect_done(s, 0, IOERR, SECTOR + 1);
	expect_good(s);
}

const struct hcase random_cases[] = {
	{ "P17", "anything in any order", random_driver, NULL, CASE_BUSY | CASE_SCRIBBLES },
	{ "P17.queue", "a failed queue is no matter for the other", other_queue, "descriptor is outside of the ring",
	  CASE_STOPPED },
	{ "P17.log", "bad requests do not fill the log", log_flood, "not in mapped memory", CASE_BUSY },
	{ "P17.call", "nobody to interrupt", no_interrupts, NULL, 0 },
	{ "P17.config", "configuration written by the driver", config, "sectors beyond the end", 0 },
	{ NULL, NULL, NULL, NULL, 0 },
};
