/*
 * worker/ring/iova.h - from addresses that a driver names (IOVA) to mapped memory of this process.
 * Runs in vduse-worker. The addresses and lengths are hostile; the regions come from the kernel, which on
 * vhost_vdpa passes on what the driver asked for, so they are checked like hostile input as well.
 *
 * One map per device. Lookup takes no lock: regions are only ever appended while queues run. A miss asks the
 * kernel (VDUSE_IOTLB_GET_FD), maps the region with the permission that the kernel reports, and appends it
 * under a mutex. Removal is for the main thread alone, while every queue is parked.
 *
 * A region may be a file of a FUSE server that stops answering. Then not only a load or store can hang, unkillably, but
 * also mmap(), close() and munmap(), and with them the process's lock for mappings. So only queue threads do any of
 * this: the main thread forgets regions, a queue thread unmaps them.
 */
#ifndef WORKER_RING_IOVA_H
#define WORKER_RING_IOVA_H

#include <linux/vduse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IOVA_REGIONS_MAX 256U

/* What the device does with the memory (virtio's view: IN requests write to the driver's buffer). */
enum iova_access { IOVA_READ = VDUSE_ACCESS_RO, IOVA_WRITE = VDUSE_ACCESS_WO, IOVA_BOTH = VDUSE_ACCESS_RW };

struct iova_region {
	uint64_t start, last; /* IOVA, last is included */
	uint8_t *base; /* where start is mapped */
	uint8_t perm; /* VDUSE_ACCESS_* bits */
	void *map; /* what munmap wants: the outside, aligned to pages */
	size_t map_len;
	size_t page; /* 4 KiB, or more where huge pages are behind it */
};

/*
 * Where regions come from. get() finds the region around e->start, fills in *e and returns a
 * descriptor that the caller closes, or a negative errno (-EINVAL: nothing there). Any thread,
 * one call at a time.
 */
struct iova_source {
	int (*get)(void *ctx, struct vduse_iotlb_entry *e);
	void *ctx;
};

struct iova_mapping {
	void *at;
	size_t len;
};

struct iova_map {
	pthread_mutex_t lock; /* of insertion */
	struct iova_source source;
	_Atomic uint32_t count; /* regions valid for readers */
	struct iova_region region[IOVA_REGIONS_MAX];
	_Atomic uint32_t ndropped; /* forgotten, but still mapped */
	struct iova_mapping dropped[IOVA_REGIONS_MAX];
};

/* One thread's window on the map: remembers the region of its last hit. */
struct iova_view {
	struct iova_map *map;
	uint32_t hint;
};

int iova_init(struct iova_map *m, const struct iova_source *src);

/*
 * Translate the start of [iova, iova + len), len > 0: *p points to the mapped byte of iova, and the return
 * value in *got is how many bytes from there on lie in the same region (1..len). The region must
 * permit access. Returns 0, -EFAULT (not mapped, wraps around), -EACCES (permission), -ENOSPC (too
 * many regions), -EPROTO (the kernel's answer makes no sense) or another negative errno.
 */
int iova_piece(struct iova_view *v, uint64_t iova, uint64_t len, enum iova_access access, void **p, uint64_t *got);

/* The same for a range that must lie in one region as a whole (rings). */
int iova_whole(struct iova_view *v, uint64_t iova, uint64_t len, enum iova_access access, void **p);

/* Copy out of / into the driver's memory across regions. The first error ends it; bytes before it may have been copied.
 */
int iova_read(struct iova_view *v, uint64_t iova, void *dst, uint64_t len);
int iova_write(struct iova_view *v, uint64_t iova, const void *src, uint64_t len);

/*
 * The lock of insertion, which is also that of the one descriptor number that insertion takes. Never wait with it; false:
 * somebody has it.
 */
bool iova_try_lock(struct iova_map *m);
void iova_unlock(struct iova_map *m);

/*
 * Forget every region that overlaps [start, last], even in part. Main thread, all queues parked, the last sweep ended.
 * True: there is something to sweep.
 */
bool iova_drop(struct iova_map *m, uint64_t start, uint64_t last);

/* Unmap what was forgotten. Can hang. One thread, not the main thread. */
void iova_sweep(struct iova_map *m);

/* Size of the page at addr when it lies in a mapping of the map, else 0. Lock-free, async-signal-safe (sigbus.c). */
size_t iova_page_at(struct iova_map *m, const void *addr);

#endif
