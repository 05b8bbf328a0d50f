/*
 * worker/device/error_stop.h - WORK_F_STOP: a request that the disk failed waits, its queue with it, until vdused says WORK_RESUME.
 * Main thread of vduse-worker; how a queue halts and goes on is in queue.c. Trusts vdused.
 */
#ifndef WORKER_DEVICE_ERROR_STOP_H
#define WORKER_DEVICE_ERROR_STOP_H

#include "worker/device/device.h"

/* Say WORK_HALTED for queue, once. Without a vdused nothing is said: the next one learns it when it adopts. */
void halt_noted(struct device *d, uint32_t queue);

/* Once per round of the main loop. True: vdused does not read, call again soon. */
bool halt_tell(struct device *d);

/* Error of a request that waits, 0 = none does. */
int halt_error(const struct device *d);

/* WORK_RESUME: every halted queue goes on. */
void halt_resume(struct device *d);

#endif
