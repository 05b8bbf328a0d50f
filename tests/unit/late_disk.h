/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/late_disk.h - an engine whose requests end when the test says so, in whatever order.
 * What they do is done then, by engine_pread. One for all queues of a rig.
 */
#ifndef TESTS_LATE_DISK_H
#define TESTS_LATE_DISK_H

#include "worker/device/queue.h"

#define LATE_DEPTH 4U

extern const struct engine_ops late_disk;

/* Queue q, held and without requests, has this engine from now on. */
void late_use(struct queue *q);

/* Wait (bounded) until so many requests were begun and have not ended. */
void late_wait(unsigned n);
unsigned late_pending(void);

/*
 * End the n-th of them, in the order of their begin, with what comes of it, or with this negative
 * errno and nothing done. Its thread is told.
 */
void late_end(unsigned n, int error);

/* What the n-th of them is. */
const struct io *late_io(unsigned n);

/* From now on all end at once, those that are pending included. False: no more. */
void late_let_go(bool go);

#endif
