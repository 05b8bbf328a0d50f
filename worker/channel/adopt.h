/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/channel/adopt.h - a worker whose vdused is gone waits for the next one at the listening
 * socket that it was born with. Main thread of vduse-worker. Whoever can connect is root (the
 * socket's file lies in a directory of root's); what it says is checked all the same.
 *
 * The filter knows descriptors by their numbers, so the new channel must become FD_CHANNEL. That
 * number is never free: a region of the driver's memory, which a queue thread gets at any time,
 * would take it. The old channel stays there until the new one takes its place, and a connection
 * that is dropped is replaced by the listening socket.
 */
#ifndef WORKER_CHANNEL_ADOPT_H
#define WORKER_CHANNEL_ADOPT_H

#include "worker/channel/link.h"
#include "worker/ring/iova.h"

#define ADOPT_MS 5000 /* for whoever connects to say WORK_ADOPT */

/*
 * Before the jail closes: the listening socket becomes non-blocking. 0 or a negative errno (-EBADF:
 * there is none).
 */
int adopt_prepare(void);

/* What the main loop is to wait for: the channel, or where the next one comes from. */
int adopt_poll_fd(const struct link *l);

/*
 * The listening socket is readable: take a connection, of which only WORK_ADOPT is accepted. m is
 * the map whose lock says who may use FD_TRANSIENT. When a queue thread has it, nothing happens and
 * the caller comes again. Waits 1 ms at most.
 */
void adopt_accept(struct link *l, struct iova_map *m);

/*
 * Once per round of the main loop: drop a connection that ended, said something else or says
 * nothing. Returns after how many ms it wants to be called again, or -1.
 */
int adopt_tend(struct link *l);

#endif
