/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/fake_guest.c - see fake_guest.h. Runs in unit tests only.
 */
#include "tests/unit/fake_guest.h"
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE 4096ULL

void guest_init(struct guest *g)
{
	memset(g, 0, sizeof(*g));
}

static void region_free(struct guest_region *r)
{
	assert_return_code(munmap(r->mem - r->offset % PAGE, (r->size + r->offset % PAGE + PAGE - 1) / PAGE * PAGE),
			   errno);
	assert_return_code(close(r->fd), errno);
}

void guest_free(struct guest *g)
{
	for (unsigned i = 0; i < g->n; i++)
		region_free(&g->r[i]);
	g->n = 0;
	if (g->pages.n == 0)
		return;
	assert_return_code(munmap(g->pages.mem, g->pages.n * PAGE), errno);
	assert_return_code(close(g->pages.fd), errno);
	g->pages.n = 0;
}

uint8_t *guest_add_pages(struct guest *g, uint64_t start, unsigned n, uint64_t stride)
{
	struct guest_pages *p = &g->pages;

	assert_int_equal(p->n, 0);
	*p = (struct guest_pages){ .start = start, .stride = stride, .n = n };
	p->fd = memfd_create("guest", MFD_CLOEXEC);
	assert_return_code(p->fd, errno);
	assert_return_code(ftruncate(p->fd, (off_t)(n * PAGE)), errno);
	p->mem = mmap(NULL, n * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, p->fd, 0);
	assert_ptr_not_equal(p->mem, MAP_FAILED);
	return p->mem;
}

void *guest_add(struct guest *g, uint64_t start, uint64_t size, uint64_t offset, uint8_t perm)
{
	uint64_t skew = offset % PAGE, len = (size + skew + PAGE - 1) / PAGE * PAGE;
	struct guest_region *r = &g->r[g->n++];
	void *p;

	assert_true(g->n <= GUEST_REGIONS);
	*r = (struct guest_region){ .start = start, .size = size, .offset = offset, .perm = perm };
	r->fd = memfd_create("guest", MFD_CLOEXEC);
	assert_return_code(r->fd, errno);
	assert_return_code(ftruncate(r->fd, (off_t)(offset - skew + len)), errno);
	p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, (off_t)(offset - skew));
	assert_ptr_not_equal(p, MAP_FAILED);
	r->mem = (uint8_t *)p + skew;
	return r->mem;
}

void guest_remove(struct guest *g, uint64_t start)
{
	for (unsigned i = 0; i < g->n; i++) {
		if (g->r[i].start != start)
			continue;
		region_free(&g->r[i]);
		g->r[i] = g->r[--g->n];
		return;
	}
	fail_msg("no region at %llx", (unsigned long long)start);
}

void *guest_at(const struct guest *g, uint64_t iova)
{
	for (unsigned i = 0; i < g->n; i++)
		if (iova >= g->r[i].start && iova - g->r[i].start < g->r[i].size)
			return g->r[i].mem + (iova - g->r[i].start);
	fail_msg("nothing at %llx", (unsigned long long)iova);
	return NULL;
}

static int get_page(const struct guest_pages *p, struct vduse_iotlb_entry *e)
{
	uint64_t size = p->stride < PAGE ? p->stride : PAGE;
	uint64_t i = p->n ? (e->start - p->start) / p->stride : 0;

	if (p->n == 0 || e->start < p->start || i >= p->n || e->start - p->start - i * p->stride >= size)
		return -EINVAL;
	e->start = p->start + i * p->stride;
	e->last = e->start + size - 1;
	e->offset = i * size;
	e->perm = VDUSE_ACCESS_RW;
	return fcntl(p->fd, F_DUPFD_CLOEXEC, 0);
}

int guest_get(void *guest, struct vduse_iotlb_entry *e)
{
	struct guest *g = guest;

	g->gets++;
	if (g->error && e->start >= g->error_at)
		return g->error;
	if (g->lie) {
		*e = *g->lie;
		return fcntl(g->r[0].fd, F_DUPFD_CLOEXEC, 0);
	}
	for (unsigned i = 0; i < g->n; i++) {
		const struct guest_region *r = &g->r[i];

		if (e->start < r->start || e->start - r->start >= r->size)
			continue;
		*e = (struct vduse_iotlb_entry){
			.offset = r->offset, .start = r->start, .last = r->start + (r->size - 1), .perm = r->perm
		};
		return fcntl(r->fd, F_DUPFD_CLOEXEC, 0);
	}
	return get_page(&g->pages, e);
}

void guest_map_init(struct guest *g, struct iova_map *m)
{
	struct iova_source src = { .get = guest_get, .ctx = g };

	assert_int_equal(iova_init(m, &src), 0);
}

/* ---- rings ---- */

void ring_init(struct ring *r, struct guest *g, uint16_t num, uint64_t iova)
{
	*r = (struct ring){ .g = g, .num = num, .desc = iova, .avail = iova + 0x8000, .used = iova + 0xa000 };
}

void ring_conf(const struct ring *r, struct virtq_conf *c, bool event_idx, bool indirect)
{
	*c = (struct virtq_conf){ .num = r->num,
				  .desc_addr = r->desc,
				  .driver_addr = r->avail,
				  .device_addr = r->used,
				  .event_idx = event_idx,
				  .indirect = indirect };
}

static uint16_t get16(const struct guest *g, uint64_t iova)
{
	return __atomic_load_n((uint16_t *)guest_at(g, iova), __ATOMIC_SEQ_CST);
}

static void put16(const struct guest *g, uint64_t iova, uint16_t v)
{
	__atomic_store_n((uint16_t *)guest_at(g, iova), v, __ATOMIC_SEQ_CST);
}

static uint32_t get32(const struct guest *g, uint64_t iova)
{
	return __atomic_load_n((uint32_t *)guest_at(g, iova), __ATOMIC_SEQ_CST);
}

void table_desc(const struct guest *g, uint64_t table, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags,
		uint16_t next)
{
	uint64_t at = table + 16ULL * i;

	memcpy(guest_at(g, at), &addr, 8);
	memcpy(guest_at(g, at + 8), &len, 4);
	put16(g, at + 12, flags);
	put16(g, at + 14, next);
}

void ring_desc(const struct ring *r, uint16_t i, uint64_t addr, uint32_t len, uint16_t flags, uint16_t next)
{
	table_desc(r->g, r->desc, i, addr, len, flags, next);
}

void ring_offer(struct ring *r, uint16_t head)
{
	put16(r->g, r->avail + 4 + 2ULL * (r->avail_idx % r->num), head);
	r->avail_idx++;
	put16(r->g, r->avail + 2, r->avail_idx);
}

void ring_set_avail_idx(const struct ring *r, uint16_t idx)
{
	put16(r->g, r->avail + 2, idx);
}

void ring_set_avail_flags(const struct ring *r, uint16_t flags)
{
	put16(r->g, r->avail, flags);
}

void ring_set_used_event(const struct ring *r, uint16_t v)
{
	put16(r->g, r->avail + 4 + 2ULL * r->num, v);
}

uint16_t ring_used_idx(const struct ring *r)
{
	return get16(r->g, r->used + 2);
}

void ring_set_used_idx(const struct ring *r, uint16_t idx)
{
	put16(r->g, r->used + 2, idx);
}

uint16_t ring_used_flags(const struct ring *r)
{
	return get16(r->g, r->used);
}

uint16_t ring_avail_event(const struct ring *r)
{
	return get16(r->g, r->used + 4 + 8ULL * r->num);
}

uint32_t ring_used_id(const struct ring *r, uint16_t i)
{
	return get32(r->g, r->used + 4 + 8ULL * (i % r->num));
}

uint32_t ring_used_len(const struct ring *r, uint16_t i)
{
	return get32(r->g, r->used + 8 + 8ULL * (i % r->num));
}
