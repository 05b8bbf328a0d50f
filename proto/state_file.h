/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto/state_file.h - layout of a device's state file, which outlives its worker.
 * Written by vduse-worker through a shared mapping; read by the next worker of the device and by
 * vdused (with pread; its mapping only keeps the pages in memory). Both readers treat it as
 * hostile: whoever wrote it may have been taken over. Pure.
 *
 * The per-queue part follows the split-ring in-flight region of the vhost-user specification
 * (QEMU docs/interop/vhost-user.rst, "Inflight I/O tracking"): a head is marked before its request
 * is executed and cleared after its completion is published, so the next worker knows what to
 * execute again. threats: see the L cases of the recovery document.
 *
 * The file lives on a tmpfs, is created by vdused with its full size allocated, all zero, mode 0600
 * root. Native byte order and alignment: it never leaves the host nor survives a boot.
 */
#ifndef PROTO_STATE_FILE_H
#define PROTO_STATE_FILE_H

#include <stddef.h>
#include <stdint.h>

#include "proto/limits.h"

#define STATE_MAGIC 0x3145544154534456ULL /* "VDSTATE1" */
#define STATE_VERSION 1U

/* One descriptor of the in-flight table. */
struct state_desc {
	uint8_t inflight; /* 0 or 1 */
	uint8_t reserved[5];
	uint16_t next; /* list of the heads completed in one batch */
	uint64_t counter; /* order in which heads were taken; unique among those in flight */
};

struct state_counters { /* since the device was created; written by one thread each */
	uint64_t reads, read_bytes;
	uint64_t writes, write_bytes;
	uint64_t flushes, discards, write_zeroes;
	uint64_t errors;
};

struct state_queue {
	uint16_t desc_num; /* ring size the driver chose; 0 = queue not started */
	uint16_t last_batch_head;
	uint16_t used_idx;
	uint16_t reserved;
	/* 1 = the ring was malformed: not served until the driver resets the device */
	uint32_t failed;
	uint32_t reserved2;
	uint64_t next_counter;
	struct state_counters counters;
	uint64_t pad[5]; /* to a multiple of 64 bytes: queues share no cache line */
	struct state_desc desc[VD_QUEUE_SIZE_MAX];
};

/* How I/O is done, for `show` alone. Of another generation than that of the worker: not known. */
struct state_io {
	uint32_t generation; /* of the worker whose word it is */
	uint32_t how; /* enum io_how */
	int32_t error; /* the negative errno for which not all queues do more at once, or 0 */
	uint32_t reserved;
};

struct state_file {
	uint64_t magic; /* STATE_MAGIC, stored last by the first worker; 0 = fresh */
	uint32_t version;
	uint32_t size; /* of this struct */
	char name[VD_NAME_SIZE];
	uint32_t queues; /* as in WORK_SETUP */
	uint32_t generation; /* of the worker that wrote last */
	uint32_t driver_status; /* virtio device status the driver set and we accepted */
	uint32_t reserved;
	uint64_t features; /* negotiated; without FEATURES_OK in driver_status they mean nothing */
	uint64_t capacity; /* bytes, as in WORK_SETUP */
	/* not 0 = a flush through the host's page cache failed: all later ones must */
	uint32_t flush_failed;
	/*
	 * Not 0 = a reset has begun and is not finished: the status, the features and the logs are
	 * those of before it, and nothing is to be taken from them. Set before anything of it is
	 * done or answered, cleared last. Where it cannot be finished in time the kernel has rings
	 * of another driver meanwhile. (Was padding, always 0: the version is the same.)
	 */
	uint32_t reset_owed;
	/*
	 * What the kernel offers to drivers since the device was made, whatever its later workers
	 * would offer. 0 = not known: its first worker was of a version that did not say. (Was
	 * padding, too.)
	 */
	uint64_t offered;
	struct state_io io; /* was padding, too */
	uint64_t pad; /* the queues start on a cache line */
	struct state_queue queue[VD_QUEUES_MAX];
};

_Static_assert(sizeof(struct state_desc) == 16, "layout");
_Static_assert(sizeof(struct state_queue) % 64 == 0, "layout");
_Static_assert(offsetof(struct state_file, queue) % 64 == 0, "layout");

/*
 * Copy of everything but the in-flight tables: what vdused reads with one pread for `show`.
 * Adds up the counters of nq queues found at q.
 */
void state_sum_counters(const struct state_counters *q, size_t nq, struct state_counters *sum);

#endif
