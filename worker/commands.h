/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/commands.h - what vdused orders of a worker that serves, beyond pings and its end. Main
 * thread of vduse-worker. Trusts vdused. Orders come at any time at which the channel is read, also
 * while a message of the kernel waits for requests to end: nothing here waits, or touches a queue
 * that is not held.
 */
#ifndef WORKER_COMMANDS_H
#define WORKER_COMMANDS_H

#include "worker/channel/link.h"
#include "worker/device/device.h"

/* From here on l's orders are for d. */
void orders_take(struct link *l, struct device *d);

#endif
