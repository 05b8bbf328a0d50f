/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/life.h - a device's life without a kernel: control/ops, control/watch and
 * control/device are the real ones; helpers, workers, timers, the clock and the record on /run are
 * played. What is asked of them is written down, one word each:
 *
 *   helper:NAME   a helper was started
 *   start stop promote kill replace resize   asked of a worker
 *   save:SFLAGS   the record was saved: state (C L F D), K = VDUSE device, A = attached, F = fail
 *                 mode, B = broken
 *   gone          the record was removed           hold let     the switch of automatic probing
 *   timer:MS      a timer was set                  cancel       of a helper
 *   end:CODE      the operation has ended          taken        the client's file was
 *
 * One device at a time is enough.
 */
#ifndef TESTS_UNIT_LIFE_H
#define TESTS_UNIT_LIFE_H

#include "tests/unit/unit.h"

#include "common/log.h"
#include "control/device/device.h"

extern struct service life_svc;
extern struct err life_last; /* what the last operation ended with */

int life_setup(void **state); /* for cmocka: an empty service */
int life_teardown(void **state);

#define LIFE_OWNER 1000U /* uid */

/*
 * A device "disk0" in state CREATING, for which a client waits, and one that is live with a worker.
 */
struct device *life_new(void);
struct device *life_live(void);

/* What was asked so far is of no interest. */
void life_forget(void);

/* Nothing but these words was asked since the last time, in this order. */
void life_expect(const char *words);

/* The helper that runs ends: with an error, or with data and, when fd >= 0, a descriptor. */
void life_helper_fails(int code);
extern void (*life_look)(const void *arg); /* NULL, or gets what each is started with */
void life_helper_ends(const void *data, size_t size, int fd);

void life_helper_starves(void); /* it is past its deadline, as it got no processor time */

/* What was asked of a worker comes to its end. */
void life_worker_serves(void); /* also STANDBY, when that was asked for */
void life_worker_fails(int code);
void life_worker_stops(void);
void life_worker_dies(struct device *d); /* one that serves */
void life_resized(int code);

/*
 * Whatever has been asked for comes to its end, well or with a negative errno; else the timer
 * fires. False: there is nothing.
 */
bool life_goes_on(int code);

/*
 * I/O of a worker goes on, until the descriptor that is returned is closed: the real lock of the
 * state file (control/sys/fence.h).
 */
int life_io_goes_on(const struct device *d);

/* The timer that was set last fires. */
void life_timer(void);
void life_sleep(long long ms);

device_done life_done; /* says end:CODE */
void life_taken(struct device *d); /* says taken */

extern char life_log[LOG_LINE_SIZE]; /* the last line */

/*
 * A move that is not in the drawing of control/device/state.h fails the test, unless this is set.
 */
extern bool life_wrong_moves;

/* Let the next of these fail. */
extern bool life_no_helper, life_no_worker, life_no_save;
extern struct err life_no_room; /* access_size() */
extern bool life_frozen; /* cgroup_frozen() */
extern bool life_close_waits; /* a helper closes the file of a device that goes */
extern bool life_unbound; /* bus_is_bound() says no */

#endif
