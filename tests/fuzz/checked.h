/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/checked.h - virtq_split behind a wall that checks its promises. Runs in the fuzz
 * targets of the worker.
 *
 * It counts for itself which heads are in flight, in the order they were taken, over all lives of
 * the worker that serves the queue: what a new worker begins with must be what was taken and not
 * published.
 */
#ifndef TESTS_FUZZ_CHECKED_H
#define TESTS_FUZZ_CHECKED_H

#include "tests/fuzz/guest.h"
#include "worker/ring/virtq.h"

struct checked {
	struct virtq *vq;
	bool started;
	bool failed; /* the ring was found malformed: nothing may be taken from it */
	bool honest; /* the log and the used index are what the worker wrote */
	uint16_t taken[VD_QUEUE_SIZE_MAX]; /* heads in flight, oldest first */
	uint16_t ntaken;
	uint16_t pushed[VD_QUEUE_SIZE_MAX]; /* those of them that were pushed, not published */
	uint16_t npushed;
	uint16_t published; /* used index */
	uint64_t pops; /* over all */
	/* what is pushed must have been answered: its place for a status, by head, 0 = none */
	bool answers;
	uint64_t status[VD_QUEUE_SIZE_MAX];
	/* NULL: the target knows by itself when a ring begins afresh */
	const struct state_queue *state;
	bool popping; /* killed in pop(): one more may have been taken */
	bool resuming; /* an honest log was looked at and not yet believed */
	/* called before and after each step: may leave by longjmp(); NULL: none */
	void (*hook)(void);
};

/* Use instead of virtq_split: a virtq that was announced by checked_add(). */
extern const struct virtq_ops checked_split;

void checked_init(void);
struct checked *checked_add(struct virtq *vq); /* at most 8 */

/* A new worker serves the same queue as vq; honest: nobody else wrote to its log. */
void checked_follow(struct checked *c, struct virtq *vq, bool honest);

/* Was head pushed since the last publish? */
bool checked_is_pushed(const struct checked *c, uint16_t head);

/* What pop() promises about a chain. */
void checked_chain(const struct virtq *vq, const struct chain *c);

#endif
