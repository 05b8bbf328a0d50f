/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/cgroup.h - a leaf cgroup (v2) of its own for each worker, below /sys/fs/cgroup/vdused
 * and outside of vdused's own unit, so that stopping or restarting the unit leaves workers alone.
 * Names are device names. cgroup_make() runs in the spawn helper, the others in the main process.
 */
#ifndef CONTROL_SYS_CGROUP_H
#define CONTROL_SYS_CGROUP_H

#include <stdbool.h>
#include <stdint.h>

#include "common/err.h"

struct cgroup_limits {
	uint64_t memory; /* bytes, page cache of its I/O included; 0 = no limit */
	uint32_t tasks; /* 0 = no limit */
	uint32_t cpu; /* percent of one CPU, 0 = no limit */
};

/*
 * At start, while all capabilities are there (the root of the hierarchy is nobody's to write).
 * -ENOSYS without cgroup v2.
 */
int cgroup_setup(struct err *e);

/*
 * Make (or find) the leaf and set its limits. Returns a directory fd for CLONE_INTO_CGROUP; -ENOSYS
 * where there is no cgroup v2 or it lacks a controller that a limit needs, and another negative
 * errno for what should have worked.
 */
int cgroup_make(const char *name, const struct cgroup_limits *l, struct err *e);

/*
 * Has somebody frozen the leaf, or all of them? Whatever is started there is frozen as well. Waits
 * for nobody.
 */
bool cgroup_frozen(const char *name);

/* Remove the leaf of a device whose worker is gone. */
void cgroup_remove(const char *name);

#endif
