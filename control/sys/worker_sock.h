/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/worker_sock.h - the listening socket that a worker is born with, so that the next
 * vdused can reach it. Made in vdused's main process before the worker is spawned, at
 * DIR/worker/NAME.GENERATION, where DIR/worker is root's alone; used by the adopt helper of the
 * next vdused (control/ops/adopt.h).
 */
#ifndef CONTROL_SYS_WORKER_SOCK_H
#define CONTROL_SYS_WORKER_SOCK_H

#include <stdint.h>

#include "common/err.h"

/*
 * Returns the socket (the caller's, close-on-exec, for the spawn helper) or a negative errno. dir:
 * the runtime directory.
 */
int worker_sock_listen(const char *dir, const char *name, uint32_t generation, struct err *e);

/*
 * Connect to it; what waits longer than the backlog is refused at once. Returns a socket or a
 * negative errno.
 */
int worker_sock_connect(const char *dir, const char *name, uint32_t generation, struct err *e);

/* Remove its file; one that is not there is fine. */
void worker_sock_remove(const char *dir, const char *name, uint32_t generation);

#endif
