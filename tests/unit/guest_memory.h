/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/guest_memory.h - memory of a driver as the worker sees it: regions that a test adds,
 * their mappings, and one thread's view of them. For tests of what reads and writes there.
 */
#ifndef TESTS_GUEST_MEMORY_H
#define TESTS_GUEST_MEMORY_H

#include "tests/unit/fake_guest.h"

extern struct guest guest;
extern struct iova_map map;
extern struct iova_view view;

/* For set-up: no region yet. */
void guest_memory_begin(void);

/* cmocka tear-down. */
int guest_memory_end(void **state);

#endif
