/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/ops/adopt.c: what is asked of the helper that looks at what an earlier
 * vdused left, and what comes of it.
 */
#include "tests/unit/life.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "control/device/saved.h"
#include "control/ops/adopt.h"
#include "control/ops/delete.h"
#include "control/ops/upgrade.h"
#include "control/steps/adopt.h"
#include "control/sys/proc_id.h"
#include "control/sys/worker_sock.h"

static bool was_broken, was_in_fail_mode;
static enum ctl_state was; /* the state in the record */

/* ---- stand-ins ------------------------------------------------------------------------------- */

int saved_load(struct service *svc, void (*take)(struct service *svc, const struct record *r))
{
	static struct record r = { .name = "disk0" }; /* without a worker */

	take(svc, &r);
	return 0;
}

void saved_apply(const struct record *r, struct device *d)
{
	assert_string_equal(r->name, d->name);
	d->owner.uid = LIFE_OWNER;
	d->queues = 1;
	d->generation = 1;
	d->has_kernel_dev = d->attached = true;
	d->broken = was_broken;
	d->fail_mode = was_in_fail_mode;
	device_set_recorded(d, was_broken || was_in_fail_mode ? CTL_DEV_FAILED : was);
}

int worker_adopt(struct worker *w, const struct worker_params *p, const struct worker_left *l, struct err *e)
{
	(void)e;
	return w && p->setup.generation && l->pid && l->pidfd >= 0 && l->chan >= 0 && !l->halted ? 0 : -EINVAL;
}

int worker_kill_and_wait(struct worker *w, const struct worker_params *p, const struct worker_left *l,
			 worker_stopped *done, struct err *e)
{
	(void)e;
	return w && p->setup.generation && l->pid && l->pidfd >= 0 && done ? 0 : -EINVAL;
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

/* ---- tests ----------------------------------------------------------------------------------- */

static bool no_file; /* what the helper is told */

static void look(const void *arg)
{
	no_file = ((const struct adopt_arg *)arg)->no_file;
}

static void adopt(void)
{
	life_look = look;
	adopt_all(&life_svc);
	life_expect("helper:adopt");
	life_look = NULL; /* others have other arguments */
}

static struct device *it_is_there(void)
{
	struct device *d = device_find(&life_svc, "disk0");

	assert_non_null(d);
	return d;
}

static int setup(void **state)
{
	was_broken = was_in_fail_mode = false;
	was = CTL_DEV_LIVE;
	return life_setup(state);
}

static void test_its_worker_is_gone(void **state)
{
	struct adopt_result r = { .brings = ADOPT_FILE };

	(void)state;
	adopt();
	assert_false(no_file);
	life_helper_ends(&r, sizeof(r), dup(0));
	life_expect("save:LKA timer:0");
	assert_true(it_is_there()->path_fd >= 0);
}

/* Nobody holds the file of a device that will not serve from it. */
static void test_what_is_broken_needs_no_file(void **state)
{
	struct adopt_result r = { 0 };

	(void)state;
	was_broken = true;
	adopt();
	assert_true(no_file);
	life_helper_ends(&r, sizeof(r), -1);
	life_expect("");
	assert_int_equal(it_is_there()->path_fd, -1);
	assert_int_equal(it_is_there()->state, DEV_BROKEN);
}

static void test_nor_does_fail_mode(void **state)
{
	struct adopt_result r = { 0 };

	(void)state;
	was_in_fail_mode = true;
	adopt();
	assert_true(no_file);
	life_helper_ends(&r, sizeof(r), -1);
	life_expect("timer:0");
	assert_int_equal(it_is_there()->path_fd, -1);
}

/* ---- what is asked of it meanwhile ----------------------------------------------------------- */

static void shown_step(const char *step)
{
	const char *is;

	(void)device_shown(it_is_there(), &is);
	assert_string_equal(is, step);
}

static void deleted(void)
{
	life_helper_ends(NULL, 0, -1); /* detach */
	life_goes_on(0); /* its worker stops */
	life_goes_on(0); /* destroy device */
	assert_true(TAILQ_EMPTY(&life_svc.devices));
	life_forget();
}

/* It is on record as deleted at once, and begins when all is known. */
static void test_a_delete_waits_for_it(void **state)
{
	struct adopt_result r = { .brings = ADOPT_FILE };

	(void)state;
	adopt();
	shown_step("adopt");
	delete_run(it_is_there(), false, life_done);
	life_expect("save:DKA");
	shown_step("detach");
	life_helper_ends(&r, sizeof(r), dup(0));
	life_expect("save:DKA timer:0");
	life_timer();
	life_worker_serves();
	life_expect("start save:DKA timer:4000 helper:detach");
	life_helper_ends(NULL, 0, -1);
	life_worker_stops();
	life_helper_ends(NULL, 0, -1);
	life_expect("save:DK stop helper:destroy device end:0 gone");
}

static void test_an_upgrade_waits_for_it(void **state)
{
	struct adopt_result r = { .brings = ADOPT_FILE };

	(void)state;
	adopt();
	change_upgrade(it_is_there(), life_done);
	life_expect("");
	assert_true(it_is_there()->op.asked);
	life_helper_ends(&r, sizeof(r), dup(0));
	life_timer();
	life_worker_serves(); /* the next one, which is of the installed binary as well */
	life_expect("save:LKA timer:0 start save:LKA start");
	life_worker_fails(-EIO);
	life_expect("end:-5");
	assert_false(it_is_there()->op.asked);
}

/* Somebody else has removed it: so do we, and who waits is told. */
static void test_the_kernel_does_not_have_it(void **state)
{
	struct adopt_result r = { .gone = 1 };

	(void)state;
	adopt();
	change_upgrade(it_is_there(), life_done);
	life_helper_ends(&r, sizeof(r), -1);
	life_expect("save:FKAB save:DKAB timer:4000 helper:detach");
	life_helper_ends(NULL, 0, -1);
	life_expect("save:DKB helper:destroy device");
	life_helper_ends(NULL, 0, -1);
	life_expect("end:-19 gone");
}

/* ---- half done ------------------------------------------------------------------------------- */

static void test_a_create_is_undone(void **state)
{
	struct adopt_result r = { 0 };

	(void)state;
	was = CTL_DEV_CREATING;
	adopt();
	life_helper_ends(&r, sizeof(r), -1);
	life_expect("timer:0 save:DKAF");
	life_timer();
	life_worker_serves();
	life_expect("start save:DKAF timer:4000 helper:detach");
	assert_true(it_is_there()->force);
	deleted();
}

static void test_a_delete_goes_on(void **state)
{
	struct adopt_result r = { .brings = ADOPT_FILE };

	(void)state;
	was = CTL_DEV_DELETING;
	adopt();
	life_helper_ends(&r, sizeof(r), dup(0));
	life_expect("save:DKA timer:0 save:DKA");
	life_timer();
	life_worker_serves();
	life_expect("start save:DKA timer:4000 helper:detach");
	deleted();
}

/* ---- no process ------------------------------------------------------------------------------ */

static void test_its_helper_had_no_processor_time(void **state)
{
	(void)state;
	adopt();
	life_helper_starves();
	life_expect("helper:adopt");
	assert_true(it_is_there()->adopting);
}

#define ADOPTED(name) cmocka_unit_test_setup_teardown(test_##name, setup, life_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ADOPTED(its_worker_is_gone),
		ADOPTED(what_is_broken_needs_no_file),
		ADOPTED(nor_does_fail_mode),
		ADOPTED(a_delete_waits_for_it),
		ADOPTED(an_upgrade_waits_for_it),
		ADOPTED(the_kernel_does_not_have_it),
		ADOPTED(a_create_is_undone),
		ADOPTED(a_delete_goes_on),
		ADOPTED(its_helper_had_no_processor_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
