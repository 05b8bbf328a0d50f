/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/load.h - the load of the checker and the checks made under it. Threads with one
 * blocking operation each: the number of threads is the depth. Thread i stays on processor i modulo
 * their number, so that all queues of a multi-queue disk get their share.
 */
#ifndef TORTURE_LOAD_H
#define TORTURE_LOAD_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "tests/torture/model.h"
#include "tests/torture/target.h"

#define OP_SECTORS_MAX 256U /* 128 KiB */

struct load {
	struct target *target;
	struct model *model;
	uint64_t offset; /* bytes: where the checked region begins */
	unsigned threads;
	bool no_discard;

	/* results */
	atomic_ullong ops[OP_FLUSH + 1];
	atomic_ullong verified; /* sectors read and judged */
	atomic_ullong mismatches, errors;
	atomic_llong longest_ns; /* the longest time that any operation took */
	atomic_llong last_ns; /* CLOCK_MONOTONIC: the last completion */
	/* when each operation ended, for the time that a recovery took */
	long long *ended;
	atomic_size_t nended;
	size_t max_ended;
	atomic_bool stop;
};

int load_init(struct load *l);
void load_free(struct load *l);

/* Start the threads; they run until load_stop(). 0 or a negative errno. */
int load_start(struct load *l);

/* Wait for what is in flight, end the threads. */
void load_stop(struct load *l);

/* Read everything and judge it; flushed: as after a crash of the host. Nothing else is running. */
void load_verify(struct load *l, bool flushed);

long long load_now(void);

#endif
