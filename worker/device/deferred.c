/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/deferred.c - see deferred.h. Main thread of vduse-worker.
 */
#include "worker/device/deferred.h"

#include "worker/channel/link.h"
#include "worker/crash.h"
#include "worker/device/queues.h"
#include "worker/ring/shm.h"

void deferred_reset(struct device *d)
{
	d->reset_owed = true;
	shm_put32(&d->state->reset_owed, 1);
	/* a killed worker has not begun it without having said so */
	__atomic_thread_fence(__ATOMIC_RELEASE);
}

void deferred_update(struct device *d, uint64_t start, uint64_t last)
{
	d->memory_changed = true;
	deferred_remap(d, start, last);
}

void deferred_remap(struct device *d, uint64_t start, uint64_t last)
{
	if (!d->remap_owed || start < d->remap_start)
		d->remap_start = start;
	if (!d->remap_owed || last > d->remap_last)
		d->remap_last = last;
	d->remap_owed = true;
}

bool deferred_any(const struct device *d)
{
	return d->reset_owed || d->remap_owed || d->asked_until != 0;
}

/* All held. Everything the driver set up is forgotten. */
static void reset(struct device *d)
{
	crash_point(K12_RESET);
	queues_off(d);
	crash_point(K12_RESET);
	device_set_state(d, 0, 0);
	/* last: until then the next worker does all of it again */
	shm_put32_release(&d->state->reset_owed, 0);
	d->reset_owed = d->remap_owed = d->memory_changed = false;
	d->kicks_owed = 0;
}

/* All held. */
static void remap(struct device *d)
{
	crash_point(K11_UPDATE_IOTLB);
	queues_remap(d, d->remap_start, d->remap_last, d->memory_changed);
	d->remap_owed = d->memory_changed = false;
	crash_point(K11_UPDATE_IOTLB);
}

int deferred_settle(struct device *d, int ms)
{
	int rc;

	if (!d->reset_owed && !d->remap_owed)
		return 0;
	rc = queues_hold(d, ms);
	if (rc == 0 && d->reset_owed)
		reset(d);
	else if (rc == 0)
		remap(d);
	else if (ms > 0)
		link_log(d->link, LINK_ERROR, "%s: I/O has not ended after %d s", d->reset_owed ? "reset" : "status",
			 DEVICE_DRAIN_MS / 1000);
	return rc;
}
