/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/memory.c - see memory.h. Runs in the fuzz targets of the worker.
 */
#include "tests/fuzz/memory.h"

#include <errno.h>
#include <sanitizer/asan_interface.h>
#include <string.h>
#include <sys/mman.h>

#define FD_BASE 1000000 /* numbers that no descriptor has */
#define GUARD 4096U
#define LIVE_MAX (IOVA_REGIONS_MAX + 1U)
#define SCATTER 64U
#define HUGE_PAGE (2ULL << 20)

struct region {
	uint64_t start;
	uint32_t size, offset; /* of start in its file */
	uint8_t perm;
	uint32_t at, file; /* its file in the arena, and how long that is */
};

/* Files are whole pages, with a guard behind each. */
static const struct region regions[MEM_REGIONS] = {
	[MEM_RINGS] = { MEM_RINGS_AT, 0xb000, 0, VDUSE_ACCESS_RW, GUARD, 0xb000 },
	[MEM_DATA] = { MEM_DATA_AT, 0x6000, 0, VDUSE_ACCESS_RW, 0xd000, 0x6000 },
	[MEM_NEXT] = { 0x46000, 0x1fff, 0, VDUSE_ACCESS_RW, 0x14000, 0x2000 },
	[MEM_RO] = { 0x60000, 0x1000, 0x800, VDUSE_ACCESS_RO, 0x17000, 0x2000 },
	[MEM_WO] = { 0x70000, 0x1000, 0, VDUSE_ACCESS_WO, 0x1a000, 0x1000 },
	[MEM_ODD] = { 0x80000, 0x1800, 6, VDUSE_ACCESS_RW, 0x1c000, 0x2000 },
	[MEM_TOP] = { UINT64_MAX - 0xfff, 0x1000, 0, VDUSE_ACCESS_RW, 0x1f000, 0x1000 },
};

#define ARENA 0x21000U

static uint8_t arena[ARENA] __attribute__((aligned(4096)));
static bool dirty[MEM_REGIONS];
static uint64_t read_only[0x1000 / 8]; /* what MEM_RO must hold */

struct live { /* one mapping */
	void *p;
	size_t len;
	struct vduse_iotlb_entry e;
	uint8_t *first;
	uint32_t since; /* the answers given until then */
	/* unmapped; which of several with the same p and len is sorted out by mem_check() */
	bool gone;
};

static struct live live[LIVE_MAX];
static uint32_t nlive, fragment, answers, lies;
static bool has_answer, has_lie, read_only_mapped, scattered;
static int short_error;
static struct vduse_iotlb_entry answer, lie;
static int answer_fd = -1;
static void *state_map;
static size_t state_len;

static void poison(const void *p, uint64_t len)
{
	ASAN_POISON_MEMORY_REGION((volatile const char *)p, len);
}

static void unpoison(const void *p, uint64_t len)
{
	ASAN_UNPOISON_MEMORY_REGION((volatile const char *)p, len);
}

static void mem_forget(void)
{
	nlive = 0;
	answer_fd = -1;
	has_answer = has_lie = false;
	poison(arena, sizeof(arena));
}

void mem_new_process(struct iova_map *m)
{
	struct iova_source src = { .get = mem_region_of };

	mem_forget();
	PROMISE(iova_init(m, &src) == 0, "an empty map can be made");
}

void mem_init(void)
{
	unpoison(arena, sizeof(arena));
	for (int i = 0; i < MEM_REGIONS; i++)
		if (dirty[i])
			memset(arena + regions[i].at, 0, regions[i].file);
	memset(dirty, 0, sizeof(dirty));
	memset(read_only, 0, sizeof(read_only));
	read_only_mapped = scattered = false;
	fragment = answers = lies = 0;
	short_error = 0;
	mem_forget();
}

uint64_t mem_address(struct input *in)
{
	uint8_t r = in8(in);

	if (r >= 0xf8)
		return in64(in);
	return regions[r % MEM_REGIONS].start + in16(in) - (r & 0x80 ? 0x20U : 0U);
}

void mem_fragment(uint32_t bytes)
{
	fragment = bytes;
}

void mem_scatter(void)
{
	scattered = true;
}

void mem_lie(const struct vduse_iotlb_entry *e)
{
	lie = *e;
	has_lie = true;
}

void mem_short(int error)
{
	short_error = error;
}

uint32_t mem_answers(void)
{
	return answers;
}

uint32_t mem_lies(void)
{
	return lies;
}

/* ---- the driver's side ---- */

static const struct region *region_at(uint64_t iova)
{
	for (int i = 0; i < MEM_REGIONS; i++)
		if (iova - regions[i].start < regions[i].size)
			return &regions[i];
	return NULL;
}

static bool is_scattered(const struct region *r)
{
	return scattered && r == &regions[MEM_DATA];
}

/* Where in its file an address of r is. */
static uint64_t file_offset(const struct region *r, uint64_t iova)
{
	uint64_t at = iova - r->start;

	return r->offset + (is_scattered(r) ? at ^ SCATTER : at);
}

/* Not memcpy(), which AddressSanitizer looks into. */
__attribute__((no_sanitize("address"))) static void own_copy(uint8_t *to, const uint8_t *from, size_t len)
{
	volatile uint8_t *v = to;

	for (size_t i = 0; i < len; i++)
		v[i] = ((const volatile uint8_t *)from)[i];
}

/*
 * Where iova is in the arena, and how many of the len bytes there lie in one region (none: *n are
 * in no region).
 */
static uint8_t *own_run(uint64_t iova, size_t len, size_t *n)
{
	const struct region *r = region_at(iova);
	uint64_t left = r ? r->size - (iova - r->start) : 1;

	if (r && is_scattered(r))
		left = SCATTER - iova % SCATTER;
	*n = len < left ? len : (size_t)left;
	return r ? arena + r->at + file_offset(r, iova) : NULL;
}

static void store(uint64_t iova, uint8_t *p, const uint8_t *from, size_t n)
{
	const struct region *r = region_at(iova);

	own_copy(p, from, n);
	dirty[r - regions] = true;
	if (r == &regions[MEM_RO])
		memcpy((uint8_t *)read_only + (iova - r->start), from, n);
}

void mem_put(uint64_t iova, const void *from, size_t len)
{
	const uint8_t *b = from;
	size_t n;

	for (; len > 0; len -= n, iova += n, b += n) {
		uint8_t *p = own_run(iova, len, &n);

		if (p)
			store(iova, p, b, n);
	}
}

void mem_get(uint64_t iova, void *to, size_t len)
{
	uint8_t *b = to;
	size_t n;

	memset(to, 0, len);
	for (; len > 0; len -= n, iova += n, b += n) {
		const uint8_t *p = own_run(iova, len, &n);

		if (p)
			own_copy(b, p, n);
	}
}

void mem_put16(uint64_t iova, uint16_t v)
{
	mem_put(iova, &v, sizeof(v));
}

uint16_t mem_get16(uint64_t iova)
{
	uint16_t v;

	mem_get(iova, &v, sizeof(v));
	return v;
}

bool mem_exists(uint64_t iova, uint8_t perm)
{
	const struct region *r = region_at(iova);

	return r && (r->perm & perm) == perm;
}

/* ---- what is mapped ---- */

uint8_t *mem_mapped(uint64_t iova, uint8_t perm, uint64_t *left)
{
	for (uint32_t i = 0; i < nlive; i++) {
		const struct vduse_iotlb_entry *e = &live[i].e;

		if (live[i].gone || iova < e->start || iova > e->last)
			continue;
		*left = e->last - iova + 1;
		return (e->perm & perm) == perm ? live[i].first + (iova - e->start) : NULL;
	}
	return NULL;
}

bool mem_accessible(const void *p, uint64_t len, uint8_t perm)
{
	for (uint32_t i = 0; i < nlive; i++) {
		uint64_t size = live[i].e.last - live[i].e.start + 1, at = (uintptr_t)p - (uintptr_t)live[i].first;

		if (!live[i].gone && at < size && len <= size - at && (live[i].e.perm & perm) == perm)
			return true;
	}
	return false;
}

bool mem_mapped_since(uint32_t n, uint64_t start, uint64_t last)
{
	for (uint32_t i = 0; i < nlive; i++)
		if (!live[i].gone && live[i].since <= n && live[i].e.start <= last && start <= live[i].e.last)
			return true;
	return false;
}

/* ---- the kernel's side ---- */

static int whole_or_piece(const struct region *r, struct vduse_iotlb_entry *e)
{
	uint64_t first = r->start, last = r->start + (r->size - 1);
	uint64_t piece = is_scattered(r) ? SCATTER : fragment;

	if (piece) {
		uint64_t from = e->start & ~(piece - 1), to = e->start | (piece - 1);

		first = from > first ? from : first;
		last = to < last ? to : last;
	}
	*e = (struct vduse_iotlb_entry){
		.offset = file_offset(r, first), .start = first, .last = last, .perm = r->perm
	};
	return FD_BASE + (int)(r - regions);
}

int mem_region_of(void *ctx, struct vduse_iotlb_entry *e)
{
	const struct region *r = region_at(e->start);

	(void)ctx;
	answers++;
	if (short_error) {
		int error = short_error;

		short_error = 0;
		return error;
	}
	if (has_lie) {
		has_lie = false;
		lies++;
		*e = lie;
		answer_fd = FD_BASE + (int)(lie.offset >> 60) % MEM_REGIONS;
		e->offset &= ~(0xfULL << 60);
	} else if (r) {
		answer_fd = whole_or_piece(r, e);
	} else {
		return -EINVAL;
	}
	answer = *e;
	has_answer = true;
	return answer_fd;
}

void fuzz_fd_close(int *fd)
{
	PROMISE(*fd == MEM_STATE_FD || *fd == answer_fd, "only what was received is closed");
	answer_fd = *fd = -1;
}

void mem_set_state(void *p, size_t len)
{
	state_map = p;
	state_len = len;
}

static bool fits(const struct region *r, const struct vduse_iotlb_entry *e)
{
	return e->offset < r->file && e->last - e->start < r->file - e->offset;
}

static void *failed(int error)
{
	errno = error;
	return MAP_FAILED;
}

/*
 * How much of r the kernel maps: whole huge pages where they are behind it, whatever it was asked
 * for.
 */
static size_t real_len(const struct region *r, size_t len)
{
	return r == &regions[MEM_WO] ? (len + HUGE_PAGE - 1) / HUGE_PAGE * HUGE_PAGE : len;
}

static void add_live(void *p, size_t len, const struct region *r)
{
	struct live *l = &live[nlive++];

	PROMISE(nlive <= LIVE_MAX, "no more regions are mapped than the map can hold");
	*l = (struct live){ .p = p, .len = len, .e = answer, .first = arena + r->at + answer.offset, .since = answers };
	unpoison(l->first, answer.last - answer.start + 1);
	read_only_mapped = read_only_mapped || r == &regions[MEM_RO];
	if (answer.perm & VDUSE_ACCESS_WO)
		dirty[r - regions] = true;
}

void *fuzz_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset)
{
	const struct region *r = &regions[(unsigned)(fd - FD_BASE) % MEM_REGIONS];
	int want;

	PROMISE(!addr && flags == MAP_SHARED && len > 0, "memory is mapped shared, at any place");
	if (fd == MEM_STATE_FD) {
		PROMISE(len == state_len && offset == 0, "the state file is mapped as a whole");
		return state_map;
	}
	PROMISE(has_answer && fd == answer_fd, "only what the kernel named is mapped");
	want = (answer.perm & VDUSE_ACCESS_RO ? PROT_READ : 0) | (answer.perm & VDUSE_ACCESS_WO ? PROT_WRITE : 0);
	PROMISE(prot == want, "a region is mapped with its own permission");
	PROMISE(offset >= 0 && (uint64_t)offset % 4096 == 0 && len % 4096 == 0, "pages are mapped");
	PROMISE((uint64_t)offset <= answer.offset && len > answer.offset - (uint64_t)offset &&
			len - (answer.offset - (uint64_t)offset) > answer.last - answer.start,
		"a region is mapped as a whole");
	if (r == &regions[MEM_WO] && (uint64_t)offset % HUGE_PAGE != 0)
		return failed(EINVAL);
	if (!fits(r, &answer) || (answer.perm & ~r->perm))
		return failed(answer.offset & 1 ? ENOMEM : EINVAL);
	has_answer = false;
	add_live(arena + r->at + offset, real_len(r, len), r);
	return arena + r->at + offset;
}

/* A huge page is not cut: nothing is changed then. */
int fuzz_munmap(void *p, size_t len)
{
	bool cuts = false;

	for (uint32_t i = 0; i < nlive; i++) {
		if (live[i].gone || live[i].p != p)
			continue;
		cuts = cuts || (live[i].len % HUGE_PAGE == 0 && len < live[i].len);
		if (live[i].len != len)
			continue;
		live[i].gone = true;
		return 0;
	}
	errno = EINVAL;
	PROMISE(cuts, "only what was mapped is unmapped");
	return -1;
}

/* ---- agreement of the map with what is mapped ---- */

static bool same_len(const struct live *l, size_t map_len)
{
	return map_len == l->len || (l->len % HUGE_PAGE == 0 && map_len < l->len && l->len - map_len < HUGE_PAGE);
}

static bool is_region(const struct iova_region *r, const struct live *l)
{
	return r->start == l->e.start && r->last == l->e.last && r->map == l->p && same_len(l, r->map_len) &&
	       r->base == l->first && r->perm == l->e.perm;
}

/* Mostly in the order in which they were mapped. */
static bool listed(const struct iova_map *m, const struct live *l)
{
	uint32_t likely = (uint32_t)(l - live);

	if (likely < m->count && is_region(&m->region[likely], l))
		return true;
	for (uint32_t i = 0; i < m->count; i++)
		if (is_region(&m->region[i], l))
			return true;
	return false;
}

/* The same region was mapped again later. */
static bool again(const struct live *l)
{
	for (uint32_t i = 0; i < nlive; i++)
		if (!live[i].gone && live[i].first == l->first && live[i].e.start == l->e.start &&
		    live[i].e.last == l->e.last && live[i].e.perm == l->e.perm)
			return true;
	return false;
}

/* l is in the map but counted as unmapped: another piece of the same pages was meant. */
static void swap_gone(const struct iova_map *m, struct live *l)
{
	for (uint32_t i = 0; i < nlive; i++) {
		if (live[i].gone || live[i].p != l->p || live[i].len != l->len || listed(m, &live[i]))
			continue;
		live[i].gone = true;
		l->gone = false;
		return;
	}
	PROMISE(false, "what is in the map is mapped");
}

static void sweep(const struct iova_map *m)
{
	uint32_t n = 0;

	for (uint32_t i = 0; i < nlive; i++)
		if (live[i].gone && listed(m, &live[i]) && !again(&live[i]))
			swap_gone(m, &live[i]);
	for (uint32_t i = 0; i < nlive; i++) {
		if (live[i].gone)
			poison(live[i].first, live[i].e.last - live[i].e.start + 1);
		else
			live[n++] = live[i];
	}
	nlive = n;
	for (uint32_t i = 0; i < nlive; i++)
		unpoison(live[i].first, live[i].e.last - live[i].e.start + 1);
}

/* In words: a byte at a time would be half of a target's run time. */
__attribute__((no_sanitize("address"))) static bool read_only_kept(void)
{
	const struct region *r = &regions[MEM_RO];
	const volatile uint64_t *have = (const void *)(arena + r->at + r->offset);

	for (uint32_t i = 0; i < r->size / sizeof(*have); i++)
		if (have[i] != read_only[i])
			return false;
	return true;
}

void mem_check(const struct iova_map *m)
{
	sweep(m);
	PROMISE(nlive == m->count, "the map holds exactly what is mapped");
	for (uint32_t i = 0; i < nlive; i++)
		PROMISE(listed(m, &live[i]), "the map says of each region what the kernel said");
	PROMISE(!read_only_mapped || read_only_kept(), "read-only memory is not written");
}
