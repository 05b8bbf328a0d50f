/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/helper/helper.h - one step that may block in the kernel, run in a short-lived process.
 * Main process of vdused, libevent thread only.
 *
 * The child has: fds 0 to 2 of vdused, fd 3 for its result, fds HELPER_FD + i for call->fds[i], and
 * nothing else; exactly the capabilities of its kind; SIGKILL when vdused dies. It runs the kind's
 * function and exits. The kinds are in control/steps/table.c.
 * A child past its deadline is killed; one that is runnable then, and only gets no processor,
 * HELPER_STARVED_MS later. One that cannot be killed (D state) is given up: its owner is told
 * -ETIMEDOUT, and whatever it holds is only what its step needed. A patient one is never killed:
 * past its deadline, and when vdused has died, it goes on without anybody who waits for it.
 */
#ifndef CONTROL_HELPER_HELPER_H
#define CONTROL_HELPER_HELPER_H

#include <event2/event.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/chan.h"
#include "common/err.h"

#define HELPER_FD 4
#define HELPER_FDS_MAX 65U
#define HELPER_DATA 512U
#define HELPER_STARVED_MS 10000

struct helper_result {
	struct err err; /* code 0: it worked */
	/* said by vdused: past its deadline, though it never hung, as it got no processor time */
	bool starved;
	/*
	 * said by vdused: what came with it. Theirs who take it with fd_take(), which leaves -1
	 */
	unsigned nfds;
	int fds[CHAN_FDS_MAX];
	/* the step's own result struct, zero when unused */
	_Alignas(8) unsigned char data[HELPER_DATA];
};

/* What a step function may hand back besides its return value. */
struct helper_out {
	struct helper_result *result; /* fill result->data; result->err as common/err.h says */
	int fds[CHAN_FDS_MAX]; /* passed to the owner, closed by the exit of the child */
	unsigned nfds;
};

/* Runs in the child. Returns 0 or a negative errno with out->result->err filled. */
typedef int helper_fn(const void *arg, struct helper_out *out);

/* In a patient helper: does anybody still wait for its result? */
bool helper_wanted(void);

struct helper;

struct helper_kind {
	const char *name; /* for messages: "attach" */
	helper_fn *fn;
	uint64_t caps; /* CAP_BIT()s: nothing else is kept */
	unsigned deadline_ms;
	bool patient; /* to kill it would leave the kernel in a state that nothing can mend */
};

struct helper_call {
	const void *arg; /* read in the child: its copy of the address space, the stack included */
	int fds[HELPER_FDS_MAX];
	unsigned nfds;
	uint32_t uid; /* on whose behalf, for helper_given_up() */
	/* NULL, or where its handle is kept while it runs: for helper_cancel() */
	struct helper **handle;
};

/*
 * Called once, from the event loop. Descriptors that it leaves in res are disposed of when it
 * returns.
 */
typedef void helper_done(void *ctx, struct helper_result *res);

/* Closes *fd, which a step on behalf of uid has left, and sets it to -1. Its close may block. */
typedef void helper_dispose(struct event_base *base, int *fd, uint32_t uid);

/* Before the first helper_start(): who disposes of descriptors; in vdused close_elsewhere(). */
void helper_init(helper_dispose *fn);

/*
 * Start one. 0, or a negative errno (done is not called then). The descriptors in call stay the
 * caller's; nothing of call is used after the return.
 */
int helper_start(struct event_base *base, const struct helper_kind *kind, const struct helper_call *call,
		 helper_done *done, void *ctx, struct err *e);

/* Kill it now; done is called soon, with -ETIMEDOUT. */
void helper_cancel(struct helper *h);

/* Helpers running now, those given up included. */
unsigned helper_count(void);

/* Helpers that the kernel does not let go, of steps on behalf of this uid. */
unsigned helper_given_up(uint32_t uid);

#endif
