/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/ctl_fake.h - vduse-ctl in a child process, and the test playing its vdused. Test code
 * only. Each test says word by word what the supervisor does; everything asserts with cmocka.
 */
#ifndef TESTS_UNIT_CTL_FAKE_H
#define TESTS_UNIT_CTL_FAKE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <sys/types.h>

#include "control/ctl/report.h"
#include "control/ctl/tool.h"
#include "proto/ctl_msg.h"

struct fake {
	char dir[40]; /* scratch directory, removed at the end */
	char sock[64]; /* DIR/s */
	char file[64]; /* DIR/disk, 1 MiB */
	struct tool_env env;
	/* what the tool gets as --socket; sock unless a test says otherwise */
	const char *connect_to;
	bool terminal; /* the tool's standard error is one; what it prints there comes with \r\n */
	uid_t as_uid; /* run the tool as this user; 0 = as we are */
	int listener, conn;
	int out, err; /* what the tool prints */
	pid_t tool;
	char stdout_text[65536], stderr_text[8192]; /* filled by fake_finish */
};

/* cmocka set-up and tear-down of a test; *state is the struct fake. */
int fake_setup(void **state);
int fake_teardown(void **state);

/* Start "vduse-ctl --socket SOCK ARGUMENT..." (up to a NULL). */
void fake_start(struct fake *f, ...) __attribute__((sentinel));

/* Take the tool's connection. */
void fake_accept(struct fake *f);

/*
 * Receive a request that must be well-formed and of that type; *fd gets its descriptor where it has
 * one.
 */
void fake_expect(struct fake *f, msg_states state, uint16_t type, union ctl_any *m, int *fd);

/* Send a record as it is. */
void fake_send(struct fake *f, const void *buf, size_t len);

/* Send an answer: a header of that type, then what is already in m. */
void fake_answer(struct fake *f, uint16_t type, union ctl_any *m);
void fake_plain(struct fake *f, uint16_t type);
void fake_error(struct fake *f, uint32_t code, const char *step, const char *text);
void fake_created(struct fake *f, const char *node);
void fake_resized(struct fake *f, uint64_t size);

/* Stop the tool and let it go on, so that several things happen at once for it. */
void fake_freeze(struct fake *f);
void fake_thaw(struct fake *f);

void fake_hang_up(struct fake *f);

/* Wait for the tool to end and read what it printed. Returns its exit status. */
int fake_finish(struct fake *f);

/* Receive a request of that type which names a device: CTL_DELETE, CTL_UPGRADE and so on. */
void fake_expect_name(struct fake *f, uint16_t type, const char *name, uint32_t flags);

/* Receive a CTL_LIST and answer with n live devices, at most a page. */
void fake_list(struct fake *f, const char *const *names, uint32_t n);

/* A device as CTL_LIST and CTL_SHOW tell it. */
void fake_info(struct ctl_info *i, const char *name, const char *node);

/* The text of a member that must be there: "null" for null. Lives as long as o. */
const char *fake_member(struct json_object *o, const char *key);

#endif
