/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/sector.h - a sector that says what it is: of which device and run, which block,
 * which version. Part of the checker; pure. All 512 bytes follow from those four, so a sector that
 * mixes two versions is found by any byte.
 */
#ifndef TORTURE_SECTOR_H
#define TORTURE_SECTOR_H

#include <stdint.h>

#define SECTOR 512U

struct sector_id {
	uint64_t seed; /* of the run */
	uint32_t device;
	uint32_t version; /* > 0; grows with every write of the run */
	uint64_t block; /* number of the sector within the checked region */
};

enum sector_kind {
	SECTOR_ZERO, /* nothing but zeros */
	SECTOR_DATA, /* whole */
	SECTOR_TORN, /* begins like one of ours, goes on otherwise */
	SECTOR_FOREIGN, /* nothing of ours */
};

void sector_fill(void *sector, const struct sector_id *id);

/* What is there; *id is what it says of itself, for SECTOR_DATA and SECTOR_TORN. */
enum sector_kind sector_examine(const void *sector, struct sector_id *id);

#endif
