/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/late.h - somebody who does not answer in time: starved, or hung? Pure; the kernel's
 * words about the process come from proc_sched.h. Main process and helpers.
 *
 * On a busy host a healthy process may get no processor for seconds; so may vdused itself, and all
 * of them when the host was suspended. To kill it would make matters worse. It is looked at when it
 * is late, and again every LATE_LOOK_MS:
 *   stopped                          hung at once: a signal or a debugger did it, and others wait
 *   vdused was late itself           nothing is known about the other: it gets another turn
 *   its cgroup is frozen             it waits to be thawed, however long: the next one would be as
 *                                    frozen
 *   runnable, or it had to wait for  starved: another turn, up to LATE_LOOKS_MAX; then its end is
 *   a processor, since the last look not its own fault
 *   LATE_RAN_NS of processor time    hung: it runs in circles
 *   anything else                    hung: it sleeps, or the kernel holds it
 * What it may feign by this is a delay: LATE_LOOKS_MAX keeps it below the kernel's message timeout
 * of 30 s.
 */
#ifndef CONTROL_SYS_LATE_H
#define CONTROL_SYS_LATE_H

#include <stdbool.h>

#include "control/sys/proc_sched.h"

#define LATE_LOOK_MS 1000 /* between two looks */
#define LATE_LOOKS_MAX 16U
#define LATE_LAG_MS 500 /* vdused's own delay from which on it says nothing about others */
#define LATE_RAN_NS 1000000000ULL /* far more than an answer takes */
#define LATE_WAITED_NS 50000000ULL /* waiting for a processor between two looks: less is ordinary */

struct late { /* one wait for an answer; all zero at its beginning */
	unsigned looks;
	struct proc_sched first, last;
};

struct late_facts {
	long long lag_ms; /* by which vdused's own timer was late */
	bool frozen;
	struct proc_sched now; /* of the main thread */
};

enum late_verdict {
	LATE_AGAIN, /* look again after LATE_LOOK_MS */
	LATE_STARVED, /* no more time, through no fault of its own */
	LATE_HUNG,
};

enum late_verdict late_judge(struct late *l, const struct late_facts *f);

#endif
