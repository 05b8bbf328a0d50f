/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/operation.h - what is done to a device, step by step. Main process only.
 *
 * An operation is a const table of steps (control/ops). This is the only place where one goes on,
 * fails or ends, and the only one that remembers which is under way:
 *
 *   op_start -> begin -> [helper, worker, timer] -> take -> begin -> ... -> end -> done
 *                 '------------------ failure --------------'-> undo ---'
 *
 * begin() starts a step; its end comes by op_step_ended(), op_step_over() or op_helper(), and is
 * judged by take(). A step may end before its begin() returns, so begin() does not touch the device
 * after it has started something.
 */
#ifndef CONTROL_DEVICE_OPERATION_H
#define CONTROL_DEVICE_OPERATION_H

#include <event2/event.h>
#include <stdbool.h>

#include "common/err.h"
#include "control/steps/table.h"

struct device;

/* End of an operation on a device; e->code 0 = it worked. */
typedef void device_done(struct device *d, const struct err *e);

/* Returns 0: the step is under way; one of the below; or a negative errno, and e is filled. */
typedef int step_begin(struct device *d, struct err *e);

/*
 * The step has ended as r says. Returns 0: the next one begins; or as above. Descriptors in r that
 * it takes (fd_take()) are its own; the others are closed.
 */
typedef int step_take(struct device *d, struct helper_result *r, struct err *e);

#define STEP_SKIP 1 /* of begin(): nothing to do here, the next step begins */
#define STEP_ELSEWHERE 2 /* it goes on by op_again(), op_step_again(), op_instead() or op_retry() */
#define STEP_END 3 /* there is no more to do: the operation has worked */

struct step {
	const char *name; /* as in vdused(8), Steps, where it is shown or named */
	step_begin *begin;
	step_take *take; /* NULL: an error of the step is one of the operation */
	unsigned flags;
};

#define STEP_SHOWN 0x1U /* clients are shown it while it runs; errors name it */
#define STEP_NAMED 0x2U /* errors name it */
#define STEP_AS_NEXT 0x4U /* under the name of the step that follows */
/* when it has ended well, and the operation is to go on: */
#define STEP_CLIENT 0x8U /* somebody must still wait for it */
#define STEP_WORKER 0x10U /* there must be a worker, or one under way */

struct operation {
	const char *name;
	const struct step *steps;
	unsigned nsteps;
	/* when it is asked for, or has to undo another, before its first step; NULL = nothing */
	void (*start)(struct device *d);
	/* when it is over, before whoever asked for it is told; NULL = nothing */
	void (*end)(struct device *d, struct err *e);
	/* when a step has failed, before undo begins; NULL = nothing */
	void (*failed)(struct device *d, const struct err *e);
	const struct operation *undo; /* what follows when a step has failed; NULL = its end */
	bool frees; /* its success is the end of the device */
	bool others_wait; /* another that is asked for meanwhile begins when it is over */
};

struct op_run { /* the operation under way; written by operation.c alone */
	const struct operation *op; /* NULL = none */
	unsigned step; /* of it */
	const char *name; /* of what was asked for; it stays until the next one */
	device_done *done; /* NULL = nobody is to be told */
	void (*first_over)(struct device *d); /* NULL, or told when the first step has ended */
	struct err failure; /* why it is being undone; code 0 = it is not */
	struct err cut; /* why it was cancelled; code 0 = it was not */
	bool asked; /* for one that does not let others wait, or for one that waits */
	bool awaits_worker; /* the step ends when the device is served, or is not to be */
	bool waits_turn; /* the step could not begin: op_retry() is to come */
	bool goes_on; /* the kernel is still at the step, whatever becomes of the operation */
	struct event *timer;
	const struct operation *next; /* begins when this one is over; NULL = none */
	device_done *next_done;
};

/*
 * Begin an operation; done is called once, perhaps before this returns, and d is gone after it
 * where the operation says so. Not while another one is under way, unless that one lets others
 * wait.
 */
void op_start(struct device *d, const struct operation *op, device_done *done);

/*
 * The same for one of which nothing is to be seen when its first step cannot begin: a negative
 * errno then, and done is not called.
 */
int op_begin(struct device *d, const struct operation *op, void (*first_over)(struct device *d), device_done *done,
	     struct err *e);

/* Forget what runs, without a word: the device goes. */
void op_drop(struct device *d);

/* ---- for begin() and take() ------------------------------------------------------------------ */

/* The step is this helper, on behalf of the device's owner. Of call, uid is not looked at. */
int op_helper(struct device *d, enum helper_id kind, const struct helper_call *call, struct err *e);
helper_done op_helper_ended; /* ctx is the device: for helpers that are started by others */

/* What came of a step, as it is: its code. */
int op_result(const struct helper_result *r, struct err *e);

/* From the first step on again, in ms milliseconds. STEP_ELSEWHERE or -ENOMEM. */
int op_again(struct device *d, unsigned ms);
/* The same, from this step on. */
int op_step_again(struct device *d, unsigned ms);

/* The steps of another operation follow instead, for the same who asked. STEP_ELSEWHERE. */
int op_instead(struct device *d, const struct operation *op);

/* For begin(): it cannot be now; op_retry() calls it again. STEP_ELSEWHERE. */
int op_later(struct device *d);

/* When the operation is over, its step is shown still: the kernel is at it. */
void op_leaves_behind(struct device *d);

/* ---- from outside ---------------------------------------------------------------------------- */

/* The step has ended: e says how; or well. In the form of the callbacks of struct worker. */
void op_step_ended(struct device *d, const struct err *e);
void op_step_over(struct device *d);

/* The step ends by op_served(): when the device has a worker that serves, or will have none. */
void op_await_worker(struct device *d);
void op_served(struct device *d, const struct err *e);

/* Does this operation wait after op_later()? Then its step can begin again. */
bool op_is_later(const struct device *d, const struct operation *op);
void op_retry(struct device *d);

/* End the bind or detach that runs, because of why. */
void op_cancel(struct device *d, const struct err *why);

#endif
