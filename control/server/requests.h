/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/server/requests.h - what each request of the control socket does. Main process only.
 */
#ifndef CONTROL_SERVER_REQUESTS_H
#define CONTROL_SERVER_REQUESTS_H

#include <stdint.h>

struct client;

/* Carry out one checked request. buf is the message, type its type. A client_request. */
void request_handle(struct client *c, uint16_t type, const void *buf);

#endif
