/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/guest.c - see guest.h. Runs in the fuzz targets of the worker.
 */
#include "tests/fuzz/guest.h"

#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_ring.h>
#include <string.h>

#define HEADERS (MEM_DATA_AT + 0x4000) /* of requests, 64 bytes each; tables are below */
#define STATUSES (MEM_DATA_AT + 0x5f00)
#define TABLES MEM_DATA_AT
#define MANY 14U
#define SEGMENTS 18U
#define PARTS_MAX (SEGMENTS * MANY + 6U)
#define LAST_HEADER (UINT64_MAX - 15)

struct part {
	uint64_t addr;
	uint32_t len;
	bool writable;
};

void guest_init(struct guest *g, unsigned index, uint16_t num)
{
	uint64_t at = MEM_RINGS_AT + index * 0x2800ULL;

	/* The rings follow each other closely: what is written behind one lands in the next. */
	*g = (struct guest){ .num = num, .desc = at };
	g->avail = g->desc + 16ULL * num;
	g->used = (g->avail + 6ULL + 2ULL * num + 3) & ~3ULL;
}

uint32_t guest_len(struct input *in)
{
	static const uint32_t telling[] = { 512,  16, 1,    0,      20,          21,         1024,        4096,  15,
					    17,   32, 8192, 0x6000, 0x4000,      UINT32_MAX, 0x80000000U, 513,   511,
					    1536, 48, 256,  0x2000, 0x7fff0000U, 0x4010,     0x4008,      0x400f };
	uint8_t how = in8(in);

	if (how < 0xc0)
		return telling[how % (sizeof(telling) / sizeof(telling[0]))];
	return how < 0xf0 ? in16(in) : in32(in);
}

static void put_desc(uint64_t at, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	struct vring_desc d = { .addr = addr, .len = len, .flags = flags, .next = next };

	mem_put(at, &d, sizeof(d));
}

/* Index of a descriptor: in range mostly, for big rings in big steps. */
static uint16_t index_of(const struct guest *g, uint8_t b)
{
	if (b >= 0xfc)
		return (uint16_t)(g->num + (b - 0xfc) * 0x4001U);
	return g->num > 256 ? (uint16_t)(b * (g->num / 256U)) : (uint16_t)(b % (g->num ? g->num : 1U));
}

static void op_desc(const struct guest *g, uint64_t at, struct input *in)
{
	uint64_t addr = mem_address(in);
	uint32_t len = guest_len(in);
	uint8_t flags = in8(in), next = in8(in);

	/* The upper bits choose unknown flags, seldom. */
	put_desc(at, addr, len, flags < 0xf0 ? flags & 7U : (uint16_t)(flags << 4), index_of(g, next));
}

static void op_chain(const struct guest *g, struct input *in)
{
	uint16_t first = index_of(g, in8(in)), count = in16(in) % 1100;
	uint64_t addr = mem_address(in);
	uint32_t len = guest_len(in);
	uint8_t how = in8(in);
	uint64_t base = how & 1 ? TABLES : g->desc;
	uint16_t flags = how & 2 ? VRING_DESC_F_NEXT | VRING_DESC_F_WRITE : VRING_DESC_F_NEXT;

	if (!(how & 1) && count > g->num)
		count = g->num;
	for (uint16_t i = 0; i < count; i++) {
		uint16_t at = (uint16_t)(first + i), next = (uint16_t)(at + 1);

		if (i + 1 == count && !(how & 4))
			flags &= (uint16_t)~VRING_DESC_F_NEXT;
		put_desc(base + 16ULL * at, addr + (how & 8 ? (uint64_t)i * len : 0), len, flags,
			 i + 1 == count ? first : next);
	}
	if (how & 1)
		put_desc(g->desc + 16ULL * index_of(g, in8(in)), base + 16ULL * first, 16U * count,
			 VRING_DESC_F_INDIRECT, 0);
}

static void offer(struct guest *g, uint16_t head)
{
	if (g->num == 0)
		return;
	mem_put16(g->avail + 4 + 2ULL * (g->avail_idx % g->num), head);
	g->avail_idx++;
	mem_put16(g->avail + 2, g->avail_idx);
}

/* ---- block requests ---- */

static uint32_t type_of(uint8_t b)
{
	static const uint32_t types[] = { VIRTIO_BLK_T_IN,       VIRTIO_BLK_T_OUT,         VIRTIO_BLK_T_FLUSH,
					  VIRTIO_BLK_T_GET_ID,   VIRTIO_BLK_T_DISCARD,     VIRTIO_BLK_T_WRITE_ZEROES,
					  VIRTIO_BLK_T_SCSI_CMD, VIRTIO_BLK_T_SECURE_ERASE };

	return types[b % (sizeof(types) / sizeof(types[0]))];
}

static uint64_t sector_of(uint8_t b, struct input *in)
{
	return b < 0xf0 ? b : in64(in);
}

static void put_segments(uint64_t at, uint8_t n, struct input *in)
{
	for (uint8_t i = 0; i < n; i++) {
		struct virtio_blk_discard_write_zeroes s = { .sector = sector_of(in8(in), in) };
		uint8_t num = in8(in);

		s.num_sectors = num < 0xf0 ? num : in32(in);
		s.flags = num & 1;
		if (num == 0xff)
			s.flags = in8(in);
		mem_put(at + 16ULL * i, &s, sizeof(s));
	}
}

/* Write the parts as a chain in the ring, or behind an indirect descriptor. */
static void put_parts(const struct guest *g, uint16_t head, bool indirect, const struct part *p, uint32_t n)
{
	uint64_t base = indirect ? TABLES + 512ULL * (head % 32U) : g->desc;

	for (uint32_t i = 0; i < n; i++) {
		uint32_t at = indirect ? i : (head + i) % (g->num ? g->num : 1U);
		uint16_t next = (uint16_t)(indirect ? i + 1 : (at + 1U) % (g->num ? g->num : 1U));
		uint16_t flags = p[i].writable ? VRING_DESC_F_WRITE : 0;

		put_desc(base + 16ULL * at, p[i].addr, p[i].len,
			 (uint16_t)(flags | (i + 1 < n ? VRING_DESC_F_NEXT : 0)), next);
	}
	if (indirect)
		put_desc(g->desc + 16ULL * head, base, 16U * n, VRING_DESC_F_INDIRECT, 0);
}

static uint32_t header_parts(struct part *p, uint64_t at, uint8_t shape)
{
	uint32_t len = shape & SHAPE_SHORT_HEADER ? 12 : 16;

	if (shape & SHAPE_AT_TOP)
		len += 512;
	if (!(shape & SHAPE_SPLIT_HEADER)) {
		p[0] = (struct part){ .addr = at, .len = len };
		return 1;
	}
	for (uint32_t i = 0; i < 4; i++)
		p[i] = (struct part){ .addr = at + i * (len / 4), .len = len / 4 };
	return 4;
}

static uint32_t data_parts(struct part *p, uint32_t times, bool writable, struct input *in)
{
	uint64_t addr = mem_address(in);
	uint32_t len = guest_len(in);

	for (uint32_t i = 0; i < times; i++)
		p[i] = (struct part){ .addr = addr, .len = len, .writable = writable };
	return times;
}

static bool driver_writes(uint32_t type)
{
	return type == VIRTIO_BLK_T_IN || type == VIRTIO_BLK_T_GET_ID;
}

static void op_request(struct guest *g, struct input *in)
{
	uint16_t head = index_of(g, in8(in));
	uint32_t type = type_of(in8(in));
	uint64_t sector = sector_of(in8(in), in), at;
	uint8_t shape = in8(in), segs = in8(in) % SEGMENTS;
	struct virtio_blk_outhdr h = { .type = type, .sector = sector };
	bool writable = driver_writes(type) != !!(shape & SHAPE_READABLE);
	struct part p[PARTS_MAX];
	uint32_t n;

	at = shape & SHAPE_AT_TOP ? LAST_HEADER : HEADERS + 64ULL * (head % 64U);
	n = header_parts(p, at, shape);
	mem_put(at, &h, sizeof(h));
	if (type == VIRTIO_BLK_T_DISCARD || type == VIRTIO_BLK_T_WRITE_ZEROES) {
		put_segments(HEADERS + 0x1000, segs, in);
		p[n++] = (struct part){ .addr = HEADERS + 0x1000, .len = 16U * segs, .writable = writable };
		segs = 0;
	}
	for (uint8_t i = 0; i < segs; i++)
		n += data_parts(p + n, shape & SHAPE_MANY ? MANY : 1, writable, in);
	if (shape & SHAPE_STATUS_INSIDE)
		p[n - 1].len++;
	else if (!(shape & SHAPE_NO_STATUS))
		p[n++] = (struct part){ .addr = STATUSES + head % 256U, .len = 1, .writable = true };
	put_parts(g, head, (shape & SHAPE_INDIRECT) != 0, p, n);
	offer(g, head);
}

/* ---- the rest ---- */

static void op_poke(struct input *in)
{
	uint64_t at = mem_address(in);

	for (uint8_t n = in8(in) % 33; n > 0; n--) {
		uint8_t b = in8(in);

		mem_put(at++, &b, 1);
	}
}

static void op_event(const struct guest *g, struct input *in)
{
	mem_put16(g->avail + 4 + 2ULL * g->num, in16(in));
	mem_put16(g->avail, in8(in));
}

static void op_lie(struct input *in)
{
	uint8_t how = in8(in);
	struct vduse_iotlb_entry e = { .start = mem_address(in) };

	e.last = e.start + in32(in);
	e.offset = in16(in);
	if (how & 1)
		e.last = in64(in);
	if (how & 2)
		e.offset = in64(in);
	how = in8(in);
	if ((how & 0xc) == 0xc) {
		mem_short(how & 0x10 ? -ENOMEM : -EMFILE);
		return;
	}
	e.perm = how & 3;
	e.offset = (e.offset & ~(0xfULL << 60)) | (uint64_t)(how >> 4) << 60;
	mem_lie(&e);
}

static void op_offers(struct guest *g, struct input *in)
{
	for (uint8_t n = in8(in), i = 0; i < n; i++)
		offer(g, i);
}

static void op_avail(struct guest *g, struct input *in)
{
	g->avail_idx = in16(in);
	mem_put16(g->avail + 2, g->avail_idx);
}

void guest_op(struct guest *g, uint8_t op, struct input *in)
{
	switch ((enum guest_op)op) {
	case G_DESC:
		op_desc(g, g->desc + 16ULL * index_of(g, in8(in)), in);
		break;
	case G_TABLE:
		op_desc(g, TABLES + (in16(in) & 0x3ff0U), in);
		break;
	case G_CHAIN:
		op_chain(g, in);
		break;
	case G_REQUEST:
		op_request(g, in);
		break;
	case G_OFFER:
		offer(g, index_of(g, in8(in)));
		break;
	case G_OFFER_N:
		op_offers(g, in);
		break;
	case G_AVAIL:
		op_avail(g, in);
		break;
	case G_EVENT:
		op_event(g, in);
		break;
	case G_USED:
		mem_put16(g->used + 2, in16(in));
		break;
	case G_POKE:
		op_poke(in);
		break;
	case G_FRAGMENT: {
		uint8_t log = in8(in);

		mem_fragment(log < 16 ? 8U << (log % 10) : 0);
		break;
	}
	case G_LIE:
		op_lie(in);
		break;
	case G_OPS:
		break;
	}
}
