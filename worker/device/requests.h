/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/requests.h - the requests of a queue: taken, given to the engine, which ends them
 * in any order, published in batches. The queue's thread, on a hostile ring.
 */
#ifndef WORKER_DEVICE_REQUESTS_H
#define WORKER_DEVICE_REQUESTS_H

#include "worker/device/queue.h"

/* Memory for as many as the engine has pending at once. 0 or -ENOMEM. Before the jail closes. */
int requests_create(struct queue *q);

/* Take new ones, up to a batch, and begin them. Returns how many. */
uint32_t requests_take(struct queue *q);

/* Could another be taken? Not while none is free, the queue is to stop, or it is to be held. */
bool requests_may_take(const struct queue *q);

/* Finish those that the engine is done with, up to a batch. Returns how many. */
uint32_t requests_reap(struct queue *q);

/*
 * Show the driver what is finished, with one interrupt at most. Nothing of it after a fault
 * (queue_ready.h).
 */
void requests_publish(struct queue *q);

#endif
