/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/server/params.c - see params.h. Runs in vdused's main process.
 */
#include "control/server/params.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define DEFAULT_QUEUES_MAX 4

static uint32_t default_queues(void)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	return cpus < 1 ? 1 : cpus > DEFAULT_QUEUES_MAX ? DEFAULT_QUEUES_MAX : (uint32_t)cpus;
}

/*
 * A QEMU that offers its guest rings of 1024 entries, whatever the device says, has no disk with a
 * smaller limit: the kernel refuses what the guest chose. QEMU 10.0.13 is one.
 */
static uint32_t queue_size_of(const struct ctl_create *r)
{
	if (r->queue_size)
		return r->queue_size;
	return r->bus == CTL_BUS_VHOST ? VD_QUEUE_SIZE_MAX : VD_QUEUE_SIZE_DEFAULT;
}

uint32_t params_queues(const struct ctl_create *r)
{
	return r->queues ? r->queues : default_queues();
}

int params_check(const struct ctl_create *r, struct err *e)
{
	uint32_t qs = queue_size_of(r);

	if (r->queues > VD_QUEUES_MAX)
		return err_class(e, CTL_E_INVALID, "%u queues: at most %u are possible", r->queues, VD_QUEUES_MAX);
	if (qs < VD_QUEUE_SIZE_MIN || qs > VD_QUEUE_SIZE_MAX || (qs & (qs - 1)) != 0)
		return err_class(e, CTL_E_INVALID, "queue size %u: must be a power of two from %u to %u", qs,
				 VD_QUEUE_SIZE_MIN, VD_QUEUE_SIZE_MAX);
	if (r->block_size != 0 && r->block_size != 512 && r->block_size != 4096)
		return err_class(e, CTL_E_INVALID, "block size %u: must be 512 or 4096", r->block_size);
	return 0;
}

void params_set(struct device *d, const struct ctl_create *r)
{
	d->flags = r->flags;
	d->bus = r->bus;
	d->queues = params_queues(r);
	d->queue_size = queue_size_of(r);
	d->block_size = r->block_size ? r->block_size : VD_SECTOR_SIZE;
	if (r->serial[0])
		memcpy(d->serial, r->serial, sizeof(d->serial));
	else
		(void)snprintf(d->serial, sizeof(d->serial), "%.*s", (int)VD_SERIAL_MAX, r->name);
}
