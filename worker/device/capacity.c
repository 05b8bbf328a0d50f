/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/capacity.c - see capacity.h. Main thread of vduse-worker.
 *
 * Order of a change, and why: the request path accepts the new size first, since a driver may use
 * what it reads; then the configuration, then the interrupt that makes the driver read it, and last
 * the state file: a worker that dies before that is followed by one that tells the driver again,
 * which does no harm.
 */
#include "worker/device/capacity.h"

#include <errno.h>
#include <linux/virtio_blk.h>
#include <linux/virtio_config.h>
#include <stddef.h>

#include "common/err.h"
#include "worker/channel/link.h"
#include "worker/ring/shm.h"

/*
 * The interrupt is refused while no driver runs. One that begins may have read the old size
 * already, so it is raised once it runs; the kernel records that only after our answer, so it can
 * take some tries.
 */
#define TRIES 100U

static void note_broken(struct device *d, int rc)
{
	if (rc == -EPERM)
		d->broken = true;
}

static void interrupt(struct device *d)
{
	int rc = d->vduse.ops->config_irq(&d->vduse);

	note_broken(d, rc);
	if (rc == 0)
		d->config_owed = 0;
}

/* Tell the driver what blk.capacity is. */
static int announce(struct device *d)
{
	uint64_t bytes = atomic_load_explicit(&d->blk.capacity, memory_order_relaxed);
	uint64_t sectors = bytes / VD_SECTOR_SIZE; /* little-endian, as we are */
	int rc = d->vduse.ops->set_config(&d->vduse, offsetof(struct virtio_blk_config, capacity), &sectors,
					  sizeof(sectors));

	note_broken(d, rc);
	if (rc < 0)
		return rc;
	d->config_owed = TRIES;
	interrupt(d);
	shm_put64(&d->state->capacity, bytes);
	return 0;
}

int capacity_grow(struct device *d, uint64_t bytes)
{
	uint64_t old = atomic_load_explicit(&d->blk.capacity, memory_order_relaxed);
	int rc;

	if (bytes < old || bytes % d->setup.block_size != 0)
		return -EINVAL;
	atomic_store(&d->blk.capacity, bytes);
	rc = announce(d);
	if (rc < 0)
		atomic_store(&d->blk.capacity, old);
	return rc;
}

void capacity_take_over(struct device *d)
{
	int rc;

	if (shm_get64(&d->state->capacity) == d->setup.capacity)
		return;
	rc = announce(d);
	if (rc < 0)
		link_log(d->link, LINK_ERROR, "telling the driver the size of the disk: %s", err_str(rc));
}

bool capacity_retry(struct device *d)
{
	if (d->config_owed == 0 || !(d->status & VIRTIO_CONFIG_S_DRIVER_OK))
		return false;
	d->config_owed--;
	interrupt(d);
	return d->config_owed != 0;
}
