/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/backing_limits.h - what a backing file can and what it asks for: discards, buffers
 * for direct I/O. Runs in the file and hand-over helpers on a file of the client's choosing that
 * passed the checks of backing.c, so it is local.
 */
#ifndef CONTROL_STEPS_BACKING_LIMITS_H
#define CONTROL_STEPS_BACKING_LIMITS_H

#include "common/blkconf.h"
#include "control/steps/backing.h"

struct direct_align { /* bytes, powers of two */
	uint32_t mem; /* address of each buffer */
	uint32_t len; /* length of each buffer, and the place in the file */
};

/* What fd, whose kind info says, can give back. All zero where that cannot be found out. */
void limits_unmap(int fd, const struct backing_info *info, struct blk_unmap *u);

/*
 * What direct I/O on fd asks of buffers; 1 and 1 when a asks for none. 0, or -EINVAL with the
 * remedy in e: there is no direct I/O, or more is asked for than a worker has.
 */
int limits_direct(int fd, const struct backing_arg *a, const char *path, struct direct_align *align, struct err *e);

/* For a new device: the same, and that its blocks are no smaller than those of direct I/O. */
int limits_check_direct(int fd, const struct backing_arg *a, const char *path, struct err *e);

#endif
