/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/guest.h - a hostile driver as a program: operations on its rings and memory, read from
 * the input. Runs in the fuzz targets of the worker. seeds.c writes such programs.
 */
#ifndef TESTS_FUZZ_GUEST_H
#define TESTS_FUZZ_GUEST_H

#include "tests/fuzz/memory.h"
#include "worker/ring/virtq.h"

/*
 * First byte of an operation; what follows is said at each. u8, u16, ... are little-endian, ADDR as
 * in mem_address(). /
 */
enum guest_op {
	G_DESC, /* u8 index, ADDR, LEN, u8 flags, u8 next: a descriptor of the ring */
	G_TABLE, /* u16 offset in MEM_DATA, ADDR, LEN, u8 flags, u8 next: an indirect descriptor */
	/*
	 * u8 first, u16 count, ADDR, LEN, u8 how: linked descriptors; bit 0: in a table, bit 1:
	 * writable, bit 2: loop
	 */
	G_CHAIN,
	/* u8 head, u8 type, u8 sector, u8 shape, u8 segments, then ADDR, LEN of each: offered */
	G_REQUEST,
	G_OFFER, /* u8 head: the next entry of the available ring */
	G_OFFER_N, /* u8 count: a row of heads */
	G_AVAIL, /* u16: available index */
	G_EVENT, /* u16 used_event, u8 flags */
	G_USED, /* u16: used index, which is the device's to write */
	G_POKE, /* ADDR, u8 n, n bytes */
	G_FRAGMENT, /* u8: log2 of the pieces that the kernel answers in; >= 16 whole */
	/*
	 * u8 how, ADDR start, u32 size, u16 offset, u8 file and permission: the next answer;
	 * permission 0xc: an error that passes
	 */
	G_LIE,
	G_OPS, /* from here on: operations of the target itself */
};

/* shape of G_REQUEST */
#define SHAPE_INDIRECT 0x01U
#define SHAPE_SPLIT_HEADER 0x02U
#define SHAPE_NO_STATUS 0x04U
#define SHAPE_STATUS_INSIDE 0x08U /* the last byte of the last buffer */
#define SHAPE_READABLE 0x10U /* the other direction than the type wants */
#define SHAPE_SHORT_HEADER 0x20U
#define SHAPE_MANY 0x40U /* every segment many times */
#define SHAPE_AT_TOP 0x80U /* the header ends at the last address there is, its buffer behind it */

/* The driver's side of one queue. */
struct guest {
	uint16_t num;
	uint64_t desc, avail, used; /* IOVA */
	uint16_t avail_idx; /* what it stored last */
};

/* A ring of num entries in MEM_RINGS; index shifts it, so that several fit when they are small. */
void guest_init(struct guest *g, unsigned index, uint16_t num);

/* Do one operation below G_OPS. */
void guest_op(struct guest *g, uint8_t op, struct input *in);

/* LEN: a length, likely a telling one. */
uint32_t guest_len(struct input *in);

#endif
