/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/guest_memory.c - see guest_memory.h.
 */
#include "tests/unit/guest_memory.h"

struct guest guest;
struct iova_map map;
struct iova_view view;

void guest_memory_begin(void)
{
	guest_init(&guest);
	guest_map_init(&guest, &map);
	view = (struct iova_view){ .map = &map };
}

int guest_memory_end(void **state)
{
	(void)state;
	(void)iova_drop(&map, 0, UINT64_MAX);
	iova_sweep(&map);
	guest_free(&guest);
	return 0;
}
