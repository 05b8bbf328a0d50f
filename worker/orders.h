/*
 * worker/orders.h - what vdused orders of a worker that serves, beyond pings and its end. Main thread of vduse-worker.
 * Trusts vdused. Orders come at any time at which the channel is read, also while a message of the kernel waits for
 * requests to end: nothing here waits, or touches a queue that is not held.
 */
#ifndef WORKER_ORDERS_H
#define WORKER_ORDERS_H

#include "worker/device.h"
#include "worker/link.h"

/* From here on l's orders are for d. */
void orders_take(struct link *l, struct device *d);

#endif
