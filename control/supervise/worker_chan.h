/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/supervise/worker_chan.h - the channel to a worker (proto/worker_msg.h). Main process
 * only; for this room alone.
 */
#ifndef CONTROL_SUPERVISE_WORKER_CHAN_H
#define CONTROL_SUPERVISE_WORKER_CHAN_H

#include <event2/util.h>

#include "control/supervise/worker.h"

/* Event callback of w->chan; arg is the worker. Hostile bytes. */
void worker_on_channel(evutil_socket_t fd, short what, void *arg);

/* Each sends one message: 0 or a negative errno. */
int worker_send_setup(struct worker *w);
int worker_send_stop(struct worker *w);

/* Ask it for an answer, and give it WORKER_PONG_MS. */
void worker_send_ping(struct worker *w);

#endif
