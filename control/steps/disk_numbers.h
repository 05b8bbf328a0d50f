/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/disk_numbers.h - the numbers by which a disk can be used: its own, those of its
 * partitions, and those of the loop devices that sit on any of these, which do not hold what they
 * sit on. Runs in the detach helper.
 */
#ifndef CONTROL_STEPS_DISK_NUMBERS_H
#define CONTROL_STEPS_DISK_NUMBERS_H

#include <stdbool.h>
#include <sys/types.h>

#include "control/steps/node_find.h"

#define DISK_NUMBERS_MAX 1024U
#define DISK_LOOPS_MAX 16U

struct disk_numbers {
	unsigned n, nloops;
	dev_t dev[DISK_NUMBERS_MAX];
	/* loop devices on it, also one on another */
	char loop[DISK_LOOPS_MAX][sizeof(((struct node *)0)->leaf)];
};

/* All that can be found; a table that is full ends the search, with loop devices in it. */
void disk_numbers_find(dev_t disk, struct disk_numbers *d);

bool disk_numbers_have(const struct disk_numbers *d, dev_t number);

#endif
