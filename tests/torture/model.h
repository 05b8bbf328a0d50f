/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/model.h - what every sector of the checked region must hold. Part of the checker.
 *
 * Operations in flight never overlap: who wants a range gets it exclusively (writes, zeroes,
 * discards) or with other readers. So what a sector must hold is exact at every moment: the version
 * that was acknowledged last. Only where an operation failed, or the checker itself ended early,
 * any version since then will do.
 *
 * The model can lie in a file, mapped: it is then as current as the last operation whatever becomes
 * of the checker, and the backing file can be checked against it when the device is gone.
 */
#ifndef TORTURE_MODEL_H
#define TORTURE_MODEL_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/torture/sector.h"

enum op_kind { OP_READ, OP_WRITE, OP_ZERO, OP_DISCARD, OP_FLUSH };

struct cell {
	uint32_t acked; /* version of the last acknowledged change; 0 = none, zeros */
	uint32_t submitted; /* version of the last one that was begun */
	uint32_t flushed; /* version that an acknowledged flush made durable */
	uint32_t zeroed; /* version of the last ZERO or DISCARD that was begun */
	/* version of the last DISCARD that was begun, and the data version that it may have left */
	uint32_t discarded;
	uint32_t before;
	uint8_t kind; /* of the acknowledged one: enum op_kind */
	uint8_t pad;
	uint16_t busy; /* readers, or BUSY_WRITER */
};

struct model_file {
	uint64_t seed;
	uint32_t device;
	uint32_t version; /* the last one given out */
	uint64_t sectors;
	struct cell cell[];
};

struct model {
	struct model_file *f;
	size_t size;
	pthread_mutex_t lock;
	pthread_mutex_t flush_lock; /* one flush at a time: it has one copy of the versions */
	uint32_t *at_flush;
};

/* A new one; path may be NULL. 0 or a negative errno. */
int model_create(struct model *m, const char *path, uint64_t seed, uint32_t device, uint64_t sectors);

/* One that an earlier checker left. */
int model_open(struct model *m, const char *path);

void model_close(struct model *m);

/* False: the range is busy. True: it is ours; a change's version is in *version. */
bool model_begin(struct model *m, enum op_kind kind, uint64_t first, uint32_t n, uint32_t *version);

/* The operation on a range of ours has ended, with 0 or a negative errno. */
void model_end(struct model *m, enum op_kind kind, uint64_t first, uint32_t n, uint32_t version, int result);

void model_flush_begin(struct model *m);
void model_flush_end(struct model *m, int result);

/*
 * What is wrong with what was read as sector number block of an idle or own range: NULL, or a word
 * for it.
 */
const char *model_judge(const struct model *m, uint64_t block, const void *sector);

/* The same after a crash of the host: whatever is not older than the last flush is right. */
const char *model_judge_flushed(const struct model *m, uint64_t block, const void *sector);

/* For a message: what was expected, what was found. */
void model_explain(const struct model *m, uint64_t block, const void *sector, char *text, size_t size);

#endif
