/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/memory.h - an imaginary driver's memory for the fuzz targets of the worker, without
 * system calls.
 *
 * worker/ring/iova.c is built with mmap() and munmap() replaced by ours, so all of its own code
 * runs. A byte is accessible exactly while it is mapped: everything else, the space around the
 * regions too, is poisoned for AddressSanitizer. The driver's side (mem_put, mem_get) may touch all
 * of its memory at any time.
 */
#ifndef TESTS_FUZZ_MEMORY_H
#define TESTS_FUZZ_MEMORY_H

#include "tests/fuzz/fuzz.h"
#include "worker/ring/iova.h"

enum mem_region {
	MEM_RINGS, /* room for the largest ring */
	MEM_DATA, /* room for the largest indirect table */
	MEM_NEXT, /* follows MEM_DATA without a gap and ends at an odd address */
	MEM_RO,
	MEM_WO,
	MEM_ODD, /* aligned as an IOVA, not so where it is mapped */
	MEM_TOP, /* ends at the last address there is */
	MEM_REGIONS,
};

#define MEM_RINGS_AT 0x10000ULL
#define MEM_DATA_AT 0x40000ULL
#define MEM_STATE_FD 6 /* what the worker maps under this number is mem_state() */

/* All memory zero, nothing mapped. */
void mem_init(void);

/* A process begins that has mapped nothing: m is empty. */
void mem_new_process(struct iova_map *m);

/* An address: mostly inside of or near a region. */
uint64_t mem_address(struct input *in);

/*
 * Let the kernel answer in pieces of so many bytes (a power of two; 0 = whole regions), as if
 * regions were small.
 */
void mem_fragment(uint32_t bytes);

/*
 * MEM_DATA is made of many regions of 64 bytes that do not lie side by side where they are mapped.
 * Only before anything is mapped.
 */
void mem_scatter(void);

/* Its next answer is this error: the host runs short. */
void mem_short(int error);

/* Its next answer is this one, whatever was asked. */
void mem_lie(const struct vduse_iotlb_entry *e);

/* The driver's own accesses; bytes where there is no memory are skipped (and read as zero). */
void mem_put(uint64_t iova, const void *from, size_t len);
void mem_get(uint64_t iova, void *to, size_t len);
void mem_put16(uint64_t iova, uint16_t v);
uint16_t mem_get16(uint64_t iova);

/*
 * Where the worker must find iova, by what is mapped now; NULL: it is not. *left counts the bytes
 * from there on.
 */
uint8_t *mem_mapped(uint64_t iova, uint8_t perm, uint64_t *left);

/* Is there memory of the driver with that permission, mapped or not? */
bool mem_exists(uint64_t iova, uint8_t perm);

/* The bytes at p are the driver's, mapped, and of that permission. */
bool mem_accessible(const void *p, uint64_t len, uint8_t perm);

/*
 * Call after iova_drop() and at the end: m and what is mapped agree, and nothing was written to
 * read-only memory. What was dropped becomes inaccessible.
 */
void mem_check(const struct iova_map *m);

/* Is something in [start, last] mapped since before the n-th answer? */
bool mem_mapped_since(uint32_t n, uint64_t start, uint64_t last);

/* How many answers were given, and how many of them were lies. */
uint32_t mem_answers(void);
uint32_t mem_lies(void);

/* For iova_source.get and vduse_ops.region. */
int mem_region_of(void *ctx, struct vduse_iotlb_entry *e);

/* What a worker maps as its state file. */
void mem_set_state(void *p, size_t len);

/* Instead of the system's; see fuzz.mk. */
void *fuzz_mmap(void *addr, size_t len, int prot, int flags, int fd, off_t offset);
int fuzz_munmap(void *p, size_t len);
void fuzz_fd_close(int *fd);

#endif
