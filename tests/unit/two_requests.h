/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/two_requests.h - two requests on queue 0 of the rig: a good one in slot 0, and in slot
 * 1 a write of 'x' to sector 9, of which some part cannot be reached.
 */
#ifndef TESTS_TWO_REQUESTS_H
#define TESTS_TWO_REQUESTS_H

#include "tests/unit/worker_rig.h"

#define OK VDUSE_REQ_RESULT_OK
#define NOWHERE 0x40000000ULL
#define SOME_TRIES 30U /* more than a queue has patience for where the kernel knows no memory */

extern const int passing[4]; /* errors of a host that is short of something */

/* Of queue 0, for rig_until(). */
bool has_failed(void);
bool is_published(void);
bool both_published(void);
bool was_asked_often(void); /* more than SOME_TRIES times, for memory */

/*
 * A thread that runs may look at the ring before it is kicked: so requests are made while it is
 * held, and then released.
 */
void hold(void);

void go(void);

/* Both requests are on the ring, and the queue is held. */
void write_to_9(void);

int sector_9(void); /* what is on the disk there */

/* The same, with this part of the second one elsewhere. */
void status_at(uint64_t iova);
void table_at(uint64_t iova);
void data_at(uint64_t iova);

/*
 * The good one is completed, the other one is not: it is in flight, and nothing of it was executed.
 */
void only_the_first_is_completed(void);

/* go(): the queue fails, and the other queue does not care. */
void fails(void);

/* The second one is completed, too. */
void is_done_in_the_end(void);

#endif
