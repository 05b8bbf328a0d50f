/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/fake_guest.h - memory of an imaginary driver, in memfds, and a split ring in it. For
 * unit tests of the worker; the test plays the driver, honest or not.
 */
#ifndef TESTS_FAKE_GUEST_H
#define TESTS_FAKE_GUEST_H

#include <stdbool.h>
#include <stdint.h>

#include "worker/ring/iova.h"
#include "worker/ring/virtq.h"

#define GUEST_REGIONS 400U

struct guest_region {
	uint64_t start, size, offset; /* offset of start in the memfd */
	uint8_t perm;
	int fd;
	uint8_t *mem; /* where the test has it mapped */
};

struct guest_pages { /* many regions of a page in one memfd */
	uint64_t start, stride;
	unsigned n;
	int fd;
	uint8_t *mem;
};

struct guest {
	struct guest_region r[GUEST_REGIONS];
	unsigned n;
	struct guest_pages pages;
	_Atomic unsigned gets; /* answers to iova_source.get */
	_Atomic int error; /* negative: what get returns instead */
	uint64_t error_at; /* ... from this address on */
	const struct vduse_iotlb_entry *lie; /* what get claims instead */
};

/* All end the test on error. */
void guest_init(struct guest *g);
void guest_free(struct guest *g);
void *guest_add(struct guest *g, uint64_t start, uint64_t size, uint64_t offset, uint8_t perm);
/*
 * n regions of a page, or of stride bytes where that is less, one every stride bytes from start on;
 * once. Returns where they are, one behind the other.
 */
uint8_t *guest_add_pages(struct guest *g, uint64_t start, unsigned n, uint64_t stride);
void guest_remove(struct guest *g, uint64_t start);
/* The test's own view of iova. */
void *guest_at(const struct guest *g, uint64_t iova);

int guest_get(void *guest, struct vduse_iotlb_entry *e); /* iova_source.get */
void guest_map_init(struct guest *g, struct iova_map *m);

struct ring { /* the driver's side */
	struct guest *g;
	uint16_t num;
	uint64_t desc, avail, used; /* IOVA */
	uint16_t avail_idx; /* what the driver stored last */
};

/* Lay a ring out at iova (page-aligned; takes less than 64 KiB). */
void ring_init(struct ring *r, struct guest *g, uint16_t num, uint64_t iova);
void ring_conf(const struct ring *r, struct virtq_conf *c, bool event_idx, bool indirect);
void ring_desc(const struct ring *r, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next);
/* An indirect table's entry i. */
void table_desc(const struct guest *g, uint64_t table, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags,
		uint16_t next);
void ring_offer(struct ring *r, uint16_t head);
void ring_set_avail_idx(const struct ring *r, uint16_t idx);
void ring_set_avail_flags(const struct ring *r, uint16_t flags);
void ring_set_used_event(const struct ring *r, uint16_t v);
uint16_t ring_used_idx(const struct ring *r);
void ring_set_used_idx(const struct ring *r, uint16_t idx);
uint16_t ring_used_flags(const struct ring *r);
uint16_t ring_avail_event(const struct ring *r);
uint32_t ring_used_id(const struct ring *r, uint16_t i);
uint32_t ring_used_len(const struct ring *r, uint16_t i);

#endif
