/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/ring/inflight.h - the log of requests in flight of one queue, in the state file
 * (proto/state_file.h). Runs in vduse-worker, in the queue's thread; clear in the main thread while
 * the queue is parked.
 * What an earlier worker left is hostile input; what this one writes it may trust.
 *
 * Order of stores of a batch (virtq_split.c does those in brackets), each promise good at every
 * point at which the process may be killed:
 *   take:    counter[h], next_counter; release; inflight[h] = 1
 *            -> a head that is marked has its place in the order
 *   [status byte, used.ring[]]
 *   done:    next[h] = last_batch_head; last_batch_head = h       (for every head of the batch)
 *   [release; used.idx += k]                                      the driver owns the k heads again
 *                                                                 from here on
 *   settle:  release; inflight[h] = 0 for the batch; release; used_idx = used.idx
 *            -> while used_idx lags behind used.idx by k, the first k links of the batch list are
 *               the heads that are finished though they may still be marked
 * On x86 release costs no instruction; it keeps the compiler from moving the stores.
 */
#ifndef WORKER_RING_INFLIGHT_H
#define WORKER_RING_INFLIGHT_H

#include <stdbool.h>

#include "proto/state_file.h"

struct inflight {
	struct state_queue *q; /* in the state file */
	uint16_t num; /* ring size, our own copy */
	uint16_t last_batch_head;
	uint64_t next_counter;
	/* heads to execute again come first, in the order they were taken */
	uint16_t replay_len, replay_pos;
	uint16_t replay[VD_QUEUE_SIZE_MAX];
};

/*
 * A queue starts afresh with num entries; used_idx is what its used ring says. Nothing is in
 * flight.
 */
void inflight_start(struct inflight *f, struct state_queue *q, uint16_t num, uint16_t used_idx);

/*
 * A queue that an earlier worker served is taken over: validate what it left, forget what was
 * published, and list what must be executed again (f->replay). num and used_idx are those of the
 * ring now. Returns 0, or -EBADMSG when the log cannot be right: then it is left as it was.
 */
int inflight_load(struct inflight *f, struct state_queue *q, uint16_t num, uint16_t used_idx);

/*
 * Are the heads in flight just those that were taken last? If not, no index of the available ring
 * says where the queue is. Any thread, queue held.
 */
bool inflight_is_tail(const struct state_queue *q);

/* The queue is off: nothing in flight, size 0. */
void inflight_clear(struct state_queue *q);

/* Head (< num) leaves the available ring. -EEXIST: it is in flight already. */
int inflight_take(struct inflight *f, uint16_t head);

/* Head's used element is written; used.idx not yet. */
void inflight_done(struct inflight *f, uint16_t head);

/* used.idx now is used_idx, which covers the n heads. */
void inflight_settle(struct inflight *f, const uint16_t *head, uint16_t n, uint16_t used_idx);

#endif
