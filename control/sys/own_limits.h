/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/own_limits.h - the resource limits of vdused itself, which its helpers inherit
 * (workers get their own: control/steps/worker_limits.h), and how many descriptors are left. Main
 * process.
 */
#ifndef CONTROL_SYS_OWN_LIMITS_H
#define CONTROL_SYS_OWN_LIMITS_H

#include "common/err.h"

/*
 * At start, with CAP_SYS_RESOURCE: lifts what would break vdused or a helper in the middle of its
 * work (address space, memory, file size, processor time, processes, locked memory), and takes all
 * descriptors that the hard limit allows. That limit stays the operator's word on how many devices
 * there can be, but for those that dir/device says are there already. 0 or a negative errno: a
 * limit that is too low cannot be lifted; e names it and the remedy.
 */
int own_limits_lift(const char *dir, struct err *e);

/*
 * Descriptors that can still be opened; 0 where that cannot be found out. A create needs FDS_CREATE
 * of them beside FDS_SPARE, which are for connections and for whatever a worker that dies takes to
 * be replaced.
 */
unsigned own_fds_free(void);

#define FDS_CREATE 12U
#define FDS_SPARE 96U

#endif
