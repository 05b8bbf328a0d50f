/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/ring/iova.h - from addresses that a driver names (IOVA) to mapped memory of this process.
 * Runs in vduse-worker. The addresses and lengths are hostile; the regions come from the kernel,
 * which on vhost_vdpa passes on what the driver asked for, so they are checked like hostile input
 * as well.
 *
 * One map per device. Lookup takes no lock: regions are only ever appended while queues run. A miss
 * asks the kernel (VDUSE_IOTLB_GET_FD), maps the region with the permission that the kernel
 * reports, and appends it under a mutex. Removal is for the main thread alone, while every queue is
 * parked.
 *
 * A region may be a file of a FUSE server that stops answering. Then not only a load or store can
 * hang, unkillably, but also mmap(), close() and munmap(), and with them the process's lock for
 * mappings. So only queue threads do any of this: the main thread forgets regions, a queue thread
 * unmaps them.
 */
#ifndef WORKER_RING_IOVA_H
#define WORKER_RING_IOVA_H

#include <linux/vduse.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * More than any one request needs: IO_IOV_MAX pieces of data, its other parts, and all rings. When
 * the map is full it is emptied as a whole, with all queues parked (device/memory_wait.h), so
 * nothing that is in use is ever taken away.
 */
#define IOVA_REGIONS_MAX 1536U

/*
 * What the device does with the memory (virtio's view: IN requests write to the driver's buffer).
 */
enum iova_access { IOVA_READ = VDUSE_ACCESS_RO, IOVA_WRITE = VDUSE_ACCESS_WO, IOVA_BOTH = VDUSE_ACCESS_RW };

struct iova_region {
	uint64_t start, last; /* IOVA, last is included */
	uint8_t *base; /* where start is mapped */
	uint8_t perm; /* VDUSE_ACCESS_* bits */
	void *map; /* the outside, aligned to pages */
	size_t map_len; /* asked for: with huge pages behind it more is mapped */
	size_t page; /* what is known of its pages: at least so large */
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
	size_t len; /* at least */
};

struct iova_map {
	pthread_mutex_t lock; /* of insertion */
	struct iova_source source;
	_Atomic uint32_t count; /* regions valid for readers */
	struct iova_region region[IOVA_REGIONS_MAX];
	_Atomic uint32_t ndropped; /* forgotten, but still mapped */
	struct iova_mapping dropped[IOVA_REGIONS_MAX];
	/* another mapping of the process's that zeros must not cover: the state file */
	struct iova_mapping keep;
};

/* One thread's window on the map: remembers the region of its last hit. */
struct iova_view {
	struct iova_map *map;
	uint32_t hint;
	/* how often another region was used than before; of the owner's, who sets it to 0 */
	uint32_t moves;
};

int iova_init(struct iova_map *m, const struct iova_source *src);

/*
 * Translate the start of [iova, iova + len), len > 0: *p points to the mapped byte of iova, and the
 * return value in *got is how many bytes from there on lie in the same region (1..len). The region
 * must permit access. Returns 0 or a negative errno:
 *   -EFAULT  the kernel knows no memory there; or it wraps around
 *   -EACCES  permission; or it is of a kind that cannot be mapped
 *   -EPROTO  the kernel's answer makes no sense
 *   -ENOSPC  the map is full, see IOVA_REGIONS_MAX
 *   others   see iova_passes()
 */
int iova_piece(struct iova_view *v, uint64_t iova, uint64_t len, enum iova_access access, void **p, uint64_t *got);

/*
 * Is rc an error that is no fault of the address and ends by itself? -ENOMEM, -EMFILE and the like:
 * the host has run short.
 * -ESTALE: the region overlaps one that was mapped before, so the kernel's map has changed and
 * UPDATE_IOTLB is on its way.
 * -EPERM: the kernel gave the device up, which ends the worker. Pure.
 */
bool iova_passes(int rc);

/* The same for a range that must lie in one region as a whole (rings). */
int iova_whole(struct iova_view *v, uint64_t iova, uint64_t len, enum iova_access access, void **p);

/*
 * Copy out of / into the driver's memory across regions. The first error ends it; bytes before it
 * may have been copied. /
 */
int iova_read(struct iova_view *v, uint64_t iova, void *dst, uint64_t len);
int iova_write(struct iova_view *v, uint64_t iova, const void *src, uint64_t len);

/*
 * The lock of insertion, which is also that of the one descriptor number that insertion takes.
 * Never wait with it; false: somebody has it.
 */
bool iova_try_lock(struct iova_map *m);
void iova_unlock(struct iova_map *m);

/*
 * Forget every region that overlaps [start, last], even in part. Main thread, all queues parked,
 * the last sweep ended. True: there is something to sweep.
 */
bool iova_drop(struct iova_map *m, uint64_t start, uint64_t last);

/*
 * Unmap what was forgotten; what cannot be stays for the next time. Can hang. One thread, not the
 * main thread.
 */
void iova_sweep(struct iova_map *m);

/*
 * Put private memory of zeros in the place of the page at addr. Of a huge page only 4 KiB can be
 * written then, since all of it would be more than RLIMIT_DATA allows: a store elsewhere in it is a
 * fault again, SIGSEGV this time. False: addr is in no mapping of the map, or it cannot be done
 * without covering another one. Lock-free, async-signal-safe (sigbus.c).
 */
bool iova_put_zeros(struct iova_map *m, const void *addr);

#endif
