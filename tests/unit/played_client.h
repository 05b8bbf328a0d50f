/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/played_client.h - clients of a vdused whose event loop, sockets and rules about users
 * are the real ones. Operations are played, and who is calling is what the test says.
 */
#ifndef TESTS_PLAYED_CLIENT_H
#define TESTS_PLAYED_CLIENT_H

#include "control/device/device.h"
#include "proto/ctl_msg.h"

extern struct service svc;
extern struct config config;
extern unsigned stuck; /* helpers of each user that the kernel does not let go */
extern union ctl_any answer; /* that hear() heard last */
extern struct device *asked; /* of an operation that was played */
extern void (*taken)(struct device *d); /* create: to be called when it has the file */
extern int refusal; /* of create_run() and change_resume() */

/* What is to be done in the event loop. */
void turn(void);

/* A connection; it speaks and is answered. */
int connect_as(uint32_t uid);
void say(int fd, const void *msg, size_t size);

/* The type of the answer, 0 = none yet, -1 = the connection was closed. */
int hear(int fd);

/* Both: a request about that device, and its answer. */
int ask(int fd, uint16_t type, const char *name);
int ask_create(int fd, const char *name);
int ask_create_on(int fd, const char *name, uint32_t bus, uint32_t queue_size);
/* The operation ends so, in that step. */
void ends_with(struct err *e, const char *step);

/* The operation ends: well, or with an error of that class. */
void ends(uint32_t class, const char *step);

/* A step of it fails, for what the kernel calls code. */
void ends_by(int code, const char *step);

/* A device that is live. */
struct device *there(const char *name, uint32_t uid);

/* cmocka set-up and tear-down. */
int client_setup(void **state);
int client_teardown(void **state);

#endif
