/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/reclaim.h - what vdused and its helpers do so as not to wait for the very disks that
 * they keep alive. Where the host swaps to a disk of ours whose worker has died, memory that is
 * written out comes back only when the next worker serves, and whoever reclaims memory may wait for
 * it. So all memory of vdused and its helpers is locked, and what they allocate never starts I/O.
 */
#ifndef CONTROL_SYS_RECLAIM_H
#define CONTROL_SYS_RECLAIM_H

#include <stddef.h>

#include "common/err.h"

/*
 * vdused, at start, with CAP_SYS_RESOURCE and without a limit of locked memory: loads and locks all
 * of its memory, now and later, and declares itself an I/O flusher (prctl(2)), which its children
 * inherit. 0 or a negative errno.
 */
int reclaim_shield(struct err *e);

/*
 * A helper, first thing: locks are not inherited. Nothing is loaded by this: vdused has it in
 * memory.
 */
void reclaim_shield_helper(void);

/*
 * Map size bytes of a file on a tmpfs for as long as *map is kept, so that they stay in memory
 * whoever else uses the file. Never read through that mapping. NULL when it cannot be done.
 */
void *reclaim_keep(const char *path, size_t size);
void reclaim_let_go(void **map, size_t size);

#endif
