/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/split_ring.h - a split virtqueue with both of its sides: the driver's ring, and a
 * virtq that takes requests from it.
 */
#ifndef TESTS_SPLIT_RING_H
#define TESTS_SPLIT_RING_H

#include <linux/virtio_ring.h>

#include "tests/unit/guest_memory.h"
#include "worker/ring/virtq.h"

#define NUM 8U
#define RING 0x100000ULL
#define DATA 0x200000ULL
#define DATA_SIZE 0x20000ULL
#define NEXT VRING_DESC_F_NEXT
#define WRITE VRING_DESC_F_WRITE
#define INDIRECT VRING_DESC_F_INDIRECT

extern struct ring ring;
extern struct virtq vq;
extern struct chain chain;
extern struct state_queue log_file;

/* The driver's ring is empty at used_idx, and the virtq begins there. */
void split_begin(bool event_idx, bool indirect, uint16_t used_idx);

/* cmocka set-up: memory, and both features; tear-down is guest_memory_end(). */
int split_setup(void **state);

/* Pop the one request on offer: it must be refused as such, and the ring go on with a good one. */
void split_bad_chain(void);

/* Pop: the ring is malformed. */
void split_malformed(void);

#endif
