/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/forbidden_memory.c - P9: no new executable memory, and no mapping but of the driver's
 * memory. Test code: data for attempts.c.
 */
#include "tests/jail/forbidden.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include "tests/jail/numbers.h"

#define RW (PROT_READ | PROT_WRITE)
#define RX (PROT_READ | PROT_EXEC)
#define RWX (RW | PROT_EXEC)
#define ANON (MAP_PRIVATE | MAP_ANONYMOUS)
#define MMAP(prot, flags, fd) CALL(SYS_mmap, N(0), N(4096), N(prot), N(flags), N(fd), N(0))

static const char room[256];

const struct forbidden forbidden_memory[] = {
	{ "P9 mmap anonymous rwx", MMAP(RWX, ANON, -1) },
	{ "P9 mmap anonymous rx", MMAP(RX, ANON, -1) },
	{ "P9 mmap anonymous x", MMAP(PROT_EXEC, ANON, -1) },
	{ "P9 mmap anonymous rw, not fixed", MMAP(RW, ANON, -1) },
	{ "P9 mmap anonymous rw, shared", MMAP(RW, MAP_SHARED | MAP_ANONYMOUS, -1) },
	{ "P9 mmap anonymous rwx, fixed", MMAP(RWX, ANON | MAP_FIXED, -1) },
	{ "P9 mmap anonymous rx, fixed", MMAP(RX, ANON | MAP_FIXED, -1) },
	{ "P9 mmap anonymous none, fixed", MMAP(PROT_NONE, ANON | MAP_FIXED, -1) },
	{ "P9 mmap anonymous w, fixed", MMAP(PROT_WRITE, ANON | MAP_FIXED, -1) },
	{ "P9 mmap anonymous rw, fixed, populate", MMAP(RW, ANON | MAP_FIXED | MAP_POPULATE, -1) },
	{ "P9 mmap anonymous rw, fixed, stack", MMAP(RW, ANON | MAP_FIXED | MAP_GROWSDOWN, -1) },
	{ "P9 mmap anonymous rw, huge pages", MMAP(RW, ANON | MAP_HUGETLB, -1) },
	{ "P9 mmap the driver's memory rwx", MMAP(RWX, MAP_SHARED, 6) },
	{ "P9 mmap the driver's memory rx", MMAP(RX, MAP_SHARED, 6) },
	{ "P9 mmap the driver's memory x", MMAP(PROT_EXEC, MAP_SHARED, 6) },
	{ "P9 mmap the driver's memory, private", MMAP(RW, MAP_PRIVATE, 6) },
	{ "P9 mmap the driver's memory, fixed", MMAP(RW, MAP_SHARED | MAP_FIXED, 6) },
	{ "P9 mmap the driver's memory, locked", MMAP(RW, MAP_SHARED | MAP_LOCKED, 6) },
	{ "P9 mmap the driver's memory, MAP_SHARED_VALIDATE", MMAP(RW, MAP_SHARED_VALIDATE, 6) },
	{ "P9 mmap the driver's memory, PROT_GROWSUP", MMAP(RW | PROT_GROWSUP, MAP_SHARED, 6) },
	{ "P9 mmap the disk", MMAP(RW, MAP_SHARED, 5) },
	{ "P9 mmap the disk, read only", MMAP(PROT_READ, MAP_SHARED, 5) },
	{ "P9 mmap the disk, private", MMAP(PROT_READ, MAP_PRIVATE, 5) },
	{ "P9 mmap the disk rx", MMAP(RX, MAP_PRIVATE, 5) },
	{ "P9 mmap the device", MMAP(RW, MAP_SHARED, 4) },
	{ "P9 mmap the channel", MMAP(RW, MAP_SHARED, 3) },
	{ "P9 mmap an eventfd", MMAP(RW, MAP_SHARED, 7) },
	{ "P9 mprotect rx", CALL(SYS_mprotect, B(room), N(4096), N(RX)) },
	{ "P9 mprotect rwx", CALL(SYS_mprotect, B(room), N(4096), N(RWX)) },
	{ "P9 mprotect rw", CALL(SYS_mprotect, B(room), N(4096), N(RW)) },
	{ "P9 mprotect none", CALL(SYS_mprotect, N(0), N(0), N(PROT_NONE)) },
	{ "P9 pkey_mprotect", CALL(SYS_pkey_mprotect, N(0), N(0), N(RX), N(-1)) },
	{ "P9 pkey_alloc", CALL(SYS_pkey_alloc, N(0), N(0)) },
	{ "P9 pkey_free", CALL(SYS_pkey_free, N(1)) },
	{ "P9 mremap", CALL(SYS_mremap, B(room), N(4096), N(8192), N(MREMAP_MAYMOVE), N(0)) },
	{ "P9 remap_file_pages", CALL(SYS_remap_file_pages, N(0), N(4096), N(0), N(0), N(0)) },
	{ "P9 shmat SHM_EXEC", CALL(SYS_shmat, N(0), N(0), N(0100000)) },
	{ "P9 shmdt", CALL(SYS_shmdt, N(0)) },
	{ "P9 brk", CALL(SYS_brk, N(0)) },
	{ "P9 madvise", CALL(SYS_madvise, N(0), N(4096), N(MADV_DONTNEED)) },
	{ "P9 mlock", CALL(SYS_mlock, N(0), N(4096)) },
	{ "P9 mlockall", CALL(SYS_mlockall, N(MCL_CURRENT)) },
	{ "P9 mincore", CALL(SYS_mincore, N(0), N(4096), B(room)) },
	{ "P9 msync", CALL(SYS_msync, N(0), N(4096), N(MS_SYNC)) },
	{ "P9 mbind", CALL(SYS_mbind, N(0), N(4096), N(0), N(0), N(0), N(0)) },
	{ "P9 set_mempolicy", CALL(SYS_set_mempolicy, N(0), N(0), N(0)) },
	{ "P9 map_shadow_stack", CALL(NR_MAP_SHADOW_STACK, N(0), N(4096), N(0)) },
	{ "P9 mseal", CALL(NR_MSEAL, N(0), N(4096), N(0)) },
	{ .name = NULL },
};
