/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/ops/{change,upgrade,recover,resume,resize}.c: every step fails, or
 * something happens to the worker meanwhile. When they may be asked for is in test_control_state.c.
 */
#include "tests/unit/life.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/ops/recover.h"
#include "control/ops/resize.h"
#include "control/ops/resume.h"
#include "control/ops/upgrade.h"
#include "control/steps/measure.h"
#include "control/watch/respawn.h"

#define MIB (1U << 20)

static struct device *d;

static int live(void **state)
{
	int rc = life_setup(state);

	d = life_live();
	return rc;
}

static void refused(int code, enum ctl_code class, const char *text)
{
	char words[20];

	(void)snprintf(words, sizeof(words), "end:%d", code);
	life_expect(words);
	assert_int_equal(life_last.class, class);
	assert_non_null(strstr(life_last.text, text));
	assert_false(d->op.asked);
}

/* ---- upgrade --------------------------------------------------------------------------------- */

static void test_upgrade(void **state)
{
	(void)state;
	change_upgrade(d, life_done);
	life_expect("start");
	assert_ptr_equal(d->next, &d->slot[1]);
	life_worker_serves(); /* stands by */
	life_expect("helper:find file");
	life_helper_ends(NULL, 0, -1);
	life_expect("stop");
	life_worker_stops();
	life_expect("promote");
	assert_ptr_equal(d->worker, &d->slot[1]);
	life_worker_serves();
	life_expect("save:LKA end:0");
	assert_int_equal(d->restarts, 0);
}

static void test_upgrade_the_new_one_does_not_start(void **state)
{
	(void)state;
	change_upgrade(d, life_done);
	life_worker_fails(-EIO);
	life_expect("start end:-5");
	assert_int_equal(d->worker->phase, WORKER_SERVING);
	assert_null(d->next);
	life_no_worker = true;
	change_upgrade(d, life_done);
	refused(-EAGAIN, CTL_E_FAILED, "no process");
}

static void test_upgrade_the_old_one_dies_meanwhile(void **state)
{
	(void)state;
	change_upgrade(d, life_done);
	life_expect("start");
	d->worker->phase = WORKER_NONE;
	d->respawn.active = true; /* its death is being mended */
	life_worker_serves();
	life_expect("stop");
	life_worker_stops();
	life_expect("");
	assert_null(d->next);
	assert_true(d->op.awaits_worker);
}

/*
 * What only the old worker can still have, it keeps: it is not stopped, and nothing counts as a
 * death.
 */
static void test_upgrade_the_file_cannot_be_opened_again(void **state)
{
	(void)state;
	change_upgrade(d, life_done);
	life_worker_serves();
	life_helper_fails(-EROFS);
	life_expect("start helper:find file stop");
	life_worker_stops(); /* the new one */
	life_expect("end:-30");
	assert_string_equal(life_last.step, "find file");
	assert_ptr_equal(d->worker, &d->slot[0]);
	assert_int_equal(d->worker->phase, WORKER_SERVING);
	assert_false(d->respawn.active);
	assert_null(d->next);
	assert_false(d->op.asked);
}

static void test_upgrade_the_file_cannot_be_tried(void **state)
{
	(void)state;
	change_upgrade(d, life_done);
	life_no_helper = true;
	life_worker_serves();
	life_expect("start stop");
	life_worker_stops();
	life_expect("end:-11");
	assert_int_equal(d->worker->phase, WORKER_SERVING);
}

/* Adopted from its worker while the file was away. */
static void test_upgrade_the_file_was_not_found(void **state)
{
	(void)state;
	fd_close(&d->path_fd);
	change_upgrade(d, life_done);
	life_worker_serves();
	life_expect("start stop");
	life_worker_stops();
	life_expect("end:-2");
	assert_non_null(strstr(life_last.text, "was not found when vdused was started"));
	assert_int_equal(d->worker->phase, WORKER_SERVING);
}

static void test_upgrade_one_dies_while_the_file_is_tried(void **state)
{
	(void)state;
	change_upgrade(d, life_done);
	life_worker_serves();
	d->next->phase = WORKER_NONE;
	life_helper_ends(NULL, 0, -1);
	life_expect("start helper:find file end:-5");
	assert_int_equal(d->worker->phase, WORKER_SERVING);
	change_upgrade(d, life_done);
	life_worker_serves();
	d->worker->phase = WORKER_NONE;
	d->respawn.active = true; /* its death is being mended */
	life_helper_fails(-EROFS);
	life_expect("start helper:find file stop");
	life_worker_stops();
	life_expect("");
	assert_true(d->op.awaits_worker);
}

static void test_upgrade_the_new_one_fails_at_the_end(void **state)
{
	(void)state;
	change_upgrade(d, life_done);
	life_worker_serves();
	life_helper_ends(NULL, 0, -1);
	life_worker_stops();
	life_worker_fails(-EIO);
	life_expect("start helper:find file stop promote timer:0 end:-5");
	assert_true(d->respawn.active);
	life_timer();
	life_expect("start");
}

/*
 * I/O of the old one goes on: that is waited for as after a death, and is none, however long it
 * takes; nor is it one that the next does not wait so long.
 */
static void io_of_the_old_one_goes_on(bool next_is_there)
{
	int io = life_io_goes_on(d);

	change_upgrade(d, life_done);
	life_worker_serves();
	life_helper_ends(NULL, 0, -1);
	life_expect("start helper:find file stop");
	if (!next_is_there)
		d->next->phase = WORKER_NONE;
	life_worker_stops();
	if (next_is_there) {
		life_expect("stop");
		life_worker_stops();
	}
	life_expect("timer:0");
	assert_null(d->next);
	for (int i = 0; i < 20; i++) {
		life_timer();
		life_forget();
		assert_int_equal(d->respawn.tries, 0);
		assert_true(d->op.awaits_worker);
	}
	fd_close(&io);
	life_timer();
	life_expect("start");
	life_worker_serves();
	life_expect("save:LKA end:0");
	assert_int_equal(d->respawn.tries, 0);
	assert_false(d->fail_mode);
}

static void test_upgrade_io_of_the_old_one_goes_on(void **state)
{
	(void)state;
	io_of_the_old_one_goes_on(true);
}

static void test_upgrade_the_next_one_does_not_wait_so_long(void **state)
{
	(void)state;
	io_of_the_old_one_goes_on(false);
}

/* The next one was set up to serve the disk, which nobody has any more. */
static void test_upgrade_fail_mode_comes_meanwhile(void **state)
{
	(void)state;
	change_upgrade(d, life_done);
	life_worker_serves();
	life_expect("start helper:find file");
	d->fail_mode = true;
	life_helper_ends(NULL, 0, -1);
	life_expect("stop");
	life_worker_stops();
	life_expect("end:0");
	assert_ptr_equal(d->worker, &d->slot[0]);
	assert_null(d->next);
}

/* What it has waited for has come to another end. */
static void test_upgrade_waits_in_vain(void **state)
{
	(void)state;
	d->worker->phase = WORKER_NONE;
	change_upgrade(d, life_done);
	refused(-EIO, CTL_E_FAILED, "no worker");
	d->respawn.active = true;
	change_upgrade(d, life_done);
	life_expect("");
	d->fail_mode = true;
	d->state = DEV_FAIL_MODE;
	respawn_adopted(d, &(struct err){ 0 });
	refused(-EINVAL, CTL_E_INVALID, "vduse-ctl recover");
}

/* ---- recover --------------------------------------------------------------------------------- */

static void fail_mode(void)
{
	d->state = DEV_FAIL_MODE;
	device_fail_mode(d);
	assert_int_equal(d->path_fd, -1);
}

static void test_recover(void **state)
{
	(void)state;
	fail_mode();
	change_recover(d, life_done);
	life_expect("helper:find file");
	life_helper_ends(NULL, 0, dup(0));
	life_expect("stop");
	life_worker_stops();
	life_expect("start");
	life_worker_serves();
	life_expect("save:LKA end:0");
	assert_int_equal(d->state, DEV_LIVE);
	assert_string_equal(d->step, "");
}

/*
 * Another file is at its path now: that is the device's from now on, and its size stays the
 * device's.
 */
static void test_recover_takes_another_file(void **state)
{
	struct backing_info found = { .ino = 77, .size = 8 * MIB, .path = "/srv/restored" };

	(void)state;
	fail_mode();
	d->backing.ino = 76;
	change_recover(d, life_done);
	life_helper_ends(&found, sizeof(found), dup(0));
	life_worker_stops();
	life_worker_serves();
	life_expect("helper:find file stop start save:LKA end:0");
	assert_int_equal(d->backing.ino, 77);
	assert_int_equal(d->backing.size, MIB);
	assert_string_equal(d->backing.path, "/srv/restored");
	assert_true(d->path_fd >= 0);
}

static void test_recover_another_device_has_the_file(void **state)
{
	struct backing_info found = { .ino = 77, .size = MIB };
	struct device *other = device_new(&life_svc, "other");

	(void)state;
	assert_non_null(other);
	other->owner.uid = LIFE_OWNER;
	other->backing.ino = 77;
	other->backing.born = 1; /* it is in fail mode, too, and known for sure */
	fail_mode();
	d->backing.ino = 76;
	change_recover(d, life_done);
	life_helper_ends(&found, sizeof(found), dup(0));
	life_expect("helper:find file end:-16");
	assert_non_null(strstr(life_last.text, "by device \"other\""));
	assert_int_equal(d->backing.ino, 76);
	assert_int_equal(d->path_fd, -1);
	assert_int_equal(d->worker->phase, WORKER_SERVING); /* in fail mode still */
	other->owner.uid = 5;
	change_recover(d, life_done);
	life_helper_ends(&found, sizeof(found), dup(0));
	assert_null(strstr(life_last.text, "\"other\""));
}

static void test_recover_the_file_is_not_there(void **state)
{
	(void)state;
	fail_mode();
	change_recover(d, life_done);
	life_helper_fails(-ENOENT);
	life_expect("helper:find file end:-2");
	assert_string_equal(life_last.step, "find file");
	assert_int_equal(d->worker->phase, WORKER_SERVING); /* in fail mode still */
}

static void test_recover_its_worker_does_not_live(void **state)
{
	(void)state;
	fail_mode();
	change_recover(d, life_done);
	life_helper_ends(NULL, 0, dup(0));
	life_worker_stops();
	life_worker_fails(-EIO);
	life_expect("helper:find file stop start save:FKAF timer:0 end:-5");
	assert_true(d->fail_mode);
	assert_int_equal(d->path_fd, -1);
	assert_string_equal(d->backing_path, "/where/it/is");
	life_timer();
	life_expect("start");
}

/*
 * Where not even workers in fail mode lived; and when its new worker does not, one in fail mode is
 * tried again.
 */
static void test_recover_without_a_worker(void **state)
{
	(void)state;
	for (int serves = 1; serves >= 0; serves--) {
		fail_mode();
		d->state = DEV_NO_WORKER;
		d->worker->phase = WORKER_NONE;
		change_recover(d, life_done);
		life_helper_ends(NULL, 0, dup(0));
		life_expect("helper:find file start");
		if (serves)
			life_worker_serves();
		else
			life_worker_fails(-EIO);
		life_expect(serves ? "save:LKA end:0" : "save:FKAF timer:0 end:-5");
		assert_int_equal(d->state, serves ? DEV_LIVE : DEV_FAIL_MODE);
	}
}

/*
 * A delete failed halfway: the device is marked as failed, and its worker, which has the file,
 * never stopped.
 */
static void test_recover_whose_worker_serves(void **state)
{
	(void)state;
	d->state = DEV_HALF_DELETED;
	change_recover(d, life_done);
	life_expect("save:LKA end:0");
	assert_true(d->path_fd >= 0);
	assert_false(d->op.asked);
}

/* The node that it had may be another's by now. */
static void test_recover_after_half_a_delete(void **state)
{
	(void)state;
	d->state = DEV_HALF_DELETED;
	life_unbound = true;
	change_recover(d, life_done);
	refused(-EINVAL, CTL_E_INVALID, "delete it again");
	fail_mode();
	change_recover(d, life_done);
	refused(-EINVAL, CTL_E_INVALID, "delete it again");
	assert_int_equal(d->state, DEV_FAIL_MODE);
}

/* ---- resume ---------------------------------------------------------------------------------- */

static void test_resume(void **state)
{
	(void)state;
	d->worker->halted = -ENOSPC;
	change_resume(d, life_done);
	life_expect("resume end:0");
}

/* ---- resize ---------------------------------------------------------------------------------- */

static void measured(uint64_t size)
{
	struct measure_result r = { .size = size };

	life_expect("helper:measure");
	life_helper_ends(&r, sizeof(r), -1);
}

static void test_resize(void **state)
{
	(void)state;
	change_resize(d, 0, life_done);
	measured(2 * MIB);
	life_expect("save:LKA resize:2097152");
	assert_int_equal(d->backing.size, 2 * MIB); /* already: the next worker has to know */
	life_resized(0);
	life_expect("end:0");
}

static void test_resize_the_file_was_not_found(void **state)
{
	(void)state;
	fd_close(&d->path_fd);
	change_resize(d, 0, life_done);
	life_expect("end:-2");
	assert_non_null(strstr(life_last.text, "was not found when vdused was started"));
}

static void test_resize_the_worker_refuses(void **state)
{
	(void)state;
	change_resize(d, 2 * MIB, life_done);
	measured(2 * MIB);
	life_resized(-EIO);
	life_expect("save:LKA resize:2097152 save:LKA end:-5");
	assert_int_equal(d->backing.size, MIB);
}

/* One that dies instead of answering is followed by one that announces what is recorded. */
static void test_resize_the_worker_dies(void **state)
{
	(void)state;
	change_resize(d, 2 * MIB, life_done);
	measured(2 * MIB);
	d->worker->phase = WORKER_NONE;
	life_resized(-EIO);
	life_expect("save:LKA resize:2097152 end:0");
	assert_int_equal(d->backing.size, 2 * MIB);
}

static void test_resize_the_worker_was_replaced(void **state)
{
	(void)state;
	change_resize(d, 2 * MIB, life_done);
	d->worker->pid = 99;
	measured(2 * MIB);
	refused(-EBUSY, CTL_E_BUSY, "replaced meanwhile");
	assert_int_equal(d->backing.size, MIB);
}

static void test_resize_cannot_be_recorded(void **state)
{
	(void)state;
	change_resize(d, 2 * MIB, life_done);
	life_no_save = true;
	measured(2 * MIB);
	refused(-EIO, CTL_E_FAILED, "make room");
	assert_int_equal(d->backing.size, MIB);
}

static void test_resize_beyond_the_tenants_room(void **state)
{
	(void)state;
	(void)err_class(&life_no_room, CTL_E_LIMIT, "too large");
	change_resize(d, 2 * MIB, life_done);
	refused(-EDQUOT, CTL_E_LIMIT, "too large");
	change_resize(d, 0, life_done); /* the size of the file is known only when it is measured */
	measured(2 * MIB);
	refused(-EDQUOT, CTL_E_LIMIT, "too large");
}

static void test_resize_beyond_any_device(void **state)
{
	(void)state;
	change_resize(d, UINT64_MAX, life_done);
	refused(-EINVAL, CTL_E_INVALID, "more than a device can have");
}

#define LIVE(name) cmocka_unit_test_setup_teardown(test_##name, live, life_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIVE(upgrade),
		LIVE(upgrade_the_new_one_does_not_start),
		LIVE(upgrade_the_old_one_dies_meanwhile),
		LIVE(upgrade_the_file_cannot_be_opened_again),
		LIVE(upgrade_the_file_cannot_be_tried),
		LIVE(upgrade_the_file_was_not_found),
		LIVE(upgrade_one_dies_while_the_file_is_tried),
		LIVE(upgrade_the_new_one_fails_at_the_end),
		LIVE(upgrade_io_of_the_old_one_goes_on),
		LIVE(upgrade_the_next_one_does_not_wait_so_long),
		LIVE(upgrade_fail_mode_comes_meanwhile),
		LIVE(upgrade_waits_in_vain),
		LIVE(recover),
		LIVE(recover_takes_another_file),
		LIVE(recover_another_device_has_the_file),
		LIVE(recover_the_file_is_not_there),
		LIVE(recover_its_worker_does_not_live),
		LIVE(recover_without_a_worker),
		LIVE(recover_whose_worker_serves),
		LIVE(recover_after_half_a_delete),
		LIVE(resume),
		LIVE(resize),
		LIVE(resize_the_file_was_not_found),
		LIVE(resize_the_worker_refuses),
		LIVE(resize_the_worker_dies),
		LIVE(resize_the_worker_was_replaced),
		LIVE(resize_cannot_be_recorded),
		LIVE(resize_beyond_the_tenants_room),
		LIVE(resize_beyond_any_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
