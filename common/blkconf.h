/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/blkconf.h - the virtio-blk features and configuration space of a device.
 * Used by vdused's setup helper (VDUSE_CREATE_DEV) and by the worker (what it may be asked to
 * serve).
 * Pure. Source: virtio 1.2, 5.2.3 to 5.2.5.
 */
#ifndef COMMON_BLKCONF_H
#define COMMON_BLKCONF_H

#include <linux/virtio_blk.h>
#include <stdbool.h>
#include <stdint.h>

/*
 * Limits that the worker enforces. They are what we announce, but for a backend that discards less
 * at a time.
 */
#define BLK_DISCARD_SEGS 16U
#define BLK_DISCARD_SECTORS (1U << 22) /* 2 GiB a segment */
#define BLK_ZEROES_SEGS 1U
/* 32 MiB: the fall-back writes that many zeros in one request */
#define BLK_ZEROES_SECTORS (1U << 16)

/* what a backend can give back to whatever it is made of, found out when the device is made */
struct blk_unmap {
	/* bytes discarded at a time, 0 = it cannot discard: that is not offered then */
	uint64_t discard_max;
	uint32_t granularity; /* bytes: smaller or unaligned parts of a discard stay as they are */
	uint32_t by_zeroing; /* bool: zeroes that may unmap can do so */
};

struct blk_params {
	uint64_t capacity; /* bytes */
	uint32_t queues;
	uint32_t queue_size;
	uint32_t block_size; /* bytes: 512 or 4096 */
	bool read_only;
	struct blk_unmap unmap;
};

/* Data segments of one request: a chain of queue_size descriptors less header and status. */
uint32_t blk_seg_max(uint32_t queue_size);

/*
 * Features to offer, transport bits (VERSION_1, ACCESS_PLATFORM, INDIRECT_DESC, EVENT_IDX)
 * included.
 */
uint64_t blk_features(const struct blk_params *p);

/* Every bit that some version of blk_features() offers and this one can serve. */
uint64_t blk_features_known(void);

/* Bits without which we cannot serve: a driver that drops one of them is refused. */
uint64_t blk_features_needed(void);

/* Fill the configuration space, little-endian. */
void blk_config_fill(const struct blk_params *p, struct virtio_blk_config *c);

#endif
