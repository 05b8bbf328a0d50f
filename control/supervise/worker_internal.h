/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/supervise/worker_internal.h - what worker.c does for the others of this room. Main
 * process only.
 */
#ifndef CONTROL_SUPERVISE_WORKER_INTERNAL_H
#define CONTROL_SUPERVISE_WORKER_INTERNAL_H

#include "control/supervise/worker.h"

/* Of its device. */
static inline const char *worker_name(const struct worker *w)
{
	return w->params.setup.name;
}

/* Note the first reason for a worker's end. */
void worker_remember(struct worker *w, int code, const char *why);

void worker_set_timer(struct worker *w, int ms);
void worker_cancel_timer(struct worker *w);

/* Give it ms milliseconds for what it is to say next; then it is judged (control/sys/late.h). */
void worker_expect(struct worker *w, int ms);

/* Make the events of its pidfd, channel and timer. 0 or -ENOMEM. */
int worker_watch(struct worker *w);

/* SIGKILL, without a word. */
void worker_send_kill(struct worker *w);

/*
 * Everything of the process is gone: forget it; with finished, tell whoever waits; with maybe_, if
 * that is so.
 */
void worker_clean(struct worker *w);
void worker_finished(struct worker *w);
void worker_maybe_finished(struct worker *w);

#endif
