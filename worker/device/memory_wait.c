/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/memory_wait.c - see memory_wait.h. Main thread of vduse-worker.
 */
#include "worker/device/memory_wait.h"

#include "common/err.h"
#include "common/fd.h"
#include "worker/channel/link.h"
#include "worker/device/deferred.h"
#include "worker/device/queue_halt.h"

void memory_noted(struct device *d, const struct queue *q)
{
	if (queue_waits(q) && atomic_load_explicit(&q->waits, memory_order_relaxed) == 1)
		link_log(d->link, LINK_WARN, "queue %u waits: %s: %s", q->index,
			 atomic_load_explicit(&q->refusal, memory_order_relaxed),
			 err_str(atomic_load_explicit(&q->refused_by, memory_order_relaxed)));
}

void memory_full(struct device *d)
{
	deferred_remap(d, 0, UINT64_MAX);
}

static bool any_waits(const struct device *d)
{
	for (uint32_t i = 0; i < d->setup.queues; i++)
		if (queue_waits(&d->queue[i]))
			return true;
	return false;
}

int memory_tend(struct device *d)
{
	long long now = now_ms();

	if (!any_waits(d)) {
		d->retry_at = 0;
		return -1;
	}
	if (d->retry_at == 0)
		d->retry_at = now + MEMORY_RETRY_MS;
	if (now < d->retry_at)
		return (int)(d->retry_at - now);
	d->retry_at = 0;
	for (uint32_t i = 0; i < d->setup.queues; i++) {
		if (queue_wants_room(&d->queue[i]))
			memory_full(d);
		else
			queue_try_again(&d->queue[i]);
	}
	return -1; /* whoever waits again says so */
}
