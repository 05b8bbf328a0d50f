/*
 * worker/policy.h - which system calls a sealed vduse-worker may make, and on which descriptors.
 */
#ifndef WORKER_POLICY_H
#define WORKER_POLICY_H

#include "common/seccomp.h"

/* Fixed descriptor numbers: the filter pins calls to them, jail.c sees to it that they are right. */
#define FD_CHANNEL 3   /* socket to vdused */
#define FD_DEVICE 4    /* /dev/vduse/NAME */
#define FD_BACKEND 5   /* the disk */
#define FD_TRANSIENT 6 /* state file until it is mapped, then one region of the driver's memory at a time */
#define FD_EVENTS 7    /* eventfds from here on: notes, then one per queue */

extern const struct seccomp_row worker_policy[];
extern const size_t worker_policy_rows;

#endif
