/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/blk/slow.h - a few threads of vduse-worker for what would keep a queue's thread from its
 * other requests: calls that may take long and that the kernel has no asynchronous way for. They
 * are made before the jail closes, shared by all queues, and do what engine_pread does. Memory of a
 * driver's they pass to the kernel only.
 */
#ifndef WORKER_BLK_SLOW_H
#define WORKER_BLK_SLOW_H

#include "worker/blk/engine.h"

/*
 * Of what is neither READ nor WRITE so many are executed at once, and of these so many fewer than
 * there are threads: neither holds up the other.
 */
#define SLOW_LONG_MAX 2U

/*
 * Make so many, or as many of them as can be had, but at least SLOW_LONG_MAX; and wait until they
 * are past what libc does first, which the filter would kill for. 0 or a negative errno: what was
 * made stays.
 */
int slow_create(struct slow **s, uint32_t threads);

/* Let one of them execute io for io->engine. Any thread; does not wait. */
void slow_give(struct slow *s, struct io *io);

/* For poll(): the next request of e that has ended, there or by engine_ended(); or NULL. */
struct io *slow_next(struct engine *e);

#endif
