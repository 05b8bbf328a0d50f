/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/operation.c - see operation.h. Runs in vdused's main process.
 */
#include "control/device/operation.h"

#include <errno.h>
#include <string.h>

#include "common/log.h"
#include "control/device/device.h"

static void fail(struct device *d, struct err *e);
static void finish(struct device *d, struct err *e);

/* ---- names ----------------------------------------------------------------------------------- */

/* For clients and errors: of one step, "" where it has none for them. */
static const char *told_name(const struct step *s, unsigned flags)
{
	if (!(s->flags & flags))
		return "";
	return s->flags & STEP_AS_NEXT ? s[1].name : s->name;
}

static void show(struct device *d, const struct step *s)
{
	if (s->flags & STEP_SHOWN)
		device_step(d, told_name(s, STEP_SHOWN));
}

static void enter(struct device *d, const char *from)
{
	const struct operation *op = d->op.op;
	const struct step *s = &op->steps[d->op.step];

	if (from)
		log_debug("%s: %s: %s -> %s", d->name, op->name, from, s->name);
	else
		log_debug("%s: %s: %s", d->name, op->name, s->name);
	show(d, s);
}

/* ---- one step after the other ---------------------------------------------------------------- */

/* The present step begins, or the first after it that has something to do. */
static int begin(struct device *d, const char *from, struct err *e)
{
	struct op_run *r = &d->op;
	int rc;

	for (; r->step < r->op->nsteps; r->step++) {
		enter(d, from);
		from = r->op->steps[r->step].name;
		rc = r->op->steps[r->step].begin(d, e);
		if (rc != STEP_SKIP)
			return rc; /* the device may be gone */
		memset(e, 0, sizeof(*e)); /* that something was not to be had is no failure then */
	}
	return STEP_END;
}

static void go_on(struct device *d, const char *from)
{
	struct err e = { 0 };
	int rc = begin(d, from, &e);

	if (rc < 0)
		fail(d, &e);
	else if (rc == STEP_END)
		finish(d, &e);
}

/* Is there still somebody who wants it, and a worker to serve it? */
static int still_wanted(const struct device *d, unsigned flags, struct err *e)
{
	if ((flags & STEP_CLIENT) && !d->client)
		return err_set(e, -ECANCELED, "the client went away: cancelled");
	if ((flags & STEP_WORKER) && d->worker->phase != WORKER_SERVING && !d->respawn.active)
		return err_set(e, -EIO, "the worker died: see the log of vdused");
	return 0;
}

static void ended(struct device *d, struct helper_result *res)
{
	struct op_run *r = &d->op;
	const struct step *s = &r->op->steps[r->step];
	struct err e = { 0 };
	int rc;

	r->awaits_worker = false;
	if (r->first_over)
		r->first_over(d);
	r->first_over = NULL;
	rc = s->take ? s->take(d, res, &e) : op_result(res, &e);
	if (rc == 0)
		rc = still_wanted(d, s->flags, &e);
	if (rc < 0) {
		fail(d, &e);
	} else if (rc == 0) {
		r->step++;
		go_on(d, s->name);
	} else if (rc == STEP_END) {
		finish(d, &e);
	}
}

/* ---- start and end --------------------------------------------------------------------------- */

static void turn_to(struct device *d, const struct operation *op)
{
	d->op.op = op;
	d->op.step = 0;
	if (op->start)
		op->start(d);
}

static void fail(struct device *d, struct err *e)
{
	const struct operation *op = d->op.op;

	if (!e->step[0])
		msg_set_string(e->step, sizeof(e->step), told_name(&op->steps[d->op.step], STEP_SHOWN | STEP_NAMED));
	if (!op->undo) {
		finish(d, e);
		return;
	}
	d->op.failure = *e;
	if (op->failed)
		op->failed(d, e);
	turn_to(d, op->undo);
	go_on(d, NULL);
}

/* The slot is free: for whoever waits for it. */
static void start_next(struct device *d)
{
	if (!d->op.next)
		return;
	d->op.op = d->op.next;
	d->op.done = d->op.next_done;
	d->op.next = NULL;
	go_on(d, NULL);
}

/* There is no device any more for whoever waits. */
static void go_away(struct device *d)
{
	struct err e = { 0 };

	(void)err_set(&e, -ENODEV, "the device is gone");
	if (d->op.next && d->op.next_done)
		d->op.next_done(d, &e);
	device_free(d);
}

/* Everything but the timer, and who is next. */
static void clear(struct op_run *r)
{
	*r = (struct op_run){
		.name = r->name, .timer = r->timer, .next = r->next, .next_done = r->next_done, .asked = r->next != NULL
	};
}

static void finish(struct device *d, struct err *e)
{
	struct op_run was = d->op;
	const struct step *steps = was.op->steps;

	if (was.op->end)
		was.op->end(d, e);
	if (steps[0].flags & STEP_SHOWN)
		device_step(d, was.goes_on ? told_name(&steps[was.step], STEP_SHOWN) : "");
	clear(&d->op);
	if (was.failure.code && e->code)
		log_error("%s: undoing a failed %s: %s: %s: try \"vduse-ctl delete %s\"", d->name, was.name, e->step,
			  e->text, d->name);
	if (was.done)
		was.done(d, was.failure.code ? &was.failure : e);
	if (was.op->frees && !e->code)
		go_away(d);
	else
		start_next(d);
}

int op_begin(struct device *d, const struct operation *op, void (*first_over)(struct device *d), device_done *done,
	     struct err *e)
{
	int rc;

	d->op.name = op->name;
	d->op.done = done;
	d->op.first_over = first_over;
	d->op.asked = true;
	turn_to(d, op);
	rc = begin(d, NULL, e);
	if (rc < 0)
		clear(&d->op);
	else if (rc == STEP_END)
		finish(d, e);
	return rc < 0 ? rc : 0;
}

void op_start(struct device *d, const struct operation *op, device_done *done)
{
	d->op.name = op->name;
	d->op.asked = d->op.op || !op->others_wait;
	if (d->op.op) {
		d->op.next = op;
		d->op.next_done = done;
		if (op->start)
			op->start(d);
		show(d, &op->steps[0]);
		return;
	}
	d->op.done = done;
	turn_to(d, op);
	go_on(d, NULL);
}

void op_drop(struct device *d)
{
	if (d->op.timer)
		event_free(d->op.timer);
	memset(&d->op, 0, sizeof(d->op));
}

/* ---- for steps ------------------------------------------------------------------------------- */

int op_helper(struct device *d, enum helper_id kind, const struct helper_call *call, struct err *e)
{
	struct helper_call c = *call;

	c.uid = d->owner.uid;
	return helper_start(d->svc->base, &helper_kinds[kind], &c, op_helper_ended, d, e);
}

void op_helper_ended(void *ctx, struct helper_result *res)
{
	ended(ctx, res);
}

int op_result(const struct helper_result *r, struct err *e)
{
	*e = r->err;
	return e->code;
}

static void on_again(evutil_socket_t fd, short what, void *arg)
{
	struct device *d = arg;

	(void)fd;
	(void)what;
	go_on(d, NULL);
}

int op_step_again(struct device *d, unsigned ms)
{
	struct timeval tv = { .tv_sec = ms / 1000, .tv_usec = (ms % 1000) * 1000L };

	if (ms == 0) {
		on_again(-1, EV_TIMEOUT, d);
		return STEP_ELSEWHERE;
	}
	if (!d->op.timer)
		d->op.timer = evtimer_new(d->svc->base, on_again, d);
	return d->op.timer && event_add(d->op.timer, &tv) == 0 ? STEP_ELSEWHERE : -ENOMEM;
}

int op_again(struct device *d, unsigned ms)
{
	unsigned step = d->op.step;
	int rc;

	d->op.step = 0;
	rc = op_step_again(d, ms);
	if (rc < 0)
		d->op.step = step;
	return rc;
}

int op_instead(struct device *d, const struct operation *op)
{
	turn_to(d, op);
	go_on(d, NULL);
	return STEP_ELSEWHERE;
}

int op_later(struct device *d)
{
	d->op.waits_turn = true;
	return STEP_ELSEWHERE;
}

bool op_is_later(const struct device *d, const struct operation *op)
{
	return d->op.op == op && d->op.waits_turn;
}

void op_retry(struct device *d)
{
	d->op.waits_turn = false;
	go_on(d, NULL);
}

void op_leaves_behind(struct device *d)
{
	d->op.goes_on = true;
}

/* ---- from outside ---------------------------------------------------------------------------- */

void op_step_ended(struct device *d, const struct err *e)
{
	struct helper_result res = { .err = *e };

	ended(d, &res);
}

void op_step_over(struct device *d)
{
	struct helper_result res = { 0 };

	ended(d, &res);
}

void op_await_worker(struct device *d)
{
	d->op.awaits_worker = true;
}

void op_served(struct device *d, const struct err *e)
{
	if (d->op.awaits_worker)
		op_step_ended(d, e);
}

void op_cancel(struct device *d, const struct err *why)
{
	d->op.cut = *why;
	if (d->bind_watch.helper)
		helper_cancel(d->bind_watch.helper);
}
