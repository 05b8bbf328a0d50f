/*
 * tests/unit/test_control_record.c - a record that cannot be right is not believed: torn, of another version, of another
 * device, or with values that no device has. And what is written comes back.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "control/device/device.h"
#include "control/device/saved.h"
#include "proto/state_file.h"

static struct record good(void)
{
	struct record r = {
		.magic = RECORD_MAGIC,
		.version = RECORD_VERSION,
		.size = sizeof(r),
		.name = "disk0",
		.serial = "disk0",
		.queues = 4,
		.queue_size = 256,
		.block_size = 512,
		.state = CTL_DEV_LIVE,
		.has = RECORD_KERNEL_DEV | RECORD_ATTACHED,
		.generation = 3,
		.worker_pid = 77,
		.state_version = STATE_VERSION,
	};

	return r;
}

static void a_good_one(void **state)
{
	struct record r = good();

	(void)state;
	assert_null(record_check(&r, sizeof(r), "disk0"));
}

static void torn_or_of_another_version(void **state)
{
	struct record r = good();

	(void)state;
	assert_non_null(record_check(&r, sizeof(r) - 1, "disk0"));
	assert_non_null(record_check(&r, 0, "disk0"));
	r.version++;
	assert_non_null(record_check(&r, sizeof(r), "disk0"));
	r = good();
	r.magic ^= 1;
	assert_non_null(record_check(&r, sizeof(r), "disk0"));
	r = good();
	r.state_version++;
	assert_non_null(strstr(record_check(&r, sizeof(r), "disk0"), "state file"));
}

static void of_another_device(void **state)
{
	struct record r = good();

	(void)state;
	assert_non_null(record_check(&r, sizeof(r), "disk1"));
	strcpy(r.name, "..");
	assert_non_null(record_check(&r, sizeof(r), ".."));
}

#define BAD(field, value)                                                                                              \
	do {                                                                                                           \
		struct record r = good();                                                                              \
		r.field = (value);                                                                                     \
		assert_non_null(record_check(&r, sizeof(r), "disk0"));                                                 \
	} while (0)

static void values_that_no_device_has(void **state)
{
	(void)state;
	BAD(state, CTL_DEV_RECOVERING);
	BAD(state, 0);
	BAD(queues, 0);
	BAD(queues, VD_QUEUES_MAX + 1);
	BAD(queue_size, 100);
	BAD(block_size, 1024);
	BAD(flags, CTL_F_ALL + 1);
	BAD(has, RECORD_ALL + 1);
	BAD(has, RECORD_ALL << 1);
	BAD(bus, CTL_BUS_LAST + 1);
	BAD(worker_pid, -1);
	BAD(owner.ngroups, OWNER_GROUPS_MAX + 1);
	BAD(backing.size, VD_CAPACITY_MAX + 1);
	BAD(generation, 0); /* the next worker would believe itself the first */
	BAD(name[VD_NAME_SIZE - 1], 'x');
	BAD(path[PATH_MAX - 1], 'x');
	BAD(serial[0], ' ');
}

/* ---- written and read ---- */

static char dir[] = "/tmp/vdused-unit.XXXXXX";
static struct options opt;
static struct record seen;
static unsigned nseen;

static void take(struct service *svc, const struct record *r)
{
	(void)svc;
	seen = *r;
	nseen++;
}

static void what_is_written_comes_back(void **state)
{
	static struct device d, next;
	struct service svc = { .opt = &opt };
	char path[64];

	(void)state;
	assert_non_null(mkdtemp(dir));
	(void)snprintf(opt.runtime_dir, sizeof(opt.runtime_dir), "%s", dir);
	(void)snprintf(path, sizeof(path), "%s/device", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	d = (struct device){
		.svc = &svc, .name = "disk0", .path_fd = -1, .queues = 2, .queue_size = 64, .block_size = 4096
	};
	d.worker = &d.slot[0];
	d.state = CTL_DEV_DELETING;
	d.force = d.attached = true;
	d.timeout_short = true; /* the next vdused must set it back */
	d.msg_timeout = 30;
	d.generation = 9;
	d.adopting = true; /* the worker of before is still what counts */
	d.left.pid = 4711;
	d.left.start = 12;
	assert_int_equal(record_save(&d), 0);
	assert_int_equal(record_load(&svc, take), 0);
	assert_int_equal(nseen, 1);
	assert_int_equal(seen.state, CTL_DEV_DELETING);
	assert_int_equal(seen.has, RECORD_ATTACHED | RECORD_FORCE | RECORD_TIMEOUT_SHORT);
	assert_int_equal(seen.generation, 9);
	assert_int_equal(seen.worker_pid, 4711);
	assert_int_equal(seen.worker_start, 12);
	record_apply(&seen, &next);
	assert_true(next.timeout_short);
	assert_int_equal(next.msg_timeout, 30);
	assert_true(next.force && next.attached);
	record_remove(&d);
	assert_int_equal(record_load(&svc, take), 0);
	assert_int_equal(nseen, 1);
	(void)rmdir(path);
	assert_int_equal(record_save(&d), -ENOENT);
	(void)rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one),
		cmocka_unit_test(torn_or_of_another_version),
		cmocka_unit_test(of_another_device),
		cmocka_unit_test(values_that_no_device_has),
		cmocka_unit_test(what_is_written_comes_back),
	};

	return cmocka_run_group_tests_name("control_record", tests, NULL, NULL);
}
