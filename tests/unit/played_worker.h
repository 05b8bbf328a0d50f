/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/played_worker.h - a worker as control/supervise sees it: a process that only waits,
 * its words are the test's; helpers and timers are played, and so is its device.
 */
#ifndef TESTS_PLAYED_WORKER_H
#define TESTS_PLAYED_WORKER_H

#include "control/helper/helper.h"
#include "control/supervise/worker.h"

struct device { /* what a device is to its worker */
	struct worker worker;
	bool fail_mode;
	unsigned saved, handed_over;
};

extern struct device device;
extern struct worker *const w; /* of that */
extern char helper[VD_STEP_SIZE]; /* the one that runs, "" = none */
extern int peer; /* the worker's end of its channel */
extern pid_t child; /* 0 = it has ended */
extern struct err outcome;
/* Its callbacks and events were called; outcome is what on_started or died was told last. */
extern bool told, died, stopped;

/* For worker_resize() and worker_promote(), worker_stop(). */
void on_started(struct device *d, const struct err *e);
void on_stopped(struct device *d);

/* The helper ends so, with that descriptor, -1 = none. */
void end_helper(struct helper_result *res, int fd);

/* worker_start(); the end of the spawn helper; both, and WORK_SETUP was read. */
void begins(bool standby);
void is_spawned(void);
void born(bool standby);

/* The worker sends a message: any; one that holds nothing, or WORK_READY. */
void sends(const void *msg, size_t size);
void says(uint16_t type);

/* The end of the hand-over helper. */
void handed_over(bool starved);

/* The end of the process, which was killed. */
void is_gone(void);

/* The same, by vdused. */
void exits(void);

bool waits(void); /* for an answer or the end of a pause */
void timer_fires(void);

/* cmocka set-up and tear-down. */
int played_setup(void **state);
int played_teardown(void **state);

#endif
