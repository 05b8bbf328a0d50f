/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/queue_halt.h - a queue stops at a request that cannot be completed now, and goes on
 * as after a crash: what is taken and not completed is executed again in its old order. Why, and
 * when: queue.h, "Halting" and "Waiting".
 */
#ifndef WORKER_DEVICE_QUEUE_HALT_H
#define WORKER_DEVICE_QUEUE_HALT_H

#include "worker/device/queue.h"

/* ---- main thread ---- */

/* Negative errno of the disk that it halted with, or 0. */
int queue_halted(const struct queue *q);

/* If it is halted, let it go on (when it is held: once it is released). */
void queue_go_on(struct queue *q);

/* Does it wait for memory, or for room in the map? If so, let it try again. */
bool queue_waits(const struct queue *q);
bool queue_wants_room(const struct queue *q);
void queue_try_again(struct queue *q);

/* ---- its thread ---- */

/* All that was finished is published: stop, if q->unreached or q->stopped_by says so. */
void queue_halt(struct queue *q);

/* Wait for memory that cannot be reached now (rc, of iova.h); why must be a literal. */
void queue_wait(struct queue *q, int rc, const char *why);

/*
 * Something cannot be reached, rc of iova.h: will that not change? 0: never; nor where the kernel's
 * answer makes no sense. Where the kernel knows no memory, once it has been waited for since memory
 * changed last; where the map is full, if this request alone has filled it, and not other queues.
 * What passes by itself is waited for without end.
 */
bool queue_gives_up(const struct queue *q, int rc);

/* Failed, halted or waiting. */
bool queue_is_stopped(const struct queue *q);

/* It is not; where it was, it begins again now by its log. Rings mapped. */
bool queue_is_served(struct queue *q);

#endif
