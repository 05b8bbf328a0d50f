/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/supervise/worker_start.h - how a worker comes to serve. Main process only; for this room
 * alone.
 */
#ifndef CONTROL_SUPERVISE_WORKER_START_H
#define CONTROL_SUPERVISE_WORKER_START_H

#include "control/supervise/worker.h"

/* WORK_READY with a state layout that fits was seen. */
void worker_is_ready(struct worker *w);

/* The hand-over is done and WORK_SERVING seen, one after the other in any order: serve. */
void worker_is_serving(struct worker *w);

#endif
