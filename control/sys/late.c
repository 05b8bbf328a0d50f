/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/late.c - see late.h. Runs in vdused's main process and in helpers; pure.
 */
#include "control/sys/late.h"

static bool stopped(char state)
{
	return state == 'T' || state == 't';
}

static bool starves(const struct late *l, const struct proc_sched *now)
{
	if (now->ran_ns - l->first.ran_ns >= LATE_RAN_NS)
		return false;
	return now->state == 'R' || now->waited_ns - l->last.waited_ns >= LATE_WAITED_NS;
}

enum late_verdict late_judge(struct late *l, const struct late_facts *f)
{
	const struct proc_sched *now = &f->now;
	bool lagging = f->lag_ms >= LATE_LAG_MS, excused;

	if (f->frozen)
		return LATE_AGAIN;
	if (stopped(now->state) && !lagging)
		return LATE_HUNG;
	if (l->looks == 0)
		l->first = l->last = *now;
	excused = lagging || l->looks == 0 || starves(l, now);
	l->last = *now;
	l->looks++;
	if (!excused)
		return LATE_HUNG;
	return l->looks < LATE_LOOKS_MAX ? LATE_AGAIN : LATE_STARVED;
}
