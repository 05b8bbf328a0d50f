/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/device/operation.c: how one step follows another, with tables of the test's
 * own; and that each step of each table of control/ops can fail, and leaves nothing under way.
 */
#include "tests/unit/life.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "control/device/saved.h"
#include "control/ops/adopt.h"
#include "control/ops/create.h"
#include "control/ops/delete.h"
#include "control/ops/recover.h"
#include "control/ops/resize.h"
#include "control/ops/resume.h"
#include "control/ops/upgrade.h"
#include "control/steps/adopt.h"
#include "control/sys/proc_id.h"
#include "control/sys/worker_sock.h"

static struct device *d;
static char told[200]; /* what the test's own steps did, a letter each */
static unsigned ended; /* how often an operation was said to be over */

/* ---- stand-ins ------------------------------------------------------------------------------- */

int saved_load(struct service *svc, void (*take)(struct service *svc, const struct record *r))
{
	return svc && take ? 0 : -EINVAL;
}

void saved_apply(const struct record *r, struct device *dev)
{
	assert_true(r && dev);
}

int worker_adopt(struct worker *w, const struct worker_params *p, const struct worker_left *l, struct err *e)
{
	return w && p && l->pid && l->pidfd >= 0 && l->chan >= 0 && !l->halted && e ? 0 : -EINVAL;
}

int worker_kill_and_wait(struct worker *w, const struct worker_params *p, const struct worker_left *l,
			 worker_stopped *done, struct err *e)
{
	(void)close(l->pidfd);
	assert_true(p && l->pid && e);
	w->phase = WORKER_STOPPING;
	worker_stop(w, done);
	return 0;
}

uint64_t proc_start_time(pid_t pid)
{
	return (uint64_t)pid;
}

uint32_t proc_uid(pid_t pid)
{
	return (uint32_t)pid;
}

void worker_sock_remove(const char *dir, const char *name, uint32_t generation)
{
	assert_true(dir && name && generation);
}

/* ---- steps of the test's own ----------------------------------------------------------------- */

static int begins; /* what the next begin() returns */
static int takes; /* and the next take() */

static void tell(char c)
{
	size_t n = strlen(told);

	assert_true(n + 1 < sizeof(told));
	told[n] = c;
}

static void expect(const char *wanted)
{
	assert_string_equal(told, wanted);
	memset(told, 0, sizeof(told));
}

static int answer(int *next, struct err *e, const char *text)
{
	int rc = *next;

	*next = 0;
	return rc < 0 ? err_set(e, rc, "%s", text) : rc;
}

static int a_begin(struct device *dev, struct err *e)
{
	assert_ptr_equal(dev, d);
	tell('a');
	return answer(&begins, e, "a cannot begin");
}

static int b_begin(struct device *dev, struct err *e)
{
	assert_ptr_equal(dev, d);
	tell('b');
	return answer(&begins, e, "b cannot begin");
}

static int take(struct device *dev, struct helper_result *r, struct err *e)
{
	assert_ptr_equal(dev, d);
	tell(r->err.code ? 'f' : 't');
	return r->err.code ? op_result(r, e) : answer(&takes, e, "it is not good");
}

static void start(struct device *dev)
{
	assert_ptr_equal(dev, d);
	tell('<');
}

static void end(struct device *dev, struct err *e)
{
	assert_ptr_equal(dev, d);
	assert_true(e->code <= 0);
	tell('>');
}

static void failed(struct device *dev, const struct err *e)
{
	assert_ptr_equal(dev, d);
	assert_true(e->code < 0);
	tell('!');
}

static int u_begin(struct device *dev, struct err *e)
{
	assert_true(dev == d && e);
	tell('u');
	return begins ? answer(&begins, e, "u cannot begin") : STEP_SKIP;
}

static const struct step undo_steps[] = { { "undo", u_begin, NULL, 0 } };
static const struct operation op_undo = {
	.name = "undo", .steps = undo_steps, .nsteps = 1, .start = start, .end = end, .frees = true
};

static const struct step two_steps[] = {
	{ "one", a_begin, take, STEP_SHOWN },
	{ "two", b_begin, take, STEP_SHOWN | STEP_CLIENT | STEP_WORKER },
};
static const struct operation op_two = { .name = "try", .steps = two_steps, .nsteps = 2, .start = start, .end = end };
static const struct operation op_undone = {
	.name = "try", .steps = two_steps, .nsteps = 2, .failed = failed, .undo = &op_undo
};
static const struct operation op_first = { .name = "first", .steps = two_steps, .nsteps = 2, .others_wait = true };

static void done(struct device *dev, const struct err *e)
{
	assert_ptr_equal(dev, d);
	assert_false(d->op.op); /* the slot is free already */
	ended++;
	life_last = *e;
	tell(e->code ? 'E' : 'D');
}

static int live(void **state)
{
	int rc = life_setup(state);

	d = life_live();
	d->client = (struct client *)(void *)&life_svc;
	memset(told, 0, sizeof(told));
	begins = takes = 0;
	ended = 0;
	return rc;
}

/* ---- one step after the other ---------------------------------------------------------------- */

static void test_one_after_the_other(void **state)
{
	(void)state;
	op_start(d, &op_two, done);
	expect("<a");
	assert_string_equal(d->step, "one");
	assert_true(d->op.asked);
	op_step_over(d);
	expect("tb");
	assert_string_equal(d->step, "two");
	assert_string_equal(life_log, "disk0: try: one -> two");
	op_step_over(d);
	expect("t>D");
	assert_string_equal(d->step, "");
	assert_string_equal(d->op.name, "try"); /* for whoever was told */
	assert_false(d->op.asked);
}

static void test_a_step_has_nothing_to_do(void **state)
{
	(void)state;
	begins = STEP_SKIP;
	op_start(d, &op_two, done);
	expect("<ab");
	takes = STEP_END;
	op_step_over(d);
	expect("t>D");
	begins = STEP_END;
	op_start(d, &op_two, done);
	expect("<a>D");
}

static void test_it_fails_and_names_the_step(void **state)
{
	(void)state;
	begins = -EAGAIN;
	op_start(d, &op_two, done);
	expect("<a>E");
	assert_string_equal(life_last.step, "one");
	op_start(d, &op_two, done);
	op_step_over(d);
	op_step_ended(d, &(struct err){ .code = -EIO });
	expect("<atbf>E");
	assert_int_equal(life_last.code, -EIO);
	assert_string_equal(life_last.step, "two");
	assert_string_equal(d->step, "");
}

/* Nothing is to be seen of one whose first step cannot begin. */
static void test_it_does_not_begin(void **state)
{
	struct err e = { 0 };

	(void)state;
	begins = -EAGAIN;
	assert_int_equal(op_begin(d, &op_undone, NULL, done, &e), -EAGAIN);
	expect("a");
	assert_false(d->op.asked);
	assert_int_equal(op_begin(d, &op_undone, NULL, done, &e), 0);
	expect("a");
}

static void test_nobody_wants_it_any_more(void **state)
{
	(void)state;
	op_start(d, &op_two, done);
	d->client = NULL; /* the first step has no flag for that */
	op_step_over(d);
	op_step_over(d);
	expect("<atbt>E");
	assert_int_equal(life_last.code, -ECANCELED);
	d->client = (struct client *)(void *)&life_svc;
	op_start(d, &op_two, done);
	op_step_over(d);
	d->worker->phase = WORKER_NONE;
	op_step_over(d);
	expect("<atbt>E");
	assert_int_equal(life_last.code, -EIO);
	op_start(d, &op_two, done);
	op_step_over(d);
	d->respawn.active = true; /* the next one is under way */
	op_step_over(d);
	expect("<atbt>D");
}

/* ---- undo ------------------------------------------------------------------------------------ */

static void test_it_is_undone(void **state)
{
	(void)state;
	op_start(d, &op_undone, done);
	op_step_over(d);
	op_step_ended(d, &(struct err){ .code = -EIO });
	expect("atbf!<u>E");
	assert_int_equal(life_last.code, -EIO); /* the failure, and not how its undo went */
	assert_string_equal(life_last.step, "two");
	assert_true(TAILQ_EMPTY(&life_svc.devices)); /* the undo's success is its end */
	life_expect("gone");
}

static void test_it_cannot_be_undone(void **state)
{
	(void)state;
	op_start(d, &op_undone, done);
	takes = -EIO;
	op_step_over(d);
	expect("at!<u>E");
	life_expect("gone");
	d = life_live();
	op_start(d, &op_undone, done);
	op_step_over(d);
	begins = -EBUSY;
	op_step_ended(d, &(struct err){ .code = -EIO });
	expect("atbf!<u>E");
	assert_int_equal(life_last.code, -EIO);
	assert_non_null(strstr(life_log, "undoing a failed try"));
	assert_ptr_equal(TAILQ_FIRST(&life_svc.devices), d);
}

/* ---- not in a row ---------------------------------------------------------------------------- */

static void test_again(void **state)
{
	(void)state;
	op_start(d, &op_two, done);
	op_step_over(d);
	assert_int_equal(op_again(d, 50), STEP_ELSEWHERE);
	life_expect("timer:50");
	expect("<atb");
	life_timer();
	expect("a");
	op_step_over(d);
	assert_int_equal(op_again(d, 0), STEP_ELSEWHERE);
	expect("tba");
}

static void test_instead(void **state)
{
	(void)state;
	op_start(d, &op_two, done);
	assert_int_equal(op_instead(d, &op_undo), STEP_ELSEWHERE);
	expect("<a<u>D"); /* that is a success, and the end of the device */
	life_expect("gone");
}

static void test_later(void **state)
{
	(void)state;
	op_start(d, &op_first, done);
	assert_false(op_is_later(d, &op_first));
	assert_int_equal(op_later(d), STEP_ELSEWHERE);
	assert_true(op_is_later(d, &op_first));
	assert_false(op_is_later(d, &op_two));
	op_retry(d);
	assert_false(op_is_later(d, &op_first));
	expect("aa");
}

static void test_another_waits_for_it(void **state)
{
	(void)state;
	op_start(d, &op_first, done);
	assert_false(d->op.asked);
	op_start(d, &op_two, done);
	assert_true(d->op.asked);
	expect("a<");
	op_step_over(d);
	op_step_over(d);
	expect("tbtDa"); /* it begins as soon as the first is over */
	assert_true(d->op.asked);
	op_step_over(d);
	op_step_over(d);
	expect("tbt>D");
	assert_false(d->op.asked);
}

static void test_the_device_goes_before_its_turn(void **state)
{
	(void)state;
	op_start(d, &op_first, NULL);
	op_start(d, &op_two, done);
	(void)op_instead(d, &op_undo);
	expect("a<<u>E");
	assert_int_equal(life_last.code, -ENODEV);
	life_expect("gone");
}

static void test_it_waits_for_a_worker(void **state)
{
	struct err none = { .code = -EIO };

	(void)state;
	op_start(d, &op_two, done);
	op_served(d, &none); /* it does not wait */
	expect("<a");
	op_await_worker(d);
	op_served(d, &none);
	expect("f>E");
}

static void test_the_kernel_is_at_it_still(void **state)
{
	(void)state;
	op_start(d, &op_two, done);
	op_leaves_behind(d);
	op_step_ended(d, &(struct err){ .code = -ETIMEDOUT });
	expect("<af>E");
	assert_string_equal(d->step, "one");
}

/* ---- each step of each table ----------------------------------------------------------------- */

static const struct operation *const all[] = { &op_create, &op_delete, &op_upgrade, &op_recover,
					       &op_resize, &op_resume, &op_adopt };

/* A device of which this can be asked. */
static void prepare(const struct operation *op)
{
	d->worker->halted = op == &op_resume ? -ENOSPC : 0;
	if (op == &op_create) {
		d->state = DEV_CREATING;
		d->has_kernel_dev = d->attached = false;
		d->worker->phase = WORKER_NONE;
	} else if (op == &op_recover) {
		d->state = DEV_FAIL_MODE;
		device_fail_mode(d);
	} else if (op == &op_adopt) {
		d->adopting = d->respawn.active = true;
		d->worker->phase = WORKER_NONE;
		d->generation = 1;
		d->left.pid = 77;
		d->left.pidfd = dup(0);
	}
}

static void count(struct device *dev, const struct err *e)
{
	assert_ptr_equal(dev, d);
	life_last = *e;
	ended++;
}

static bool at(const struct operation *op, unsigned step)
{
	return !ended && d->op.op == op && d->op.step >= step;
}

static void to_its_end(void)
{
	for (int i = 0; i < 50 && !ended; i++)
		assert_true(life_goes_on(0));
	assert_int_equal(ended, 1);
}

/* Nobody has it in hand any more, or it is gone. */
static void nothing_is_left(void)
{
	if (TAILQ_EMPTY(&life_svc.devices))
		return;
	assert_null(d->op.op);
	assert_null(d->op.next);
	assert_null(d->next);
	assert_null(d->bind_watch.helper);
	assert_false(d->op.asked || d->op.awaits_worker || d->op.waits_turn);
	assert_int_not_equal(d->state, DEV_CREATING);
	assert_int_not_equal(d->state, DEV_DELETING);
}

enum { ENDS_BADLY, TIMES_OUT, CANNOT_BEGIN, CLIENT_LEAVES, WAYS };

static void let_fail(const struct operation *op, unsigned step, int way)
{
	static const int codes[WAYS] = { [ENDS_BADLY] = -EINVAL, [TIMES_OUT] = -ETIMEDOUT };

	prepare(op);
	life_no_helper = life_no_worker = way == CANNOT_BEGIN && step == 0;
	op_start(d, op, count);
	while (!ended && !at(op, step)) {
		if (way == CANNOT_BEGIN && at(op, step - 1))
			life_no_helper = life_no_worker = true;
		assert_true(life_goes_on(0));
	}
	life_no_helper = life_no_worker = false;
	if (way == CLIENT_LEAVES && !ended)
		d->client = NULL;
	if (!ended)
		assert_true(life_goes_on(codes[way]));
	to_its_end();
	nothing_is_left();
}

static void test_each_step_of_each_table_fails(void **state)
{
	assert_int_equal(life_teardown(state), 0);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		for (unsigned step = 0; step < all[i]->nsteps; step++)
			for (int way = 0; way < WAYS; way++) {
				assert_int_equal(live(state), 0);
				let_fail(all[i], step, way);
				life_forget();
				assert_int_equal(life_teardown(state), 0);
			}
	assert_int_equal(live(state), 0);
}

/* The tables themselves. */
static void test_what_tables_must_be(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		const struct operation *op = all[i];

		assert_true(op->name && op->nsteps);
		for (unsigned n = 0; n < op->nsteps; n++) {
			assert_true(op->steps[n].name && op->steps[n].begin);
			assert_true(strlen(op->steps[n].name) < VD_STEP_SIZE);
			assert_true(!(op->steps[n].flags & STEP_AS_NEXT) || n + 1 < op->nsteps);
		}
	}
}

#define LIVE(name) cmocka_unit_test_setup_teardown(test_##name, live, life_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(one_after_the_other),
		LIVE(a_step_has_nothing_to_do),
		LIVE(it_fails_and_names_the_step),
		LIVE(it_does_not_begin),
		LIVE(nobody_wants_it_any_more),
		LIVE(it_is_undone),
		LIVE(it_cannot_be_undone),
		LIVE(again),
		LIVE(instead),
		LIVE(later),
		LIVE(another_waits_for_it),
		LIVE(the_device_goes_before_its_turn),
		LIVE(it_waits_for_a_worker),
		LIVE(the_kernel_is_at_it_still),
		LIVE(each_step_of_each_table_fails),
		LIVE(what_tables_must_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
