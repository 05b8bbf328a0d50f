/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/state.c - see state.h. Runs in vdused's main process.
 */
#include "control/device/state.h"

#include "common/err.h"
#include "common/log.h"
#include "control/device/device.h"
#include "control/device/saved.h"

#define B(state) (1U << (DEV_##state))

static const struct {
	const char *name; /* in the log */
	const char *matter; /* the step that is shown when none is under way */
	enum ctl_state shown; /* for clients, and in the record */
	unsigned next; /* states that may follow */
} states[DEV_STATES] = {
	[DEV_CREATING] = { "creating", "", CTL_DEV_CREATING, B(LIVE) | B(DELETING) },
	[DEV_LIVE] = { "live", "", CTL_DEV_LIVE, B(FAIL_MODE) | B(NO_WORKER) | B(BROKEN) | B(DELETING) },
	[DEV_FAIL_MODE] = { "fail mode", "fail mode", CTL_DEV_FAILED,
			    B(LIVE) | B(NO_WORKER) | B(BROKEN) | B(DELETING) },
	[DEV_NO_WORKER] = { "no worker", "no worker", CTL_DEV_FAILED, B(LIVE) | B(FAIL_MODE) | B(DELETING) },
	[DEV_BROKEN] = { "broken", "broken", CTL_DEV_FAILED, B(DELETING) },
	[DEV_HALF_DELETED] = { "half deleted", "", CTL_DEV_FAILED,
			       B(LIVE) | B(FAIL_MODE) | B(NO_WORKER) | B(BROKEN) | B(DELETING) },
	[DEV_DETACHED] = { "detached", "", CTL_DEV_FAILED, B(BROKEN) | B(DELETING) },
	[DEV_DELETING] = { "deleting", "", CTL_DEV_DELETING,
			   B(LIVE) | B(FAIL_MODE) | B(NO_WORKER) | B(BROKEN) | B(HALF_DELETED) | B(DETACHED) },
};

static bool at_rest(enum device_state state)
{
	return state != DEV_CREATING && state != DEV_DELETING;
}

bool device_at_rest(const struct device *d)
{
	return at_rest(d->state);
}

bool device_has_worker(const struct device *d)
{
	return d->worker->phase != WORKER_NONE || d->respawn.active;
}

bool device_needs_worker(const struct device *d)
{
	return d->attached && !d->broken;
}

/* ---- moves ----------------------------------------------------------------------------------- */

bool device_may_move(enum device_state from, enum device_state to)
{
	return states[from].next & (1U << to);
}

/*
 * Creates and deletes are somebody's, who is told, and log their end themselves: no user fills the
 * log with them.
 */
static void log_move(const struct device *d, enum device_state to, const char *why)
{
	const char *from = states[d->state].name;

	if (!device_may_move(d->state, to))
		log_error("%s: %s -> %s: %s: this must not be: report it", d->name, from, states[to].name, why);
	else
		log_line(at_rest(d->state) && at_rest(to) ? LOG_NOTE : LOG_DEBUG, "%s: %s -> %s: %s", d->name, from,
			 states[to].name, why);
}

void device_move(struct device *d, enum device_state to, const char *why)
{
	if (d->state != to)
		log_move(d, to, why);
	d->state = to;
	device_step(d, "");
	(void)saved_write(d);
}

/* How it fares; has_worker: or will have one. */
static enum device_state fares(const struct device *d, bool has_worker, bool whole)
{
	if (d->broken)
		return DEV_BROKEN;
	if (!d->attached)
		return DEV_DETACHED;
	if (!has_worker)
		return DEV_NO_WORKER;
	if (d->fail_mode)
		return DEV_FAIL_MODE;
	return whole ? DEV_LIVE : DEV_HALF_DELETED;
}

enum device_state device_rest_state(const struct device *d, bool whole)
{
	return fares(d, device_has_worker(d), whole);
}

void device_settle(struct device *d, const char *why)
{
	if (device_at_rest(d))
		device_move(d, device_rest_state(d, d->state != DEV_HALF_DELETED), why);
	else
		(void)saved_write(d);
}

/* ---- requests -------------------------------------------------------------------------------- */

/* What a request can be refused for: the states, and these, each of which may be so in several. */
enum { CHANGING = DEV_STATES, ADOPTING, REPLACED, WAITS, DOES_NOT_WAIT, NO_FILE };

#define WHEN(what) (1U << (what))
#define R(request) (1U << (DEV_##request))
#define ALL (R(REQUESTS) - 1)
#define UPGRADES (R(UPGRADE) | R(UPGRADE_NOW))

/*
 * Which request is allowed when: every one that no rule refuses. The first rule that applies has
 * the reason that is given.
 */
static const struct {
	unsigned when; /* any of these */
	unsigned requests;
	enum ctl_code class;
	const char *text;
	/* what "vduse-ctl recover NAME" does about it; NULL = not the remedy */
	const char *recover;
} rules[] = {
	{ B(CREATING), ALL, CTL_E_BUSY, "the device is still being created: try again when it is there", NULL },
	{ B(DELETING), ALL, CTL_E_BUSY, "the device is being deleted", NULL },
	{ WHEN(CHANGING), ALL & ~R(UPGRADE_NOW), CTL_E_BUSY,
	  "the device is being changed already: try again when that is done", NULL },
	{ WHEN(WAITS), R(DELETE), CTL_E_BUSY,
	  "it is stopped, and a request waits: resume it first, or delete with --force and lose what is unwritten",
	  NULL },
	{ WHEN(ADOPTING), R(RECOVER) | R(RESIZE) | R(RESUME), CTL_E_BUSY,
	  "it is being looked at by a vdused that was just started: try again in a moment", NULL },
	{ B(BROKEN), UPGRADES | R(RECOVER) | R(RESIZE) | R(RESUME), CTL_E_FAILED,
	  "the kernel gave the device up, and no worker can serve it: delete it", NULL },
	{ B(FAIL_MODE) | B(NO_WORKER) | B(HALF_DELETED) | B(DETACHED), UPGRADES, CTL_E_INVALID, "it has failed",
	  "gives it a worker of the installed binary" },
	{ B(DETACHED), R(RECOVER) | R(RESIZE) | R(RESUME), CTL_E_INVALID, "it is not attached any more: delete it",
	  NULL },
	{ B(LIVE), R(RECOVER), CTL_E_INVALID, "it is not in fail mode: there is nothing to recover from", NULL },
	{ B(NO_WORKER), R(RESIZE) | R(RESUME), CTL_E_INVALID, "it has no worker", "first" },
	{ B(FAIL_MODE), R(RESIZE) | R(RESUME), CTL_E_INVALID, "it is in fail mode", "first" },
	{ B(HALF_DELETED), R(RESIZE) | R(RESUME), CTL_E_INVALID, "it has failed", "first" },
	{ WHEN(REPLACED), R(UPGRADE_NOW) | R(RESIZE) | R(RESUME), CTL_E_BUSY,
	  "its worker is being replaced: try again in a moment", NULL },
	{ WHEN(NO_FILE), R(RESIZE), CTL_E_INVALID, "its backing file was not found", "first" },
	{ WHEN(DOES_NOT_WAIT), R(RESUME), CTL_E_INVALID, "it is not stopped: there is nothing to resume", NULL },
};

static unsigned what_is_so(const struct device *d)
{
	bool replaced = d->respawn.active || d->worker->phase != WORKER_SERVING;

	return WHEN(d->state) | (d->op.asked ? WHEN(CHANGING) : 0) | (d->adopting ? WHEN(ADOPTING) : 0) |
	       (replaced ? WHEN(REPLACED) : 0) | WHEN(d->worker->halted ? WAITS : DOES_NOT_WAIT) |
	       (d->path_fd < 0 ? WHEN(NO_FILE) : 0);
}

int device_refuses(const struct device *d, enum device_request request, struct err *e)
{
	unsigned so = what_is_so(d);
	size_t i = 0;

	while (i < sizeof(rules) / sizeof(rules[0]) && !((rules[i].when & so) && (rules[i].requests & WHEN(request))))
		i++;
	if (i == sizeof(rules) / sizeof(rules[0]))
		return 0;
	if (!rules[i].recover)
		return err_class(e, rules[i].class, "%s", rules[i].text);
	return err_class(e, rules[i].class, "%s: \"vduse-ctl recover %s\" %s", rules[i].text, d->name,
			 rules[i].recover);
}

/* ---- words ----------------------------------------------------------------------------------- */

void device_step(struct device *d, const char *step)
{
	msg_set_string(d->step, sizeof(d->step), step);
}

/* What its I/O waits for, though nobody is at a step; NULL = nothing that is known. */
static const char *waits_for(const struct device *d)
{
	if (!device_at_rest(d))
		return NULL;
	if (d->worker->frozen || (d->respawn.active && d->respawn.frozen))
		return "frozen";
	if (d->respawn.active && d->respawn.io_since)
		return "waits for I/O";
	return d->respawn.active && d->respawn.short_of ? "host is short" : NULL;
}

enum ctl_state device_shown(const struct device *d, const char **step)
{
	const char *waits = waits_for(d);

	*step = waits ? waits : d->step[0] ? d->step : states[d->state].matter;
	if (d->state != DEV_LIVE)
		return states[d->state].shown;
	if (d->respawn.active)
		return CTL_DEV_RECOVERING;
	return d->worker->halted ? CTL_DEV_STOPPED : CTL_DEV_LIVE;
}

enum ctl_state device_recorded(const struct device *d)
{
	return states[d->state].shown;
}

void device_set_recorded(struct device *d, enum ctl_state recorded)
{
	switch (recorded) {
	case CTL_DEV_CREATING:
		d->state = DEV_CREATING;
		break;
	case CTL_DEV_LIVE:
		d->state = DEV_LIVE;
		break;
	case CTL_DEV_DELETING:
		d->state = DEV_DELETING;
		break;
	default: /* one without a worker gets the next when it is taken up */
		d->state = fares(d, true, false);
	}
}
