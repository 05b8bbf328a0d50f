/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/ops/create.c, and of delete.c as its undo: every step fails, takes too
 * long, or its client leaves; asserted are the exact sequence of helpers, workers and records, and
 * the answer.
 */
#include "tests/unit/life.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/ops/create.h"
#include "control/steps/backing.h"
#include "control/steps/vdpa_bus.h"

static struct device *d;

enum { CHECK, CREATE, WORKER, ATTACH, BIND, STEPS };

static void begin(void)
{
	struct err e = { 0 };

	d = life_new();
	assert_int_equal(create_run(d, 0, life_taken, life_done, &e), 0);
}

static void file_is_good(void)
{
	struct backing_info info = { .ino = 7, .size = 1 << 20, .path = "/srv/a.img" };

	life_helper_ends(&info, sizeof(info), dup(0));
}

static void step_ends(int step)
{
	struct bus_node found = { .node = "/dev/vda" };

	switch (step) {
	case CHECK:
		file_is_good();
		return;
	case WORKER:
		life_worker_serves();
		return;
	case BIND:
		life_helper_ends(&found, sizeof(found), -1);
		return;
	default:
		life_helper_ends(NULL, 0, -1);
	}
}

static void step_fails(int step, int code)
{
	if (step == WORKER)
		life_worker_fails(code);
	else
		life_helper_fails(code);
}

/* What each step that goes well asks for, up to the start of the next. */
static const char *const asks[STEPS] = {
	[CHECK] = "taken save:CK helper:create device",
	[CREATE] = "save:CK start",
	[WORKER] = "save:CKA hold helper:attach",
	[ATTACH] = "let timer:4000 helper:bind",
	[BIND] = "save:LKA end:0",
};

static void run_to(int step)
{
	begin();
	life_expect("helper:check file");
	for (int i = CHECK; i < step; i++) {
		step_ends(i);
		life_expect(asks[i]);
	}
}

static void test_all_goes_well(void **state)
{
	(void)state;
	run_to(STEPS);
	assert_int_equal(d->state, DEV_LIVE);
	assert_string_equal(d->node, "/dev/vda");
	assert_string_equal(d->step, "");
	assert_int_equal(d->worker_uid, 64000);
}

/* ---- a step fails ---------------------------------------------------------------------------- */

struct undo {
	int step, code;
	const char *name; /* of the step, in the answer */
	const char *first; /* what is asked at once */
	int then[4]; /* what has to end before the next: */
	const char *next[4];
};

enum { NOTHING = 0, A_HELPER, A_WORKER };

static const struct undo undo[] = {
	{ CHECK, -EINVAL, "check file", "taken save:D end:-22 gone", { NOTHING }, { NULL } },
	{ CHECK, -ETIMEDOUT, "check file", "taken save:D end:-110 gone", { NOTHING }, { NULL } },
	/* one that says no has made nothing; one that was given up may have */
	{ CREATE, -EINVAL, "create device", "save:C save:D end:-22 gone", { NOTHING }, { NULL } },
	{ CREATE,
	  -ETIMEDOUT,
	  "create device",
	  "save:CK save:DK helper:destroy device",
	  { A_HELPER },
	  { "end:-110 gone" } },
	{ WORKER, -EIO, "start worker", "save:DK helper:destroy device", { A_HELPER }, { "end:-5 gone" } },
	/* somebody else's of that name stays where it is */
	{ ATTACH,
	  -EEXIST,
	  "attach",
	  "let save:CK save:DK stop",
	  { A_WORKER, A_HELPER },
	  { "helper:destroy device", "end:-17 gone" } },
	{ ATTACH,
	  -ETIMEDOUT,
	  "attach",
	  "let save:DKAF timer:4000 helper:detach",
	  { A_HELPER, A_WORKER, A_HELPER },
	  { "save:DKF stop", "helper:destroy device", "end:-110 gone" } },
	{ BIND,
	  -ENODEV,
	  "bind",
	  "save:DKAF timer:4000 helper:detach",
	  { A_HELPER, A_WORKER, A_HELPER },
	  { "save:DKF stop", "helper:destroy device", "end:-19 gone" } },
	{ BIND,
	  -ETIMEDOUT,
	  "bind",
	  "save:DKAF timer:4000 helper:detach",
	  { A_HELPER, A_WORKER, A_HELPER },
	  { "save:DKF stop", "helper:destroy device", "end:-110 gone" } },
};

static void undo_ends(const struct undo *u)
{
	for (int i = 0; i < 4 && u->then[i] != NOTHING; i++) {
		if (u->then[i] == A_WORKER)
			life_worker_stops();
		else
			life_helper_ends(NULL, 0, -1);
		life_expect(u->next[i]);
	}
	assert_true(TAILQ_EMPTY(&life_svc.devices));
	assert_int_equal(life_svc.ndevices, 0);
}

static void test_every_step_fails(void **state)
{
	for (size_t i = 0; i < sizeof(undo) / sizeof(undo[0]); i++) {
		run_to(undo[i].step);
		step_fails(undo[i].step, undo[i].code);
		life_expect(undo[i].first);
		undo_ends(&undo[i]);
		assert_int_equal(life_last.code, undo[i].code);
		assert_string_equal(life_last.step, undo[i].name);
		assert_int_equal(life_teardown(state), 0);
		assert_int_equal(life_setup(state), 0);
	}
}

/* ---- its client leaves ----------------------------------------------------------------------- */

static const struct undo leave[] = {
	{ CHECK, 0, "check file", "taken save:D end:-125 gone", { NOTHING }, { NULL } },
	{ CREATE, 0, "create device", "save:CK save:DK helper:destroy device", { A_HELPER }, { "end:-125 gone" } },
	{ WORKER,
	  0,
	  "start worker",
	  "save:DK stop",
	  { A_WORKER, A_HELPER },
	  { "helper:destroy device", "end:-125 gone" } },
	{ ATTACH,
	  0,
	  "attach",
	  "let save:DKAF timer:4000 helper:detach",
	  { A_HELPER, A_WORKER, A_HELPER },
	  { "save:DKF stop", "helper:destroy device", "end:-125 gone" } },
	{ BIND,
	  0,
	  "bind",
	  "save:DKAF timer:4000 helper:detach",
	  { A_HELPER, A_WORKER, A_HELPER },
	  { "save:DKF stop", "helper:destroy device", "end:-125 gone" } },
};

static void test_the_client_leaves_in_every_step(void **state)
{
	for (size_t i = 0; i < sizeof(leave) / sizeof(leave[0]); i++) {
		run_to(leave[i].step);
		d->client = NULL;
		step_ends(leave[i].step);
		life_expect(leave[i].first);
		undo_ends(&leave[i]);
		assert_string_equal(life_last.step, leave[i].name);
		assert_int_equal(life_teardown(state), 0);
		assert_int_equal(life_setup(state), 0);
	}
}

/* ---- no process, no room --------------------------------------------------------------------- */

static void test_no_process_for_the_first_step(void **state)
{
	struct err e = { 0 };

	(void)state;
	life_no_helper = true;
	d = life_new();
	assert_int_equal(create_run(d, 0, life_taken, life_done, &e), -EAGAIN);
	life_expect("");
}

static void test_no_process_for_the_worker(void **state)
{
	(void)state;
	run_to(CREATE);
	life_no_worker = true;
	step_ends(CREATE);
	life_expect("save:CK save:DK helper:destroy device");
	life_helper_ends(NULL, 0, -1);
	life_expect("end:-11 gone");
}

static void test_no_uid_is_left(void **state)
{
	(void)state;
	run_to(CREATE);
	for (unsigned i = 0; i < 8; i++)
		uid_pool_reserve(&life_svc.uids, 64000 + i);
	step_ends(CREATE);
	life_expect("save:CK save:DK helper:destroy device");
	life_helper_ends(NULL, 0, -1);
	assert_int_equal(life_last.class, CTL_E_LIMIT);
}

static void test_without_a_record_nothing_is_made(void **state)
{
	(void)state;
	run_to(CHECK);
	life_no_save = true;
	file_is_good();
	life_expect("taken end:-5 gone");
	assert_int_equal(life_last.class, CTL_E_FAILED);
	assert_non_null(strstr(life_last.text, "make room"));
}

static void test_the_file_is_in_use(void **state)
{
	struct device *other;

	(void)state;
	run_to(CHECK);
	other = device_new(&life_svc, "other");
	other->owner.uid = LIFE_OWNER;
	other->path_fd = dup(0);
	other->backing.ino = 7;
	file_is_good();
	life_expect("taken save:D end:-16 gone");
	assert_int_equal(life_last.class, CTL_E_BUSY);
	assert_non_null(strstr(life_last.text, "device \"other\""));
}

/*
 * A file in fail mode is nobody's any more where its file system does not tell it from a later one
 * of the same number.
 */
static void test_the_file_is_perhaps_in_use_in_fail_mode(void **state)
{
	struct device *other;

	(void)state;
	run_to(CHECK);
	other = device_new(&life_svc, "other");
	other->owner.uid = LIFE_OWNER;
	other->backing.ino = 7;
	file_is_good();
	life_expect("taken save:CK helper:create device");
	life_helper_fails(-EINVAL);
	other->backing.born = 1;
	d = life_new();
	assert_ptr_equal(device_conflict(other), NULL);
	d->backing.ino = 7;
	assert_ptr_equal(device_conflict(d), other);
	other->backing.born = d->backing.born = 0;
	assert_ptr_equal(device_conflict(d), NULL);
	other->adopting = true; /* it has not let go of it: nobody has looked yet */
	assert_ptr_equal(device_conflict(d), other);
}

static void test_the_tenant_has_no_room(void **state)
{
	(void)state;
	run_to(CHECK);
	(void)err_class(&life_no_room, CTL_E_LIMIT, "too large");
	file_is_good();
	life_expect("taken save:D end:-122 gone");
	assert_int_equal(life_last.class, CTL_E_LIMIT);
}

/* ---- the worker dies meanwhile --------------------------------------------------------------- */

static void test_the_worker_dies_before_attach(void **state)
{
	(void)state;
	run_to(ATTACH);
	/* as long as the helper has not said so, a death is noticed by the step */
	d->attached = false;
	life_worker_dies(d);
	life_expect("");
	d->attached = true;
	step_ends(ATTACH);
	life_expect("let save:DKAF timer:0");
	life_timer();
	life_expect("start");
}

static void test_the_worker_is_replaced_in_bind(void **state)
{
	(void)state;
	run_to(BIND);
	life_worker_dies(d);
	life_expect("timer:0");
	life_timer();
	life_expect("start");
	life_worker_serves();
	life_expect("save:CKA");
	step_ends(BIND);
	life_expect("save:LKA end:0");
}

/* A kernel that waits for the worker of a bind gets another one, once. */
static void test_bind_is_helped_along(void **state)
{
	(void)state;
	run_to(BIND);
	life_timer();
	life_expect("replace timer:4000");
	life_timer();
	life_expect("timer:4000");
	step_ends(BIND);
	life_expect("save:LKA end:0");
}

/* No worker stays alive, so the partition scan ends in errors: that is no success. */
static void test_bind_ends_in_fail_mode(void **state)
{
	(void)state;
	run_to(BIND);
	d->fail_mode = true;
	step_ends(BIND);
	life_expect("save:DKAF timer:4000 helper:detach");
	life_helper_ends(NULL, 0, -1);
	life_expect("save:DKF stop");
	life_worker_stops();
	life_expect("helper:destroy device");
	life_helper_ends(NULL, 0, -1);
	life_expect("end:-5 gone");
	assert_string_equal(life_last.step, "bind");
}

/* The kernel waited for one that would answer, and not one stayed until the time was over. */
static void test_bind_takes_too_long_for_want_of_a_worker(void **state)
{
	(void)state;
	run_to(BIND);
	d->respawn.tries = 1;
	life_helper_fails(-ETIMEDOUT);
	life_expect("save:DKAF timer:4000 helper:detach");
	assert_non_null(strstr(d->op.failure.text, "no worker stays alive"));
	assert_int_equal(d->op.failure.code, -ETIMEDOUT);
	life_helper_ends(NULL, 0, -1);
	life_expect("save:DKF stop");
	life_worker_stops();
	life_expect("helper:destroy device");
	life_helper_ends(NULL, 0, -1);
	life_expect("end:-110 gone");
}

/* When none stays alive, bind is ended, and that is the reason that is given. */
static void test_no_worker_stays_alive_in_bind(void **state)
{
	(void)state;
	run_to(BIND);
	d->fail_mode = true;
	d->respawn.tries = 3;
	d->respawn.last_ms = now_ms();
	life_worker_dies(d);
	life_expect("save:CKAF cancel");
	life_helper_fails(-ETIMEDOUT);
	life_expect("save:DKAF timer:0");
	life_timer();
	life_worker_serves();
	life_expect("start save:DKAF timer:4000 helper:detach");
	life_helper_ends(NULL, 0, -1);
	life_worker_stops();
	life_helper_ends(NULL, 0, -1);
	life_expect("save:DKF stop helper:destroy device end:-5 gone");
	assert_string_equal(life_last.step, "bind");
	assert_non_null(strstr(life_last.text, "no worker stays alive: killed by signal 9"));
}

/* What cannot be undone stays, and can be deleted again. */
static void test_the_undo_fails(void **state)
{
	(void)state;
	run_to(WORKER);
	life_worker_fails(-EIO);
	life_expect("save:DK helper:destroy device");
	life_helper_fails(-EBUSY);
	life_expect("save:FK end:-5");
	assert_ptr_equal(TAILQ_FIRST(&life_svc.devices), d);
}

#define LIFE(name) cmocka_unit_test_setup_teardown(test_##name, life_setup, life_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE(all_goes_well),
		LIFE(every_step_fails),
		LIFE(the_client_leaves_in_every_step),
		LIFE(no_process_for_the_first_step),
		LIFE(no_process_for_the_worker),
		LIFE(no_uid_is_left),
		LIFE(without_a_record_nothing_is_made),
		LIFE(the_file_is_in_use),
		LIFE(the_file_is_perhaps_in_use_in_fail_mode),
		LIFE(the_tenant_has_no_room),
		LIFE(the_worker_dies_before_attach),
		LIFE(the_worker_is_replaced_in_bind),
		LIFE(bind_is_helped_along),
		LIFE(bind_ends_in_fail_mode),
		LIFE(bind_takes_too_long_for_want_of_a_worker),
		LIFE(no_worker_stays_alive_in_bind),
		LIFE(the_undo_fails),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
