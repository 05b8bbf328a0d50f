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
#include "control/steps/adopt.h"
#include "control/sys/proc_id.h"
#include "control/sys/worker_sock.h"

static bool was_broken, was_in_fail_mode;

/* ---- stand-ins ------------------------------------------------------------------------------- */

int record_load(struct service *svc, void (*take)(struct service *svc, const struct record *r))
{
	static struct record r = { .name = "disk0" }; /* without a worker */

	take(svc, &r);
	return 0;
}

void record_apply(const struct record *r, struct device *d)
{
	assert_string_equal(r->name, d->name);
	d->owner.uid = LIFE_OWNER;
	d->queues = 1;
	d->generation = 1;
	d->has_kernel_dev = d->attached = true;
	d->broken = was_broken;
	d->fail_mode = was_in_fail_mode;
	device_set_recorded(d, was_broken || was_in_fail_mode ? CTL_DEV_FAILED : CTL_DEV_LIVE);
}

int worker_adopt(struct worker *w, pid_t pid, int pidfd, int chan, int halted, struct err *e)
{
	(void)e;
	return w && pid && pidfd >= 0 && chan >= 0 && !halted ? 0 : -EINVAL;
}

int worker_bury(struct worker *w, pid_t pid, int pidfd, void (*done)(struct device *d), struct err *e)
{
	(void)e;
	return w && pid && pidfd >= 0 && done ? 0 : -EINVAL;
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

#define ADOPTED(name) cmocka_unit_test_setup_teardown(test_##name, setup, life_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ADOPTED(its_worker_is_gone),
		ADOPTED(what_is_broken_needs_no_file),
		ADOPTED(nor_does_fail_mode),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
