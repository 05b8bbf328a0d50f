/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/queue_ready.h - what a queue's thread does before it serves, and whether the
 * driver's memory is still there. Queue threads.
 */
#ifndef WORKER_DEVICE_QUEUE_READY_H
#define WORKER_DEVICE_QUEUE_READY_H

#include "worker/device/queue.h"

/*
 * Bring a known queue as far as it goes: rings mapped, place in them found, log taken over. 0, or a
 * negative errno: q->refusal says why, or the queue has failed. Its thread: it can hang.
 */
int queue_ready(struct queue *q);

/*
 * Since the driver's memory was last forgotten a page of it was found gone (sigbus.h): what was
 * read may be zeros that nobody wrote. Asked after every access to the driver's memory and before
 * anything comes of it. Then nothing more is taken, executed or published: what was taken stays in
 * the log, as if the worker had died. Its thread.
 */
bool queue_faulted(const struct queue *q);

/*
 * If so, the queue fails, which explains whatever else looks wrong, and its batch is dropped. Its
 * thread.
 */
bool queue_fail_on_fault(struct queue *q);

#endif
