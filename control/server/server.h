/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/server/server.h - the control socket: it is bound once, and connections are accepted from
 * it.
 * Main process only.
 */
#ifndef CONTROL_SERVER_SERVER_H
#define CONTROL_SERVER_SERVER_H

#include "control/device/device.h"

/* Bind, lock against a second instance, listen. 0 or a negative errno with e filled. */
int server_open(struct service *svc, struct err *e);

/*
 * Close the listener and every connection (a create that waits for one is cancelled), remove the
 * socket.
 */
void server_close(struct service *svc);

/* The last thing: the next vdused may start, whatever the end of this process waits for. */
void server_end(struct service *svc);

#endif
