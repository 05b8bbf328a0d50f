/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/ring/shm.h - the only ways in which vduse-worker touches memory that a driver can change
 * meanwhile. Runs in the queue threads and the main thread; nothing read here may be trusted.
 *
 * Rule: copy once, check the copy, use the copy. The compiler must not fetch a value a second time
 * behind our back, so single values go through atomic accesses, and copied blocks are made opaque
 * to it.
 * Ring fields are little-endian (virtio 1.2, 2.7); a worker runs on little-endian hosts only.
 */
#ifndef WORKER_RING_SHM_H
#define WORKER_RING_SHM_H

#include <stdint.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ring fields are used without conversion");

static inline uint16_t shm_get16(const void *p)
{
	return __atomic_load_n((const uint16_t *)p, __ATOMIC_RELAXED);
}

/* A 16-bit index that says that what it counts has been written before it. */
static inline uint16_t shm_get16_acquire(const void *p)
{
	return __atomic_load_n((const uint16_t *)p, __ATOMIC_ACQUIRE);
}

static inline uint32_t shm_get32(const void *p)
{
	return __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
}

static inline uint64_t shm_get64(const void *p)
{
	return __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED);
}

static inline void shm_put8(void *p, uint8_t v)
{
	__atomic_store_n((uint8_t *)p, v, __ATOMIC_RELAXED);
}

static inline void shm_put16(void *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)p, v, __ATOMIC_RELAXED);
}

/* Publish: everything stored before is visible to whoever sees v. */
static inline void shm_put16_release(void *p, uint16_t v)
{
	__atomic_store_n((uint16_t *)p, v, __ATOMIC_RELEASE);
}

static inline void shm_put32(void *p, uint32_t v)
{
	__atomic_store_n((uint32_t *)p, v, __ATOMIC_RELAXED);
}

/* The same for a 32-bit value. */
static inline void shm_put32_release(void *p, uint32_t v)
{
	__atomic_store_n((uint32_t *)p, v, __ATOMIC_RELEASE);
}

static inline void shm_put64(void *p, uint64_t v)
{
	__atomic_store_n((uint64_t *)p, v, __ATOMIC_RELAXED);
}

/* Copy out of shared memory; afterwards the compiler can use nothing but the copy. */
static inline void shm_copy_in(void *dst, const void *src, size_t len)
{
	memcpy(dst, src, len);
	__asm__ volatile("" : : "r"(dst) : "memory");
}

/*
 * Full barrier: a store of ours before a load of what the driver stores (virtio 1.2, 2.7.7 and
 * 2.7.10).
 */
static inline void shm_barrier(void)
{
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

#endif
