/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/proc_sched.h - what the scheduler says of a process. Reads /proc, whose words are the
 * kernel's but for the process's name. Reading them waits for nobody. Main process and helpers.
 */
#ifndef CONTROL_SYS_PROC_SCHED_H
#define CONTROL_SYS_PROC_SCHED_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct proc_sched {
	char state; /* as in /proc/PID/stat: 'R', 'S', 'D', 'T', 't', 'Z'; 0 = it cannot be seen */
	/* processor time since its birth; 0 also where the kernel does not count */
	uint64_t ran_ns;
	/*
	 * runnable without a processor. Counted when it gets one: while it waits (a cgroup's quota
	 * is used up) nothing grows.
	 */
	uint64_t waited_ns;
};

/* Of the main thread of a process. */
void proc_sched(pid_t pid, struct proc_sched *s);

/*
 * Is any of its threads runnable, so that it only needs a processor to go on, or to end? Also of
 * one whose main thread ended.
 */
bool proc_runnable(pid_t pid);

#endif
