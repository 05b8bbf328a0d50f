/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/commands.c - see commands.h. Main thread of vduse-worker.
 */
#include "worker/commands.h"

#include "worker/device/capacity.h"
#include "worker/device/error_stop.h"

/* From here on the connection is the channel of a vdused. */
static void adopt(struct device *d)
{
	link_adopted(d->link, d->setup.generation, error_stop_adopted(d), d->backend.fd);
}

static void order(void *ctx, const union work_any *msg)
{
	struct device *d = ctx;

	switch (msg->hdr.type) {
	case WORK_ADOPT:
		adopt(d);
		break;
	case WORK_RESUME:
		error_stop_resume(d);
		break;
	case WORK_RESIZE:
		link_resized(d->link, msg->resize.capacity, capacity_grow(d, msg->resize.capacity));
		break;
	}
}

void orders_take(struct link *l, struct device *d)
{
	l->order = order;
	l->order_ctx = d;
}
