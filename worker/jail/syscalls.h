/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/jail/syscalls.h - which system calls a sealed vduse-worker may make, and on which
 * descriptors.
 */
#ifndef WORKER_JAIL_SYSCALLS_H
#define WORKER_JAIL_SYSCALLS_H

#include "common/seccomp.h"

/*
 * Fixed descriptor numbers: the filter pins calls to them, jail.c sees to it that they are right.
 */
#define FD_CHANNEL 3 /* socket to vdused */
#define FD_DEVICE 4 /* /dev/vduse/NAME */
#define FD_BACKEND 5 /* the disk */
/* State file until it is mapped, then one region of the driver's memory or connection at a time. */
#define FD_TRANSIENT 6
#define FD_NOTES 7 /* eventfd: notes to the main thread */
#define FD_KICKS 8 /* eventfds: kicks, one per queue, up to FD_KICKS + VD_QUEUES_MAX - 1 */

#define FD_LISTEN 24 /* socket on which the next vdused can connect when this one is gone */

extern const struct seccomp_row worker_syscalls[];
extern const size_t worker_syscalls_rows;

#endif
