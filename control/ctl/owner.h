/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/owner.h - acting as the owner of a device for a while: it opens the backing file with
 * that user's rights, and vdused sees that user at the other end. Runs as the tool's caller.
 */
#ifndef CONTROL_CTL_OWNER_H
#define CONTROL_CTL_OWNER_H

#include <stdint.h>

#include "common/err.h"

/*
 * Take the effective uid, gid and groups of a user of the user database. The caller's own uid
 * changes nothing; another one's takes root. 0, or a negative errno and nothing is changed.
 */
int owner_become(uint32_t uid, struct err *e);

/* Between these two: paths are looked up with the caller's rights, for the socket of vdused. */
void owner_paths_are_mine(void);

/* The caller's own again. Ends the process where that is not possible. */
void owner_back(void);

#endif
