/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/error_stop.c - see error_stop.h. Main thread of vduse-worker.
 */
#include "worker/device/error_stop.h"

#include <errno.h>

#include "worker/channel/link.h"
#include "worker/device/queue_halt.h"

void error_stop_noted(struct device *d, uint32_t queue)
{
	d->halts_owed |= 1U << queue;
}

static bool tell(struct device *d, uint32_t queue)
{
	int error = queue_halted(&d->queue[queue]);

	return error == 0 || link_halted(d->link, queue, error) != -EAGAIN;
}

bool error_stop_tell(struct device *d)
{
	if (d->resumed_owed && link_resumed(d->link) == -EAGAIN)
		return true;
	d->resumed_owed = false;
	for (uint32_t i = 0; i < d->setup.queues; i++)
		if ((d->halts_owed & (1U << i)) && tell(d, i))
			d->halts_owed &= ~(1U << i);
	return d->halts_owed != 0;
}

int error_stop_error(const struct device *d)
{
	int error = 0;

	for (uint32_t i = 0; i < d->setup.queues && error == 0; i++)
		error = queue_halted(&d->queue[i]);
	return error;
}

void error_stop_resume(struct device *d)
{
	for (uint32_t i = 0; i < d->setup.queues; i++)
		queue_go_on(&d->queue[i]);
	d->resumed_owed = true;
}

int error_stop_adopted(struct device *d)
{
	d->resumed_owed = false;
	return error_stop_error(d);
}
