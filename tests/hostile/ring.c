/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/hostile/ring.c - memory, rings and requests as a driver makes them; nothing keeps a case
 * from making them wrong. Part of the hostile driver (hostile.h).
 */
#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tests/hostile/hostile.h"

struct ram ram_new(size_t size)
{
	struct ram r = { .fd = memfd_create("driver", MFD_CLOEXEC), .size = size };
	void *p;

	check(r.fd >= 0 && ftruncate(r.fd, (off_t)size) == 0, "memfd: %s", strerror(errno));
	p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, r.fd, 0);
	check(p != MAP_FAILED, "mmap: %s", strerror(errno));
	r.va = p;
	return r;
}

/* ---- session ---- */

static void place_default(struct sess *s)
{
	s->features = s->v.offered;
	s->base = 0;
	queue_place(s, &s->q, 0, RING_NUM, DESC_AT);
}

void sess_open(struct sess *s, const char *node)
{
	int rc;

	memset(s, 0, sizeof(*s));
	rc = vdpa_open(&s->v, node);
	check(rc == 0, "%s: %s", node, strerror(-rc));
	s->ram = ram_new(RAM_SIZE);
	rc = vdpa_map(&s->v, RAM_IOVA, s->ram.va, RAM_SIZE, VHOST_ACCESS_RW);
	check(rc == 0, "map: %s", strerror(-rc));
	place_default(s);
}

void sess_reset(struct sess *s)
{
	int rc = vdpa_set_status(&s->v, 0);

	check(rc == 0 && vdpa_status(&s->v) == 0, "reset: %s, status 0x%02x", strerror(-rc), vdpa_status(&s->v));
}

uint8_t sess_try_start(struct sess *s)
{
	sess_reset(s);
	(void)vdpa_set_status(&s->v, VIRTIO_CONFIG_S_ACKNOWLEDGE);
	(void)vdpa_set_status(&s->v, ST_INIT);
	(void)vdpa_set_features(&s->v, s->features);
	(void)vdpa_set_status(&s->v, ST_FEATURES);
	(void)queue_tell(&s->q, s->base);
	(void)vdpa_vring(&s->v, VHOST_VDPA_SET_VRING_ENABLE, s->q.index, 1);
	(void)vdpa_set_status(&s->v, ST_RUNNING);
	return vdpa_status(&s->v);
}

void sess_start(struct sess *s)
{
	uint8_t status;

	sess_reset(s); /* before the rings are cleared: until then they are in use */
	queue_clear(&s->q, s->base);
	status = sess_try_start(s);
	check(status == ST_RUNNING, "the device does not start: status 0x%02x", status);
}

/* ---- queue ---- */

void queue_place(struct sess *s, struct queue *q, unsigned index, uint16_t num, unsigned ring_at)
{
	int kick = q->kick, call = q->call;

	*q = (struct queue){
		.v = &s->v,
		.index = index,
		.num = num,
		.desc_iova = iova_of(ring_at + DESC_AT),
		.avail_iova = iova_of(ring_at + AVAIL_AT),
		.used_iova = iova_of(ring_at + USED_AT),
		.desc = (struct vring_desc *)(void *)(s->ram.va + ring_at + DESC_AT),
		.avail = s->ram.va + ring_at + AVAIL_AT,
		.used = s->ram.va + ring_at + USED_AT,
		.kick = kick ? kick : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
		.call = call ? call : eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK),
	};
}

void queue_clear(struct queue *q, unsigned base)
{
	uint16_t at = (uint16_t)base;

	memset(q->desc, 0, 16U * q->num);
	memset(q->avail, 0, 6U + 2U * q->num);
	memset(q->used, 0, 6U + 8U * q->num);
	memcpy(q->avail + 2, &at, 2);
	memcpy(q->used + 2, &at, 2);
	q->avail_idx = q->used_seen = at;
	queue_set_used_event(q, at);
}

int queue_tell(struct queue *q, unsigned base)
{
	int rc = q->num ? vdpa_vring(q->v, VHOST_SET_VRING_NUM, q->index, q->num) : 0;

	if (rc == 0)
		rc = vdpa_vring(q->v, VHOST_SET_VRING_BASE, q->index, base);
	if (rc == 0)
		rc = vdpa_vring_addr(q->v, q->index, q->desc_iova, q->avail_iova, q->used_iova);
	if (rc == 0)
		rc = vdpa_vring_fd(q->v, VHOST_SET_VRING_CALL, q->index, q->call);
	if (rc == 0)
		rc = vdpa_vring_fd(q->v, VHOST_SET_VRING_KICK, q->index, q->kick);
	return rc;
}

void desc_set(struct queue *q, unsigned i, uint64_t addr, uint32_t len, unsigned flags, unsigned next)
{
	q->desc[i] = (struct vring_desc){ addr, len, (uint16_t)flags, (uint16_t)next };
}

void table_set(struct sess *s, unsigned i, uint64_t addr, uint32_t len, unsigned flags, unsigned next)
{
	struct vring_desc *t = (struct vring_desc *)(void *)(s->ram.va + TABLE_AT);

	t[i] = (struct vring_desc){ addr, len, (uint16_t)flags, (uint16_t)next };
}

static uint16_t load16(const uint8_t *p)
{
	return __atomic_load_n((const uint16_t *)(const void *)p, __ATOMIC_ACQUIRE);
}

static void store16(uint8_t *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)(void *)p, v, __ATOMIC_RELEASE);
}

void queue_set_avail_idx(struct queue *q, unsigned idx)
{
	store16(q->avail + 2, (uint16_t)idx);
	atomic_thread_fence(memory_order_seq_cst);
}

void queue_offer(struct queue *q, unsigned head)
{
	store16(q->avail + 4 + 2U * (q->avail_idx & (q->num - 1U)), (uint16_t)head);
	queue_set_avail_idx(q, ++q->avail_idx);
}

void queue_kick(const struct queue *q)
{
	uint64_t one = 1;

	(void)!write(q->kick, &one, sizeof(one));
}

uint16_t queue_used_idx(const struct queue *q)
{
	return load16(q->used + 2);
}

void queue_set_used_event(struct queue *q, uint16_t event)
{
	store16(q->avail + 4 + 2U * q->num, event);
}

bool queue_wait(struct queue *q, unsigned n, int ms)
{
	long long end = now_ms() + ms;

	for (;;) {
		struct pollfd p = { .fd = q->call, .events = POLLIN };
		uint64_t count;

		if ((uint16_t)(queue_used_idx(q) - q->used_seen) >= n)
			return true;
		if (now_ms() >= end)
			return false;
		(void)poll(&p, 1, 5);
		(void)!read(q->call, &count, sizeof(count));
	}
}

struct used queue_take(struct queue *q)
{
	struct used u;

	memcpy(&u, q->used + 4 + 8U * (q->used_seen & (q->num - 1U)), sizeof(u));
	queue_set_used_event(q, ++q->used_seen);
	return u;
}

/* ---- requests ---- */

uint64_t slot_header(struct sess *s, unsigned slot, uint32_t type, uint64_t sector)
{
	struct virtio_blk_outhdr h = { .type = type, .sector = sector };
	uint8_t *p = s->ram.va + SLOT_AT + slot * SLOT_SIZE;

	memcpy(p, &h, sizeof(h));
	p[sizeof(h)] = STATUS_UNTOUCHED;
	return iova_of(SLOT_AT + slot * SLOT_SIZE);
}

uint64_t slot_status_iova(unsigned slot)
{
	return iova_of(SLOT_AT + slot * SLOT_SIZE + sizeof(struct virtio_blk_outhdr));
}

uint8_t slot_status(const struct sess *s, unsigned slot)
{
	const uint8_t *p = s->ram.va + SLOT_AT + slot * SLOT_SIZE + sizeof(struct virtio_blk_outhdr);

	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

bool type_is_out(uint32_t type)
{
	return type == VIRTIO_BLK_T_OUT || type == VIRTIO_BLK_T_DISCARD || type == VIRTIO_BLK_T_WRITE_ZEROES;
}

void request(struct sess *s, unsigned head, uint32_t type, uint64_t sector, uint64_t data, uint32_t len)
{
	unsigned write = type_is_out(type) ? 0 : VRING_DESC_F_WRITE;

	desc_set(&s->q, head, slot_header(s, head, type, sector), 16, VRING_DESC_F_NEXT, head + 1);
	desc_set(&s->q, head + 1, data, len, VRING_DESC_F_NEXT | write, head + 2);
	desc_set(&s->q, head + 2, slot_status_iova(head), 1, VRING_DESC_F_WRITE, 0);
}

void submit(struct sess *s, unsigned head, uint32_t type, uint64_t sector, uint64_t data, uint32_t len)
{
	request(s, head, type, sector, data, len);
	queue_offer(&s->q, head);
	queue_kick(&s->q);
}
