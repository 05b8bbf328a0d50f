/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/device/error_stop.h - WORK_F_STOP: a request that the disk failed waits, its queue with
 * it, until vdused says WORK_RESUME. Main thread of vduse-worker; how a queue halts and goes on is
 * in queue.c. Trusts vdused.
 */
#ifndef WORKER_DEVICE_ERROR_STOP_H
#define WORKER_DEVICE_ERROR_STOP_H

#include "worker/device/device.h"

/*
 * Say WORK_HALTED for queue, once. Without a vdused nothing is said: the next one learns it when it
 * adopts.
 */
void error_stop_noted(struct device *d, uint32_t queue);

/*
 * Once per round of the main loop: say what is owed, WORK_RESUMED before WORK_HALTED. True: vdused
 * does not read, call again soon.
 */
bool error_stop_tell(struct device *d);

/* Error of a request that waits, 0 = none does. */
int error_stop_error(const struct device *d);

/*
 * WORK_RESUME: every halted queue goes on, those too that vdused had not heard of. So it is told
 * when that was: what halts from then on is said behind it.
 */
void error_stop_resume(struct device *d);

/*
 * WORK_ADOPT: another vdused learns what waits now; what the one before was to be told is of no
 * interest to it.
 */
int error_stop_adopted(struct device *d);

#endif
