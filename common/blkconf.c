/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/blkconf.c - see blkconf.h. Runs in vdused's setup helper and in the worker.
 */
#include "common/blkconf.h"

#include <endian.h>
#include <linux/virtio_config.h>
#include <linux/virtio_ring.h>
#include <string.h>

#include "proto/limits.h"

#define BIT(n) (1ULL << (n))

uint32_t blk_seg_max(uint32_t queue_size)
{
	uint32_t segs = queue_size - 2;

	return segs < 254 ? segs : 254;
}

uint64_t blk_features_needed(void)
{
	return BIT(VIRTIO_F_VERSION_1) | BIT(VIRTIO_F_ACCESS_PLATFORM);
}

/* Those that every device offers. */
static uint64_t features_of_all(void)
{
	return blk_features_needed() | BIT(VIRTIO_RING_F_INDIRECT_DESC) | BIT(VIRTIO_RING_F_EVENT_IDX) |
	       BIT(VIRTIO_BLK_F_SEG_MAX) | BIT(VIRTIO_BLK_F_BLK_SIZE) | BIT(VIRTIO_BLK_F_FLUSH) |
	       BIT(VIRTIO_BLK_F_TOPOLOGY);
}

uint64_t blk_features_known(void)
{
	return features_of_all() | BIT(VIRTIO_BLK_F_MQ) | BIT(VIRTIO_BLK_F_RO) | BIT(VIRTIO_BLK_F_DISCARD) |
	       BIT(VIRTIO_BLK_F_WRITE_ZEROES);
}

uint64_t blk_features(const struct blk_params *p)
{
	uint64_t f = features_of_all();

	if (p->queues > 1)
		f |= BIT(VIRTIO_BLK_F_MQ);
	if (p->read_only)
		f |= BIT(VIRTIO_BLK_F_RO);
	else
		f |= BIT(VIRTIO_BLK_F_WRITE_ZEROES) |
		     (p->unmap.discard_max >= p->block_size ? BIT(VIRTIO_BLK_F_DISCARD) : 0);
	return f;
}

/*
 * A multiple of the granularity where that is possible: a driver that splits there leaves no parts
 * behind.
 */
static void fill_discard(const struct blk_params *p, struct virtio_blk_config *c)
{
	uint32_t block = p->block_size / VD_SECTOR_SIZE, granule = p->unmap.granularity / VD_SECTOR_SIZE;
	uint64_t max = p->unmap.discard_max / VD_SECTOR_SIZE;

	if (granule < block)
		granule = block;
	if (max > BLK_DISCARD_SECTORS)
		max = BLK_DISCARD_SECTORS;
	if (max >= granule)
		max -= max % granule;
	c->max_discard_sectors = htole32((uint32_t)max);
	c->max_discard_seg = htole32(BLK_DISCARD_SEGS);
	c->discard_sector_alignment = htole32(granule);
}

void blk_config_fill(const struct blk_params *p, struct virtio_blk_config *c)
{
	memset(c, 0, sizeof(*c));
	c->capacity = htole64(p->capacity / VD_SECTOR_SIZE);
	c->seg_max = htole32(blk_seg_max(p->queue_size));
	c->blk_size = htole32(p->block_size);
	c->physical_block_exp = p->block_size == 512 ? 3 : 0; /* 4 KiB physical blocks either way */
	c->min_io_size = htole16((uint16_t)(4096 / p->block_size));
	c->opt_io_size = 0;
	c->num_queues = htole16((uint16_t)p->queues);
	if (blk_features(p) & BIT(VIRTIO_BLK_F_DISCARD))
		fill_discard(p, c);
	c->max_write_zeroes_sectors = htole32(BLK_ZEROES_SECTORS);
	c->max_write_zeroes_seg = htole32(BLK_ZEROES_SEGS);
	c->write_zeroes_may_unmap = p->unmap.by_zeroing != 0;
}
