/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/ops/delete.c and control/watch/bind_watch.c: a device goes in order, is
 * helped along when the kernel waits, is refused while it is in use, and keeps its record when
 * something is left.
 */
#include "tests/unit/life.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/ops/delete.h"
#include "control/steps/table.h"

static struct device *d;

static void begin(bool force)
{
	d = life_live();
	delete_run(d, force, life_done);
}

static void detached_and_so_on(const char *first)
{
	life_helper_ends(NULL, 0, -1);
	life_expect(first);
	life_worker_stops();
	life_expect("helper:destroy device");
	life_helper_ends(NULL, 0, -1);
	life_expect("end:0 gone");
	assert_true(TAILQ_EMPTY(&life_svc.devices));
}

static void test_in_order(void **state)
{
	(void)state;
	begin(false);
	life_expect("save:DKA timer:4000 helper:detach");
	detached_and_so_on("save:DK stop");
}

/* Who deletes it may unmount the file system at once. */
static void test_its_file_is_closed_before_it_is_gone(void **state)
{
	(void)state;
	begin(false);
	d->path_fd = dup(0);
	life_close_waits = true;
	life_expect("save:DKA timer:4000 helper:detach");
	life_helper_ends(NULL, 0, -1);
	life_worker_stops();
	life_expect("save:DK stop close");
	assert_int_equal(d->path_fd, -1);
	life_helper_fails(-ETIMEDOUT); /* it may be anything: no reason not to go on */
	life_expect("helper:destroy device");
	life_helper_ends(NULL, 0, -1);
	life_expect("end:0 gone");
}

static void test_in_use(void **state)
{
	(void)state;
	begin(false);
	life_expect("save:DKA timer:4000 helper:detach");
	life_helper_fails(-EBUSY);
	life_expect("save:LKA end:-16");
	assert_string_equal(life_last.step, "detach");
	assert_string_equal(d->step, "");
	assert_int_equal(d->state, DEV_LIVE);
}

/* Its driver was taken away before that step ran out of time: it is no live device. */
static void test_busy_without_its_driver(void **state)
{
	(void)state;
	begin(false);
	life_expect("save:DKA timer:4000 helper:detach");
	life_unbound = true;
	life_helper_fails(-EBUSY);
	assert_int_equal(d->state, DEV_HALF_DELETED);
}

/*
 * Somebody's worker is being made, from a copy of all mounts, and so for a moment the disk looks
 * mounted that is not any more.
 */
static void test_busy_beside_a_spawn_is_looked_at_again(void **state)
{
	(void)state;
	d = life_live();
	d->slot[1].phase = WORKER_SPAWNING;
	delete_run(d, false, life_done);
	life_expect("save:DKA timer:4000 helper:detach");
	life_helper_fails(-EBUSY);
	life_expect("timer:50");
	d->slot[1].phase = WORKER_NONE;
	life_timer();
	life_expect("timer:4000 helper:detach");
	detached_and_so_on("save:DK stop");
}

/*
 * It is somebody else who holds it; and a spawn that does not end is not waited for longer than it
 * can last.
 */
static void test_busy_beside_a_spawn_and_busy_after_it(void **state)
{
	(void)state;
	d = life_live();
	d->slot[1].phase = WORKER_SPAWNING;
	delete_run(d, false, life_done);
	life_helper_fails(-EBUSY);
	life_expect("save:DKA timer:4000 helper:detach timer:50");
	life_timer();
	life_sleep(helper_kinds[HELPER_SPAWN].deadline_ms + 1000);
	life_helper_fails(-EBUSY);
	life_expect("timer:4000 helper:detach save:LKA end:-16");
	d->slot[1].phase = WORKER_NONE;
	delete_run(d, false, life_done);
	life_helper_fails(-EBUSY);
	life_expect("save:DKA timer:4000 helper:detach save:LKA end:-16");
}

/* One that failed is no healthier for being in use. */
static void test_in_use_and_failed(void **state)
{
	(void)state;
	d = life_live();
	d->state = DEV_FAIL_MODE;
	d->fail_mode = true;
	delete_run(d, false, life_done);
	life_helper_fails(-EBUSY);
	life_expect("save:DKAF timer:4000 helper:detach save:FKAF end:-16");
	assert_int_equal(d->state, DEV_FAIL_MODE);
	d->worker->phase = WORKER_NONE;
	d->fail_mode = false;
	d->broken = true;
	delete_run(d, false, life_done);
	life_helper_fails(-EBUSY);
	life_expect("save:DKAB timer:4000 helper:detach save:FKAB end:-16");
	assert_int_equal(d->state, DEV_BROKEN);
}

/* Without --force nothing is lost: it is refused as busy, and goes when the kernel is ready. */
static void test_it_does_not_let_go(void **state)
{
	(void)state;
	begin(false);
	life_expect("save:DKA timer:4000 helper:detach");
	life_unbound = true; /* the kernel hides the driver for as long as it lets go */
	life_timer();
	life_expect("replace timer:4000");
	life_timer();
	life_expect("timer:4000"); /* once only */
	life_helper_fails(-ETIMEDOUT);
	life_expect("save:LKA end:-16");
	assert_non_null(strstr(life_last.text, "--force"));
	assert_string_equal(d->step, "detach");
	assert_false(d->fail_mode);
}

/* With --force the second push is a worker in fail mode. */
static void test_force_ends_what_is_waited_for(void **state)
{
	(void)state;
	begin(true);
	life_expect("save:DKA timer:4000 helper:detach");
	life_timer();
	life_expect("replace timer:4000");
	assert_false(d->fail_mode);
	life_timer();
	life_expect("kill timer:4000");
	assert_true(d->fail_mode);
	detached_and_so_on("save:DKF stop");
}

static void test_without_a_worker_it_gets_one_to_go(void **state)
{
	(void)state;
	d = life_live();
	d->worker->phase = WORKER_NONE;
	delete_run(d, false, life_done);
	life_expect("save:DKA timer:0");
	life_timer();
	life_expect("start");
	assert_true(d->fail_mode);
	life_worker_serves();
	life_expect("save:DKAF timer:4000 helper:detach");
	detached_and_so_on("save:DKF stop");
}

static void test_a_replacement_is_waited_for(void **state)
{
	(void)state;
	d = life_live();
	life_worker_dies(d);
	life_expect("timer:0");
	delete_run(d, false, life_done);
	life_expect("save:DKA");
	life_timer();
	life_expect("start");
	life_worker_serves();
	life_expect("save:DKA timer:4000 helper:detach");
	detached_and_so_on("save:DK stop");
}

/* What the kernel gave up needs no worker. */
static void test_broken(void **state)
{
	(void)state;
	d = life_live();
	d->worker->phase = WORKER_NONE;
	d->broken = true;
	delete_run(d, false, life_done);
	life_expect("save:DKAB timer:4000 helper:detach");
	life_helper_ends(NULL, 0, -1);
	life_expect("save:DKB helper:destroy device");
	life_helper_ends(NULL, 0, -1);
	life_expect("end:0 gone");
}

static void test_destroy_fails_and_can_be_tried_again(void **state)
{
	(void)state;
	begin(false);
	life_helper_ends(NULL, 0, -1);
	life_worker_stops();
	life_helper_fails(-EBUSY);
	life_expect("save:DKA timer:4000 helper:detach save:DK stop helper:destroy device save:FK end:-16");
	assert_int_equal(d->state, DEV_DETACHED);
	assert_string_equal(life_last.step, "destroy device");
	delete_run(d, false, life_done);
	life_expect("save:DK helper:destroy device");
	life_helper_ends(NULL, 0, -1);
	life_expect("end:0 gone");
}

static void test_no_process_for_the_helper(void **state)
{
	(void)state;
	d = life_live();
	life_no_helper = true;
	delete_run(d, false, life_done);
	life_expect("save:DKA timer:4000 save:FKA end:-11");
	assert_int_equal(d->state, DEV_HALF_DELETED);
}

/* Its worker serves on, so it may die on, and the kernel may give it up. */
static void test_half_deleted_and_then(void **state)
{
	(void)state;
	d = life_live();
	life_no_helper = true;
	delete_run(d, false, life_done);
	life_worker_dies(d);
	life_expect("save:DKA timer:4000 save:FKA end:-11 timer:0");
	life_timer();
	life_worker_serves();
	life_expect("start save:FKA");
	assert_int_equal(d->state, DEV_HALF_DELETED);
	d->respawn.tries = 3;
	life_worker_dies(d);
	life_expect("save:FKAF timer:0");
	assert_int_equal(d->state, DEV_FAIL_MODE);
}

/* Refused while in use, a device that had no worker has one in fail mode from then on. */
static void test_without_a_worker_and_in_use(void **state)
{
	(void)state;
	d = life_live();
	d->state = DEV_NO_WORKER;
	d->fail_mode = true;
	d->worker->phase = WORKER_NONE;
	delete_run(d, false, life_done);
	life_timer();
	life_worker_serves();
	life_expect("save:DKAF timer:0 start save:DKAF timer:4000 helper:detach");
	life_helper_fails(-EBUSY);
	life_expect("save:FKAF end:-16");
	assert_int_equal(d->state, DEV_FAIL_MODE);
}

/*
 * No worker is started in a frozen cgroup; that is said to whoever waits for one, and the device
 * goes on waiting.
 */
static void test_its_cgroup_is_frozen(void **state)
{
	(void)state;
	d = life_live();
	life_frozen = true;
	life_worker_dies(d);
	life_expect("timer:0");
	delete_run(d, false, life_done);
	life_expect("save:DKA");
	for (int i = 0; i < 10; i++) {
		life_timer();
		life_expect("timer:1000");
	}
	life_timer();
	life_expect("timer:1000 save:LKA end:-16");
	assert_non_null(strstr(life_last.text, "cgroup.freeze"));
	assert_true(d->respawn.active);
	life_frozen = false;
	life_timer();
	life_expect("start");
	life_worker_serves();
	life_expect("save:LKA");
	delete_run(d, false, life_done);
	life_expect("save:DKA timer:4000 helper:detach");
	detached_and_so_on("save:DK stop");
}

/* Up to its end it may change a file that its owner would have back. */
static void goes_when_io_has_ended(bool force)
{
	struct ctl_info info;
	int io;

	begin(force);
	io = life_io_goes_on(d);
	life_expect("save:DKA timer:4000 helper:detach");
	life_helper_ends(NULL, 0, -1);
	d->client = NULL; /* it goes on for nobody */
	life_worker_stops();
	life_expect("save:DK stop timer:5");
	device_info(d, &info);
	assert_string_equal(info.step, "wait for I/O");
	life_sleep(29999);
	life_timer();
	life_expect("timer:500");
	fd_close(&io);
	life_timer();
	life_expect("helper:destroy device");
	life_helper_ends(NULL, 0, -1);
	life_expect("end:0 gone");
}

static void test_io_that_it_began_is_waited_for(void **state)
{
	(void)state;
	goes_when_io_has_ended(false);
}

static void test_by_force_as_well(void **state)
{
	(void)state;
	goes_when_io_has_ended(true);
}

/* It stays off the bus, and the next delete goes on from there. */
static void test_io_that_does_not_end(void **state)
{
	int io;

	(void)state;
	begin(true);
	io = life_io_goes_on(d);
	life_expect("save:DKA timer:4000 helper:detach");
	life_helper_ends(NULL, 0, -1);
	life_worker_stops();
	life_expect("save:DK stop timer:5");
	life_sleep(30000);
	life_timer();
	life_expect("save:FK end:-16");
	assert_int_equal(d->state, DEV_DETACHED);
	assert_string_equal(life_last.step, "wait for I/O");
	delete_run(d, false, life_done);
	life_expect("save:DK timer:5");
	fd_close(&io);
	life_timer();
	life_expect("helper:destroy device");
	life_helper_ends(NULL, 0, -1);
	life_expect("end:0 gone");
}

/* The next worker, which it would need to go in order, waits for the same. */
static void test_the_next_worker_waits_for_io(void **state)
{
	int io;

	(void)state;
	d = life_live();
	io = life_io_goes_on(d);
	life_worker_dies(d);
	delete_run(d, false, life_done);
	life_timer();
	life_expect("timer:0 save:DKA timer:5");
	life_sleep(30000);
	life_timer();
	life_expect("timer:500 save:LKA end:-16");
	assert_true(d->respawn.active);
	delete_run(d, true, life_done); /* that does not insist on one */
	life_timer();
	life_expect("save:DKA timer:500 timer:4000 helper:detach");
	fd_close(&io);
	life_helper_ends(NULL, 0, -1);
	life_expect("save:DK helper:destroy device");
	life_helper_ends(NULL, 0, -1);
	life_expect("end:0 gone");
}

static void test_its_worker_is_frozen(void **state)
{
	(void)state;
	life_frozen = true;
	begin(false);
	life_expect("save:DKA save:LKA end:-16");
	assert_non_null(strstr(life_last.text, "--force"));
	delete_run(d, true, life_done);
	life_expect("save:DKA timer:4000 helper:detach");
	detached_and_so_on("save:DK stop");
}

#define LIFE(name) cmocka_unit_test_setup_teardown(test_##name, life_setup, life_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE(in_order),
		LIFE(its_file_is_closed_before_it_is_gone),
		LIFE(in_use),
		LIFE(busy_without_its_driver),
		LIFE(busy_beside_a_spawn_is_looked_at_again),
		LIFE(busy_beside_a_spawn_and_busy_after_it),
		LIFE(in_use_and_failed),
		LIFE(it_does_not_let_go),
		LIFE(force_ends_what_is_waited_for),
		LIFE(without_a_worker_it_gets_one_to_go),
		LIFE(a_replacement_is_waited_for),
		LIFE(broken),
		LIFE(destroy_fails_and_can_be_tried_again),
		LIFE(its_cgroup_is_frozen),
		LIFE(io_that_it_began_is_waited_for),
		LIFE(by_force_as_well),
		LIFE(io_that_does_not_end),
		LIFE(the_next_worker_waits_for_io),
		LIFE(its_worker_is_frozen),
		LIFE(no_process_for_the_helper),
		LIFE(half_deleted_and_then),
		LIFE(without_a_worker_and_in_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
