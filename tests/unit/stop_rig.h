/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/stop_rig.h - a worker of the rig that stops on errors, with a disk that fails from a
 * sector on, as the test says. Orders and answers go over a real channel.
 */
#ifndef TESTS_STOP_RIG_H
#define TESTS_STOP_RIG_H

#include "tests/unit/worker_rig.h"

#define NEVER UINT64_MAX

extern int vdused; /* its end of the channel */
/* Of the disk: from this sector on requests end with bad_error, and flushes with sync_error. */
extern _Atomic uint64_t bad_from;
extern _Atomic int bad_error, sync_error;
extern _Atomic unsigned tried, syncs; /* so many requests, flushes */

/* rig_replace(), with that disk where it is not in fail mode. */
void replaced(uint32_t generation, uint32_t flags);

/* cmocka set-up and tear-down: a worker with WORK_F_STOP. */
int stop_setup(void **state);
int stop_teardown(void **state);

/* The next WORK_HALTED, after the main thread's work. False: there is none. */
bool told(struct work_halted *m);

/* It is told of that (bounded), or of nothing. */
void is_told(uint32_t queue, int error);
void is_told_nothing(void);

void resume(void); /* WORK_RESUME */

/* A write of 512 bytes c; what is on the disk there. */
void offer_write(uint32_t q, unsigned slot, uint64_t sector, int c, bool kick);
int disk_byte(uint64_t sector);

/* One write to sector 9 waits on queue 0. */
void halted(void);

/* The disk is mended, and the write is done after resume(). */
void repaired(void);

#endif
