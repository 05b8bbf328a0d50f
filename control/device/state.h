/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/state.h - the states of a device, how one follows another, and what may be asked
 * of it when. Main process only.
 *
 *   CREATING --> LIVE <----> FAIL MODE <----> NO WORKER      from all: DELETING --> gone
 *                 |              |
 *                 '--> BROKEN <--'
 *
 *   CREATING  -> LIVE       it is bound (ops/create.c)
 *   LIVE      -> FAIL MODE  workers keep dying, a queue is lost, its file is not found
 *                           (watch/respawn.c)
 *   FAIL MODE -> NO WORKER  those die as well; from LIVE, too, where there is no memory to go on
 *   LIVE, FAIL MODE -> BROKEN      the kernel gave it up
 *   FAIL MODE, NO WORKER -> LIVE   recover (ops/recover.c); when its worker does not live: FAIL
 *                                  MODE
 *   any -> DELETING         a delete, or the undo of a create (ops/delete.c); when that fails, back
 *                           to what it is then: one of those four, or
 *     HALF DELETED          on the bus, and it has its worker: recover makes it LIVE, else as LIVE
 *     DETACHED              off the bus: it can only be deleted again; BROKEN when nothing is left
 *
 * Beside its state, other things may be so, each with a member of struct device: what an earlier
 * vdused left of it is being looked at (adopting), its worker is being replaced (respawn.active),
 * a request waits for the disk (worker->halted), an operation is under way (op). Three facts hold
 * while it is being created or deleted, too, and so are members of their own: attached, broken,
 * fail_mode.
 */
#ifndef CONTROL_DEVICE_STATE_H
#define CONTROL_DEVICE_STATE_H

#include <stdbool.h>

#include "proto/ctl_msg.h"

struct device;
struct err;

enum device_state {
	DEV_CREATING, /* the steps of create run */
	DEV_LIVE, /* served; when its worker dies, respawn.c starts the next */
	DEV_FAIL_MODE, /* workers kept dying: those of now end every request in an error */
	DEV_NO_WORKER, /* even those died: I/O waits */
	DEV_BROKEN, /* the kernel gave it up: all I/O has ended in errors, and no worker can help */
	DEV_HALF_DELETED, /* a delete failed before it was off the bus: it has its worker */
	DEV_DETACHED, /* a delete failed when it was off the bus */
	DEV_DELETING, /* delete.c undoes everything, then the device is freed */
	DEV_STATES
};

enum device_request {
	DEV_DELETE,
	DEV_DELETE_FORCE, /* with --force */
	DEV_UPGRADE,
	DEV_UPGRADE_NOW, /* the same, when what it has waited for is over */
	DEV_RECOVER,
	DEV_RESIZE,
	DEV_RESUME,
	DEV_REQUESTS
};

/* Neither being created nor being deleted: what it is says how it fares. */
bool device_at_rest(const struct device *d);

/* It has a worker, in whichever phase, or the next one is under way. */
bool device_has_worker(const struct device *d);

/* The kernel waits for a worker of it: it is on the bus, and not given up. */
bool device_needs_worker(const struct device *d);

/*
 * Move d on to another state, for the reason why; its step is over with that. Logged as
 * "disk0: live -> fail mode: why", and written to its record, also when it is in that state
 * already.
 * A move that the drawing has not is a mistake of ours: it is logged as an error, and done all the
 * same.
 */
void device_move(struct device *d, enum device_state to, const char *why);

/* Is it in the drawing? To the same state is no move. */
bool device_may_move(enum device_state from, enum device_state to);

/*
 * The state that a device at rest is in, as far as its other members say so; whole: no delete of it
 * has failed.
 */
enum device_state device_rest_state(const struct device *d, bool whole);

/*
 * Something of it has changed that decides how it fares: a device at rest moves on to what it is
 * now; one that is being created or deleted goes on with that. Written to its record in both cases.
 */
void device_settle(struct device *d, const char *why);

/* What is under way, for clients and for errors; "" = nothing. */
void device_step(struct device *d, const char *step);

/*
 * What clients are shown: a word, and in *step what is under way, else what is the matter, "" when
 * nothing is.
 */
enum ctl_state device_shown(const struct device *d, const char **step);

/*
 * 0, or a negative errno when a device cannot be asked for this now: e has the reason, and what
 * helps, for the client.
 */
int device_refuses(const struct device *d, enum device_request request, struct err *e);

/*
 * The state in a record, and back: which kind of failed it is, the rest of d says, which was taken
 * from the record already.
 */
enum ctl_state device_recorded(const struct device *d);
void device_set_recorded(struct device *d, enum ctl_state recorded);

#endif
