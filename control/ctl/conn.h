/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/conn.h - vduse-ctl's end of the admin channel (proto/ctl_msg.h). Runs as the tool's
 * caller. Trusts that a server of uid 0 or of the caller's own uid is vdused, but checks its bytes.
 */
#ifndef CONTROL_CTL_CONN_H
#define CONTROL_CTL_CONN_H

#include <stdbool.h>

#include "common/err.h"
#include "control/ctl/command.h"
#include "proto/ctl_msg.h"

struct tool_conn {
	int fd; /* -1 = not connected */
	const struct tool_env *env;
	const char *path;
	/* what a person who waits is told vdused does, e.g. "attach"; NULL = no note */
	const char *verb;
	const char *name; /* ... with which device */
	long long limit_ms; /* what was granted */
	long long deadline; /* CLOCK_MONOTONIC, milliseconds */
	long long note_at; /* ditto */
	bool noted;
};

/*
 * Connect to vdused at path and check who serves there. On success c is to be closed by the caller.
 * Returns 0, or a negative errno with e filled: CTL_E_PROTOCOL, CTL_E_DENIED, CTL_E_INVALID.
 */
int tool_connect(struct tool_conn *c, const char *path, const struct tool_env *env, struct err *e);

void tool_disconnect(struct tool_conn *c);

/* Grant the following requests ms milliseconds in all. verb and name: see struct tool_conn. */
void tool_grant(struct tool_conn *c, long long ms, const char *verb, const char *name);

/*
 * Send one message, with a descriptor (kept by the caller) if fd >= 0. Returns 0, or a negative
 * errno with e filled: CTL_E_PROTOCOL. A closed connection is no error yet: the reason may be
 * waiting to be read by tool_answer().
 */
int tool_send(struct tool_conn *c, const void *msg, size_t size, int fd, struct err *e);

/*
 * Wait for the next answer within what was granted; it must be of type want. Returns 0, or a
 * negative errno with e filled: by CTL_ERROR with vdused's class, step and text; else with
 * CTL_E_PROTOCOL, for what is not an answer by the rules and when none came.
 */
int tool_answer(struct tool_conn *c, uint16_t want, union ctl_any *answer, struct err *e);

/* One request and its answer. */
int tool_ask(struct tool_conn *c, const void *msg, size_t size, uint16_t want, union ctl_any *answer, struct err *e);

#endif
