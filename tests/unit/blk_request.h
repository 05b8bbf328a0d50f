/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/blk_request.h - one virtio-blk request in a driver's memory, and what worker/blk/blk.c
 * makes of it.
 */
#ifndef TESTS_BLK_REQUEST_H
#define TESTS_BLK_REQUEST_H

#include "tests/unit/guest_memory.h"
#include "worker/blk/blk.h"

#define RAM 0x100000ULL
#define RAM_SIZE 0x100000ULL
#define HDR RAM
#define STATUS (RAM + 0x1000)
#define DATA (RAM + 0x2000)
#define NOWHERE 0x9000000ULL
#define CAPACITY (1ULL << 20)
#define SECTORS (CAPACITY / 512)

extern struct chain blk_chain;
extern struct blk_dev dev;
extern struct blk_req req;
extern struct state_counters counters;

/* cmocka set-up: an empty request, a disk of CAPACITY; tear-down is guest_memory_end(). */
int blk_setup(void **state);

/* The next piece of the request, that the device reads or writes. */
void out(uint64_t iova, uint32_t len);
void in(uint64_t iova, uint32_t len);

/* Its first one. */
void header(uint32_t type, uint64_t sector);

/* Of a discard or write-zeroes, at DATA. */
void segment(unsigned i, uint64_t sector, uint32_t sectors, uint32_t flags);

/* The status byte that the driver finds. */
int refused(void);

/* It cannot be completed, for this reason (0: there is no place for a status). */
void unanswered(int error);

/* It cannot be reached, which may pass; the status that the driver finds when it is given up. */
int refused_in_the_end(int error);

/* It is to be executed as that. */
void accepted(enum io_op op);

#endif
