/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/uid_pool.h - the range of uids (and gids of the same numbers) for workers: one per
 * device. Main process.
 */
#ifndef CONTROL_DEVICE_UID_POOL_H
#define CONTROL_DEVICE_UID_POOL_H

#include <stdbool.h>
#include <stdint.h>

#include "control/config/uid_range.h"

struct uids {
	uint32_t first;
	uint32_t count;
	uint32_t next; /* where to look first: a freed number is used again as late as possible */
	unsigned char used[UIDS_MAX / 8];
};

/* Marks the numbers that running processes have as used. last - first < UIDS_MAX, first > 0. */
void uid_pool_init(struct uids *u, uint32_t first, uint32_t last);

/* A free number, or 0 when all are taken. */
uint32_t uid_pool_take(struct uids *u);

/* A number that a device has already; one outside of the range is fine. */
void uid_pool_reserve(struct uids *u, uint32_t uid);

void uid_pool_give_back(struct uids *u, uint32_t uid);

#endif
