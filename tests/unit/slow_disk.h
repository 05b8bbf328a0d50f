/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/slow_disk.h - a disk of the rig whose requests take as long as the test says, and
 * buffers of the driver whose memory is replaced meanwhile.
 */
#ifndef TESTS_SLOW_DISK_H
#define TESTS_SLOW_DISK_H

#include <stdatomic.h>

#include "tests/unit/worker_rig.h"

#define BUFFER(i) (0x8000000ULL + 0x100000ULL * (i)) /* memory that moves */
#define WAIT_MS 5000 /* for what is to come at once */

/*
 * Requests do not end while it is slow. entered: one has begun; told_next: the state file said
 * meanwhile that a reset is owed.
 */
extern atomic_bool slow, entered, told_next;

void sleep_ms(void); /* one */

/* cmocka set-up and tear-down: of the rig, with a disk that is not slow. */
int slow_setup(void **state);
int slow_teardown(void **state);

/* Queue 0 is executing a request (slot 0, sector 0) and goes on until `slow` is cleared. */
void begin_slow_request(uint32_t type);

/* Of each buffer, once it has moved. */
extern const uint8_t *old_memory[2];
extern uint8_t *new_memory[2];

/* Queue 1 reads sector 0 into the buffer. */
void offer_read_into(unsigned slot, unsigned buffer);

/* The worker knows both buffers, and has put zeros there. */
void use_buffers(void);

/* Other memory takes its place; the old one can still be looked at. */
void move_buffer(unsigned i);

/* Nothing was written there; it is let go. */
void old_memory_is_left_alone(unsigned i);

/* The kernel asks for this, and is not answered. */
void update_waits(uint64_t start, uint64_t last);

#endif
