/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/crash.h - named points at which a worker can be made to die, for the tests in
 * tests/torture. In vduse-worker as it is installed all of this compiles to nothing. With
 * VDUSED_CRASH_POINTS the process ends at once at the N-th pass of a point; tests/torture/crash.c
 * reads from the disk's serial number which one.
 *
 * The numbers are those of the fault catalogue. K1 to K9 follow one request through virtq_split.c
 * and inflight.c; K13 to K20 follow a next worker that takes a device over.
 */
#ifndef WORKER_CRASH_H
#define WORKER_CRASH_H

#include <stdint.h>

enum crash_point {
	K1_BEFORE_INFLIGHT = 1, /* a head has its place in the order, but is not marked yet */
	K2_INFLIGHT, /* it is marked, nothing was read of its chain */
	K3_SUBMIT, /* the request is about to be given to the engine */
	K4_IO_DONE, /* the engine has done it; nobody knows */
	K5_USED_ELEM, /* its used element is written */
	K6_BATCH_HEAD, /* it is the head of the batch list */
	K7_USED_IDX, /* the batch is published: the driver may use the heads again */
	/*
	 * one more head of the batch is no longer marked (one pass for each); log.used_idx is old
	 */
	K8_INFLIGHT_CLEARED,
	K9_LOG_USED_IDX, /* the log is settled; no interrupt yet */
	/* a message was read (odd passes), and acted on (even passes), but not answered */
	K10_MESSAGE,
	/* mappings are to be dropped (odd passes), were dropped and made again (even passes) */
	K11_UPDATE_IOTLB,
	/*
	 * the queues are held (odd passes), and forgotten (even passes); the status is still the
	 * old one
	 */
	K12_RESET,
	K13_STATE_CHECKED, /* taking over: the state file was believed or not */
	K14_KICK_FD, /* a queue has its new kick eventfd (one pass for each) */
	K15_LOG_VALID, /* the log of a queue was validated, nothing is changed yet */
	K16_SETTLED, /* the settle that the dead worker did not finish is finished */
	K17_MESSAGES_ANSWERED, /* messages that waited are answered, queues still parked */
	K18_FIRST_REPLAY, /* before the first request is executed again */
	K19_NEXT_REPLAY, /* between two of them */
	K20_INTERRUPTS, /* queues run, interrupts were not raised */
};

#ifdef VDUSED_CRASH_POINTS
void crash_arm(const char *serial, uint32_t generation);
void crash_point(enum crash_point p);
#else
static inline void crash_arm(const char *serial, uint32_t generation)
{
	(void)serial;
	(void)generation;
}

static inline void crash_point(enum crash_point p)
{
	(void)p;
}
#endif

#endif
