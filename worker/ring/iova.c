/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/ring/iova.c - see iova.h. Runs in all threads of vduse-worker on hostile addresses.
 */
#include "worker/ring/iova.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "common/fd.h"
#include "worker/ring/shm.h"

/*
 * Guest memory may lie on huge pages (hugetlbfs, device DAX). The kernel maps such a file only at
 * multiples of its page size and rounds the length up to one by itself, but does not round for
 * munmap() nor MAP_FIXED: what would cut a huge page in two is EINVAL, and nothing is changed. No
 * one says how large a file's pages are without a system call on the file, which may be a FUSE
 * server's. So each size is tried, the smallest first: the first that is taken ends where the
 * mapping does, and never beyond it.
 */
static const uint64_t page_sizes[] = { 4096, 2ULL << 20, 1ULL << 30 };
#define PAGE_SIZES (sizeof(page_sizes) / sizeof(page_sizes[0]))

static uint64_t round_up(uint64_t len, uint64_t page)
{
	return (len + page - 1) / page * page;
}

int iova_init(struct iova_map *m, const struct iova_source *src)
{
	memset(m, 0, sizeof(*m));
	m->source = *src;
	return -pthread_mutex_init(&m->lock, NULL);
}

static bool covers(const struct iova_region *r, uint64_t iova)
{
	return r->start <= iova && iova <= r->last;
}

static const struct iova_region *find(struct iova_view *v, uint64_t iova)
{
	struct iova_map *m = v->map;
	uint32_t count = atomic_load_explicit(&m->count, memory_order_acquire);

	if (v->hint < count && covers(&m->region[v->hint], iova))
		return &m->region[v->hint];
	for (uint32_t i = 0; i < count; i++) {
		if (covers(&m->region[i], iova)) {
			v->hint = i;
			v->moves++;
			return &m->region[i];
		}
	}
	return NULL;
}

/* Check the kernel's answer about iova. */
static int check_entry(const struct iova_map *m, uint32_t count, const struct vduse_iotlb_entry *e, uint64_t iova)
{
	uint64_t end;

	if (e->start > e->last || e->perm < VDUSE_ACCESS_RO || e->perm > VDUSE_ACCESS_RW)
		return -EPROTO;
	if (iova < e->start || iova > e->last)
		return -EPROTO;
	if (__builtin_add_overflow(e->offset, e->last - e->start, &end) || end > INT64_MAX - (4ULL << 30))
		return -EPROTO;
	for (uint32_t i = 0; i < count; i++)
		if (e->start <= m->region[i].last && m->region[i].start <= e->last)
			return -ESTALE;
	return 0;
}

bool iova_passes(int rc)
{
	return rc == -ENOMEM || rc == -EAGAIN || rc == -EMFILE || rc == -ENFILE || rc == -ESTALE || rc == -EPERM;
}

/*
 * Map a checked entry, its ends rounded outwards to page (sums cannot overflow after check_entry).
 */
static int map_entry(const struct vduse_iotlb_entry *e, int fd, uint64_t page, struct iova_region *r)
{
	int prot = (e->perm & VDUSE_ACCESS_RO ? PROT_READ : 0) | (e->perm & VDUSE_ACCESS_WO ? PROT_WRITE : 0);
	uint64_t skew = e->offset % page;
	uint64_t len = round_up(e->last - e->start + skew + 1, page);
	void *p = mmap(NULL, len, prot, MAP_SHARED, fd, (off_t)(e->offset - skew));

	if (p == MAP_FAILED)
		return -errno;
	*r = (struct iova_region){ .start = e->start,
				   .last = e->last,
				   .base = (uint8_t *)p + skew,
				   .perm = e->perm,
				   .map = p,
				   .map_len = len,
				   .page = page };
	return 0;
}

/* What the file refuses for good is -EACCES, whatever it says. */
static int map_region(const struct vduse_iotlb_entry *e, int fd, struct iova_region *r)
{
	int rc = -EINVAL;

	for (size_t i = 0; i < PAGE_SIZES && rc == -EINVAL; i++)
		rc = map_entry(e, fd, page_sizes[i], r);
	return rc == 0 || rc == -ENOMEM || rc == -EAGAIN || rc == -ENFILE ? rc : -EACCES;
}

/* Ask the kernel for the region around iova. Called with the lock held. */
static int insert(struct iova_map *m, uint64_t iova)
{
	struct vduse_iotlb_entry e = { .start = iova, .last = iova };
	uint32_t count = atomic_load_explicit(&m->count, memory_order_relaxed);
	int fd, rc;

	if (count == IOVA_REGIONS_MAX)
		return -ENOSPC;
	fd = m->source.get(m->source.ctx, &e);
	if (fd < 0)
		return fd == -EINVAL || fd == -ENOSPC ? -EFAULT : fd; /* the map is not full */
	rc = check_entry(m, count, &e, iova);
	if (rc == 0)
		rc = map_region(&e, fd, &m->region[count]);
	fd_close(&fd);
	if (rc < 0)
		return rc;
	atomic_store_explicit(&m->count, count + 1, memory_order_release);
	return 0;
}

bool iova_try_lock(struct iova_map *m)
{
	return pthread_mutex_trylock(&m->lock) == 0;
}

void iova_unlock(struct iova_map *m)
{
	(void)pthread_mutex_unlock(&m->lock);
}

static int find_or_insert(struct iova_view *v, uint64_t iova, const struct iova_region **r)
{
	int rc = 0;

	*r = find(v, iova);
	if (__builtin_expect(*r != NULL, 1))
		return 0;
	(void)pthread_mutex_lock(&v->map->lock);
	*r = find(v, iova); /* another queue may have been faster */
	if (!*r) {
		rc = insert(v->map, iova);
		if (rc == 0)
			*r = find(v, iova);
	}
	(void)pthread_mutex_unlock(&v->map->lock);
	return rc;
}

int iova_piece(struct iova_view *v, uint64_t iova, uint64_t len, enum iova_access access, void **p, uint64_t *got)
{
	const struct iova_region *r;
	uint64_t last, left;
	int rc;

	if (len == 0 || __builtin_add_overflow(iova, len - 1, &last))
		return -EFAULT;
	rc = find_or_insert(v, iova, &r);
	if (rc < 0)
		return rc;
	if ((r->perm & (unsigned)access) != (unsigned)access)
		return -EACCES;
	left = r->last - iova; /* one less than what is left: cannot overflow */
	*p = r->base + (iova - r->start);
	*got = left < len ? left + 1 : len;
	return 0;
}

int iova_whole(struct iova_view *v, uint64_t iova, uint64_t len, enum iova_access access, void **p)
{
	uint64_t got;
	int rc = iova_piece(v, iova, len, access, p, &got);

	if (rc < 0)
		return rc;
	return got == len ? 0 : -EFAULT;
}

int iova_read(struct iova_view *v, uint64_t iova, void *dst, uint64_t len)
{
	uint8_t *to = dst;

	while (len > 0) {
		uint64_t got;
		void *p;
		int rc = iova_piece(v, iova, len, IOVA_READ, &p, &got);

		if (rc < 0)
			return rc;
		shm_copy_in(to, p, (size_t)got);
		to += got;
		iova += got; /* may wrap only when len becomes 0 */
		len -= got;
	}
	return 0;
}

int iova_write(struct iova_view *v, uint64_t iova, const void *src, uint64_t len)
{
	const uint8_t *from = src;

	while (len > 0) {
		uint64_t got;
		void *p;
		int rc = iova_piece(v, iova, len, IOVA_WRITE, &p, &got);

		if (rc < 0)
			return rc;
		memcpy(p, from, (size_t)got);
		from += got;
		iova += got;
		len -= got;
	}
	return 0;
}

bool iova_drop(struct iova_map *m, uint64_t start, uint64_t last)
{
	uint32_t count = atomic_load_explicit(&m->count, memory_order_relaxed);
	uint32_t n = atomic_load_explicit(&m->ndropped, memory_order_relaxed);
	uint32_t i = 0;

	while (i < count) {
		struct iova_region *r = &m->region[i];

		if (r->start > last || start > r->last) {
			i++;
			continue;
		}
		if (n < IOVA_REGIONS_MAX) /* always, unless the kernel refuses to unmap */
			m->dropped[n++] = (struct iova_mapping){ .at = r->map, .len = round_up(r->map_len, r->page) };
		*r = m->region[--count];
	}
	atomic_store_explicit(&m->count, count, memory_order_release);
	atomic_store_explicit(&m->ndropped, n, memory_order_release);
	return n > 0;
}

static bool unmap(const struct iova_mapping *d)
{
	for (size_t i = 0; i < PAGE_SIZES; i++) {
		if (munmap(d->at, round_up(d->len, page_sizes[i])) == 0)
			return true;
		if (errno != EINVAL)
			return false;
	}
	return false;
}

void iova_sweep(struct iova_map *m)
{
	uint32_t n = atomic_load_explicit(&m->ndropped, memory_order_acquire), left = 0;

	for (uint32_t i = 0; i < n; i++)
		if (!unmap(&m->dropped[i]))
			m->dropped[left++] = m->dropped[i];
	atomic_store_explicit(&m->ndropped, left, memory_order_release);
}

static struct iova_region *region_of(struct iova_map *m, const void *addr)
{
	uint32_t count = atomic_load_explicit(&m->count, memory_order_acquire);

	for (uint32_t i = 0; i < count; i++)
		if ((uintptr_t)addr - (uintptr_t)m->region[i].map < m->region[i].map_len)
			return &m->region[i];
	return NULL;
}

static bool zeros(uintptr_t at, size_t len, int prot)
{
	return mmap((void *)at, len, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED;
}

static bool overlaps(uintptr_t at, size_t len, const void *p, size_t n)
{
	return at < (uintptr_t)p + n && (uintptr_t)p < at + len;
}

/* Does [at, at + len) touch a mapping that is not r's? Huge pages that r lies on do not. */
static bool touches_others(const struct iova_map *m, const struct iova_region *r, uintptr_t at, size_t len)
{
	uint32_t count = atomic_load_explicit(&m->count, memory_order_acquire);
	uint32_t n = atomic_load_explicit(&m->ndropped, memory_order_acquire);
	bool any = overlaps(at, len, m->keep.at, m->keep.len);

	for (uint32_t i = 0; i < count; i++) {
		const struct iova_region *o = &m->region[i];

		any = any || (o != r && overlaps(at, len, o->map, round_up(o->map_len, o->page)));
	}
	for (uint32_t i = 0; i < n; i++)
		any = any || overlaps(at, len, m->dropped[i].at, m->dropped[i].len);
	return any;
}

bool iova_put_zeros(struct iova_map *m, const void *addr)
{
	uintptr_t own = (uintptr_t)addr & ~(page_sizes[0] - 1);
	struct iova_region *r = region_of(m, addr);

	if (!r)
		return false;
	if (zeros(own, page_sizes[0], PROT_READ | PROT_WRITE))
		return true;
	for (size_t i = 1; errno == EINVAL && i < PAGE_SIZES; i++) {
		uintptr_t at = (uintptr_t)addr & ~(page_sizes[i] - 1);

		if (at < (uintptr_t)r->map || touches_others(m, r, at, page_sizes[i]))
			return false;
		if (!zeros(at, page_sizes[i], PROT_READ))
			continue;
		if (page_sizes[i] > r->page)
			r->page = page_sizes[i]; /* else unmap() could cut the last piece */
		return zeros(own, page_sizes[0], PROT_READ | PROT_WRITE);
	}
	return false;
}
