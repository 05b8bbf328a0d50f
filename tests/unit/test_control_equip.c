/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/device/equip.c: what a device's workers are started with and handed, and
 * what their events do to it.
 */
#include <errno.h>
#include <string.h>

#include "control/device/equip.h"
#include "control/steps/handover.h"
#include "tests/unit/life.h"

static struct device *d;

static int setup(void **state)
{
	if (life_setup(state))
		return -1;
	d = life_live();
	return 0;
}

static void test_a_worker_is_told_what_the_device_is(void **state)
{
	struct worker_params p;

	(void)state;
	d->queues = 2;
	d->worker_uid = 64001;
	equip_params(d, 7, &p);
	assert_string_equal(p.setup.name, d->name);
	assert_int_equal(p.setup.generation, 7);
	assert_int_equal(p.setup.capacity, d->backing.size);
	assert_int_equal(p.setup.queues, 2);
	assert_int_equal(p.setup.queue_size, 256);
	assert_int_equal(p.setup.block_size, 512);
	assert_true(p.setup.features != 0);
	assert_int_equal(p.uid, 64001);
	assert_int_equal(p.owner_uid, LIFE_OWNER);
	assert_int_equal(p.file_size, d->backing.size);
	d->backing.is_block = true;
	equip_params(d, 7, &p);
	assert_int_equal(p.file_size, 0);
}

static void test_flags(void **state)
{
	static const struct {
		uint32_t device, worker;
		bool fail_mode, is_block, vhost;
	} cases[] = {
		{ 0, WORK_F_HOST, false, false, false },
		{ 0, 0, false, false, true },
		{ CTL_F_READ_ONLY, WORK_F_READ_ONLY, false, false, true },
		{ CTL_F_DIRECT, WORK_F_DIRECT, false, false, true },
		{ CTL_F_STOP, WORK_F_STOP, false, false, true },
		{ 0, WORK_F_FAIL, true, false, true },
		{ 0, WORK_F_BLOCK_DEV, false, true, true },
	};
	struct worker_params p;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		d->flags = cases[i].device;
		d->fail_mode = cases[i].fail_mode;
		d->backing.is_block = cases[i].is_block;
		d->bus = cases[i].vhost ? CTL_BUS_VHOST : CTL_BUS_VIRTIO;
		equip_params(d, 1, &p);
		assert_int_equal(p.setup.flags, cases[i].worker);
	}
	d->backing.is_block = false;
	d->backing.on_tmpfs = true;
	equip_params(d, 1, &p);
	assert_int_equal(p.setup.flags, WORK_F_TMPFS);
}

/* One that was not even started leaves no hole. */
static void test_generations_are_counted_when_they_start(void **state)
{
	struct err e = { 0 };

	(void)state;
	d->generation = 4;
	life_no_worker = true;
	assert_int_equal(equip_start(d, &d->slot[1], false, life_done, &e), -EAGAIN);
	assert_int_equal(d->generation, 4);
	life_no_worker = false;
	assert_int_equal(equip_start(d, &d->slot[1], false, life_done, &e), 0);
	assert_int_equal(d->generation, 5);
	assert_int_equal(d->slot[1].generation, 5);
}

static void test_what_it_is_handed(void **state)
{
	struct handover_arg a;

	(void)state;
	d->flags = CTL_F_READ_ONLY;
	d->generation = 1;
	d->timeout_short = true;
	d->msg_timeout = 30;
	assert_int_equal(equip_events.handover(d, &a), d->path_fd);
	assert_string_equal(a.name, d->name);
	assert_non_null(strstr(a.state_path, d->name));
	assert_int_equal(a.owner.uid, LIFE_OWNER);
	assert_true(a.how.read_only && !a.how.direct);
	assert_int_equal(a.info.size, d->backing.size);
	assert_false(a.no_file || a.fail_mode || a.again);
	assert_true(a.timeout_short);
	assert_int_equal(a.msg_timeout, 30);
	device_fail_mode(d);
	d->generation = 2;
	assert_int_equal(equip_events.handover(d, &a), -1);
	assert_true(a.no_file && a.fail_mode && a.again);
}

static void test_its_events(void **state)
{
	(void)state;
	life_forget();
	equip_events.about_to_serve(d);
	life_expect("save:LKA");
	d->timeout_short = true;
	equip_events.handed_over(d);
	assert_false(d->timeout_short);
	life_worker_dies(d);
	assert_true(d->respawn.active);
}

#define LIFE(name) cmocka_unit_test_setup_teardown(test_##name, setup, life_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		LIFE(a_worker_is_told_what_the_device_is),
		LIFE(flags),
		LIFE(generations_are_counted_when_they_start),
		LIFE(what_it_is_handed),
		LIFE(its_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
