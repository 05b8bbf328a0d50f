/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/worker_limits.h - every resource limit that a worker lives under. None is
 * inherited: whoever starts vdused, with whatever ulimit, gets the same workers. Spawn helper and
 * hand-over helper.
 */
#ifndef CONTROL_STEPS_WORKER_LIMITS_H
#define CONTROL_STEPS_WORKER_LIMITS_H

#include <stdint.h>
#include <sys/types.h>

#include "common/err.h"

/*
 * In the worker's process, before it is executed, with CAP_SYS_RESOURCE. file_size: bytes that it
 * may write up to in a regular file. 0 or a negative errno.
 */
int worker_limits_set(uint64_t file_size);

/*
 * Judges the text of /proc/PID/limits: all but the file size, which resize changes. 0 or -EPERM,
 * with e filled.
 */
int worker_limits_judge(const char *text, struct err *e);

/* The same for a process. 0 or a negative errno, with e filled. */
int worker_limits_check(pid_t pid, struct err *e);

#endif
