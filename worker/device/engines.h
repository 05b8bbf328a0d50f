/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/engines.h - which engine the queues of a device have (worker/blk/engine.h). Main
 * thread of vduse-worker.
 *
 * That an engine is to be used is known for certain only when the jail has closed, and nothing can
 * be made any more. A host that has no asynchronous I/O or threads left is no reason not to serve:
 * a queue then has one request at a time.
 */
#ifndef WORKER_DEVICE_ENGINES_H
#define WORKER_DEVICE_ENGINES_H

#include "worker/device/device.h"

/* Before the jail closes: what a queue's engine needs, as d->setup says. 0 or a negative errno. */
int engines_prepare(struct device *d, struct engine *e);

/*
 * The same for the threads that all of them share: last, as an earlier vdused may have left room
 * for few.
 */
void engines_add_threads(struct device *d);

/* With the device; async: its vdused says that asynchronous I/O may be used (WORK_D_AIO). */
void engines_choose(struct device *d, bool async);

/* Say in the state file how I/O is done. */
void engines_say(struct device *d);

#endif
