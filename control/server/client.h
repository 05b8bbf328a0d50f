/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/server/client.h - the connections to the control socket: who they are, one answer to one
 * request. Main process only. Clients are hostile: none can block the loop, hold memory beyond its
 * one small record, or get more than an error.
 */
#ifndef CONTROL_SERVER_CLIENT_H
#define CONTROL_SERVER_CLIENT_H

#include <stdbool.h>
#include <stdint.h>

#include "control/device/device.h"

#define CLIENTS_MAX 64U
#define CLIENTS_USERS_MAX 48U /* of users other than administrators, so that these always get in */
#define CLIENTS_PER_SHARE 8U /* of one uid, one tenant, or all strangers: policy_share() */
#define CLIENT_IDLE_S 60 /* a connection without a request is closed after this */

struct client;

/* What is done with a request whose form was checked: buf is the message, type its type. */
typedef void client_request(struct client *c, uint16_t type, const void *buf);

/*
 * Take a connection: fd is taken over, whatever becomes of it. One too many of its kind is told so
 * and closed.
 */
void client_new(struct service *svc, int fd, client_request *handle);

/* There is room for one more connection; room is called when there is again. */
bool clients_have_room(void (*room)(void));

/* Close every connection; a create that waits for one is cancelled. */
void clients_close(void);

const struct owner *client_owner(const struct client *c);
struct service *client_service(const struct client *c);
int client_fd(const struct client *c);

/* The long operation this client waits for; no request is taken from it until client_answer(). */
void client_wait(struct client *c, struct device *d);

/* Stop and resume watching the socket, while a helper reads from it. */
void client_pause(struct client *c);
void client_watch(struct client *c);

/*
 * Send a final answer (a client that does not read is dropped: c is gone then) and be ready for the
 * next request.
 */
void client_answer(struct client *c, const void *msg, uint32_t size);

/* Answer CTL_ERROR: e's class, step and text. */
void client_error(struct client *c, const struct err *e);

/* Send an intermediate answer. False when the client was dropped. */
bool client_send(struct client *c, const void *msg, uint32_t size);

#endif
