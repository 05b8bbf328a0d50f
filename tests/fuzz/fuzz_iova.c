/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/fuzz_iova.c - target "iova": translation of hostile addresses, regions that a hostile
 * set-up makes strange (D11 to D14, V10, V11), and their removal. Run by libFuzzer.
 */
#include <errno.h>
#include <string.h>

#include "tests/fuzz/guest.h"

enum iova_op {
	I_PIECE, /* ADDR, LEN, u8 access */
	I_WHOLE, /* the same */
	I_READ, /* ADDR, LEN */
	I_WRITE, /* ADDR, LEN, u8 with */
	I_DROP, /* ADDR, u32 */
	I_FRAGMENT, /* u8 */
	I_LIE, /* as G_LIE */
	I_TOUCH, /* ADDR, u16 count, u16 step: many regions */
	I_OPS,
};

#define COPY_MAX 0x8000U

static struct iova_map map;
static struct iova_view view;
static struct guest none;
static uint8_t copy[COPY_MAX], expected[COPY_MAX];

/* Was the refusal right? Only where the kernel never lied and the map is not full can we say. */
static void refused(int rc, uint64_t iova, uint64_t len, uint8_t access)
{
	PROMISE(rc < 0, "an error is negative");
	PROMISE(rc != -ENOSPC || map.count == IOVA_REGIONS_MAX, "there is room until the map is full");
	if (mem_lies() > 0 || rc == -ENOSPC || rc == -EPROTO || iova_passes(rc))
		return;
	PROMISE(len == 0 || iova + (len - 1) < iova || !mem_exists(iova, access), "what the driver has is found");
}

static void piece(uint64_t iova, uint64_t len, uint8_t access)
{
	uint64_t got = 0, left;
	void *p = NULL;
	int rc = iova_piece(&view, iova, len, (enum iova_access)access, &p, &got);

	if (rc < 0) {
		refused(rc, iova, len, access);
		return;
	}
	PROMISE(got >= 1 && got <= len, "a piece is a part of what was asked for");
	PROMISE(iova + (len - 1) >= iova, "nothing wraps around");
	PROMISE(mem_mapped(iova, access, &left) == p && got <= left, "a piece is where it is mapped");
	PROMISE(got == len || got == left, "a piece goes on to the end of its region");
	PROMISE(mem_accessible(p, got, access), "a piece is accessible");
}

static void whole(uint64_t iova, uint64_t len, uint8_t access)
{
	void *p;

	if (iova_whole(&view, iova, len, (enum iova_access)access, &p) == 0)
		PROMISE(mem_accessible(p, len, access), "a whole range is accessible");
}

static void read_in(uint64_t iova, uint64_t len)
{
	len %= COPY_MAX + 1;
	if (iova_read(&view, iova, copy, len) < 0 || mem_lies() > 0)
		return;
	mem_get(iova, expected, len);
	PROMISE(memcmp(copy, expected, len) == 0, "what is read is what the driver has there");
}

static void write_out(uint64_t iova, uint64_t len, uint8_t with)
{
	len %= COPY_MAX + 1;
	memset(copy, with, len);
	if (iova_write(&view, iova, copy, len) < 0 || mem_lies() > 0)
		return;
	mem_get(iova, expected, len);
	PROMISE(memcmp(copy, expected, len) == 0, "what is written is what the driver gets");
}

static void drop(uint64_t start, uint32_t size)
{
	uint64_t last = start + size < start ? UINT64_MAX : start + size;

	(void)iova_drop(&map, start, last);
	iova_sweep(&map);
	mem_check(&map);
	for (uint32_t i = 0; i < map.count; i++)
		PROMISE(map.region[i].last < start || map.region[i].start > last, "nothing is left in a dropped range");
}

static void touch(uint64_t iova, uint16_t count, uint16_t step)
{
	for (uint16_t i = 0; i < count % 2048; i++, iova += step) {
		uint64_t got;
		void *p;

		if (iova_piece(&view, iova, 1, IOVA_READ, &p, &got) == 0)
			PROMISE(mem_accessible(p, 1, VDUSE_ACCESS_RO), "a byte is accessible");
	}
}

static uint8_t access_of(uint8_t b)
{
	static const uint8_t kinds[] = { IOVA_READ, IOVA_WRITE, IOVA_BOTH };

	return kinds[b % 3];
}

static void one_op(struct input *in)
{
	enum iova_op op = in8(in) % I_OPS;
	uint64_t at;
	uint32_t len;

	if (op == I_FRAGMENT || op == I_LIE) {
		guest_op(&none, op == I_LIE ? G_LIE : G_FRAGMENT, in);
		return;
	}
	at = mem_address(in);
	if (op == I_PIECE || op == I_WHOLE || op == I_READ || op == I_WRITE) {
		len = guest_len(in);
		if (op == I_PIECE)
			piece(at, len, access_of(in8(in)));
		else if (op == I_WHOLE)
			whole(at, len, access_of(in8(in)));
		else if (op == I_READ)
			read_in(at, len);
		else
			write_out(at, len, in8(in));
		return;
	}
	len = in32(in);
	if (op == I_DROP)
		drop(at, len);
	else
		touch(at, (uint16_t)len, (uint16_t)(len >> 16));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	mem_init();
	mem_new_process(&map);
	if (in8(&in) & 1)
		mem_scatter();
	view = (struct iova_view){ .map = &map };
	while (in.left > 0)
		one_op(&in);
	mem_check(&map);
	(void)iova_drop(&map, 0, UINT64_MAX);
	iova_sweep(&map);
	mem_check(&map);
	PROMISE(map.count == 0, "everything can be dropped");
	return 0;
}
