/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/slow.h - a few threads of vduse-worker for what would keep a queue's thread from its
 * other requests: calls that may take long and that the kernel has no asynchronous way for. They
 * are made before the jail closes, and touch no memory of a driver's.
 */
#ifndef WORKER_BLK_SLOW_H
#define WORKER_BLK_SLOW_H

#include "worker/blk/engine.h"

#define SLOW_THREADS 2U

/*
 * Make them, and wait until they are past what libc does first, which the filter would kill for.
 * run() executes a request in one of them and tells whoever waits. 0 or a negative errno: what was
 * made stays.
 */
int slow_create(struct slow **s, void (*run)(struct io *io));

/* Let one of them run io. Any thread; does not wait. */
void slow_give(struct slow *s, struct io *io);

#endif
