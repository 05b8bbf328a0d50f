/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/proc_id.h - telling processes apart: a pid alone is used again, a pid and its start
 * time are not. Reads /proc, whose words are the kernel's but for the process's name. Main process
 * and helpers.
 */
#ifndef CONTROL_SYS_PROC_ID_H
#define CONTROL_SYS_PROC_ID_H

#include <stdint.h>
#include <sys/types.h>

/* Field 22 of /proc/PID/stat (clock ticks since boot), 0 when there is no such process. */
uint64_t proc_start_time(pid_t pid);

/* Real uid of the process, or UINT32_MAX. */
uint32_t proc_uid(pid_t pid);

/* The next process with this real uid and a pid above after, 0 = none. Walks /proc. */
pid_t proc_next_of_uid(uint32_t uid, pid_t after);

#endif
