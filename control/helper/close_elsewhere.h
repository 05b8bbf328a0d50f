/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/helper/close_elsewhere.h - closing what others chose, in another process.
 * Main process of vdused, libevent thread only.
 *
 * The last close of a descriptor that a client or a worker chose takes as long as he likes (a TCP
 * socket that lingers, a file on FUSE), and nothing ends it. So does that of a socket which holds
 * such descriptors in records that nobody has read; and on a SEQPACKET socket a record of no bytes
 * looks like the end of file, so that nobody knows whether there are any.
 */
#ifndef CONTROL_HELPER_CLOSE_ELSEWHERE_H
#define CONTROL_HELPER_CLOSE_ELSEWHERE_H

#include <event2/event.h>
#include <stdint.h>

#include "control/helper/helper.h"

#define CLOSER_STUCK_MAX 4U /* helpers that one uid may keep busy with a few of them each */
/* what comes beyond that is kept until there are so many, and goes to one helper */
#define CLOSER_BATCH 64U

/* The only kind of helper that is not in control/steps/table.c: this room stands below that. */
extern const struct helper_kind closer_kind;

/*
 * Close *fd (set to -1) in a helper, on behalf of uid. Never in this process: what no helper can be
 * made for is kept open and tried again, each second and whenever a helper has ended.
 */
void close_elsewhere(struct event_base *base, int *fd, uint32_t uid);

/*
 * The same at once, for who waits until it is closed: done(ctx) is called then, or after a few
 * seconds. 0, or a negative errno where no helper can be made now: *fd is as it was.
 */
int close_elsewhere_and_tell(struct event_base *base, int *fd, uint32_t uid, helper_done *done, void *ctx);

#endif
