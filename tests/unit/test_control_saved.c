/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_control_saved.c - a record that cannot be right is not believed: torn, of
 * another version, of another device, or with values that no device has. And what is written comes
 * back.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
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
	assert_null(saved_check(&r, sizeof(r), "disk0"));
}

static void torn_or_of_another_version(void **state)
{
	struct record r = good();

	(void)state;
	assert_non_null(saved_check(&r, sizeof(r) - 1, "disk0"));
	assert_non_null(saved_check(&r, 0, "disk0"));
	r.version++;
	assert_non_null(saved_check(&r, sizeof(r), "disk0"));
	r = good();
	r.magic ^= 1;
	assert_non_null(saved_check(&r, sizeof(r), "disk0"));
	r = good();
	r.state_version++;
	assert_non_null(strstr(saved_check(&r, sizeof(r), "disk0"), "state file"));
}

/* What the vdused before an upgrade wrote: the same but for what is behind its end. */
static void of_version_1(void **state)
{
	struct record r = good();

	(void)state;
	r.version = 1;
	assert_non_null(saved_check(&r, sizeof(r), "disk0"));
	assert_non_null(saved_check(&r, RECORD_V1_SIZE, "disk0"));
	r.size = RECORD_V1_SIZE;
	assert_null(saved_check(&r, RECORD_V1_SIZE, "disk0"));
	assert_non_null(saved_check(&r, RECORD_V1_SIZE - 8, "disk0"));
	assert_non_null(saved_check(&r, sizeof(r), "disk0"));
	r.version = RECORD_VERSION;
	assert_non_null(saved_check(&r, RECORD_V1_SIZE, "disk0"));
}

static void of_another_device(void **state)
{
	struct record r = good();

	(void)state;
	assert_non_null(saved_check(&r, sizeof(r), "disk1"));
	strcpy(r.name, "..");
	assert_non_null(saved_check(&r, sizeof(r), ".."));
}

#define BAD(field, value)                                                                                              \
	do {                                                                                                           \
		struct record r = good();                                                                              \
		r.field = (value);                                                                                     \
		assert_non_null(saved_check(&r, sizeof(r), "disk0"));                                                  \
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

static void make_dir(struct device *d, struct service *svc)
{
	static char path[64];

	strcpy(dir, "/tmp/vdused-unit.XXXXXX");
	assert_non_null(mkdtemp(dir));
	(void)snprintf(opt.runtime_dir, sizeof(opt.runtime_dir), "%s", dir);
	(void)snprintf(path, sizeof(path), "%s/device", dir);
	assert_int_equal(mkdir(path, 0700), 0);
	memset(d, 0, sizeof(*d));
	*svc = (struct service){ .opt = &opt };
	strcpy(d->name, "disk0");
	d->svc = svc;
	d->path_fd = -1;
	d->queues = 2;
	d->queue_size = 64;
	d->block_size = 4096;
	d->worker = &d->slot[0];
	d->state = DEV_LIVE;
}

static void remove_dir(void)
{
	char cmd[64];

	(void)snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	assert_int_equal(system(cmd), 0);
}

static void what_is_written_comes_back(void **state)
{
	static struct device d, again;
	struct service svc;

	(void)state;
	make_dir(&d, &svc);
	nseen = 0;
	d.state = DEV_DELETING;
	d.force = d.attached = true;
	d.timeout_short = true; /* the next vdused must set it back */
	d.msg_timeout = 30;
	d.generation = 9;
	d.adopting = true; /* the worker of before is still what counts */
	d.left.pid = 4711;
	d.left.start = 12;
	d.backing = (struct backing_info){ .dev = 1, .ino = 2, .rdev = 3, .size = 4096, .born = 5 };
	d.backing.diskseq = 6;
	d.backing.start = 7;
	d.backing.is_block = 1;
	strcpy(d.backing.path, "/dev/x");
	strcpy(d.backing_path, "/dev/y");
	assert_int_equal(saved_write(&d), 0);
	assert_int_equal(saved_load(&svc, take), 0);
	assert_int_equal(nseen, 1);
	assert_int_equal(seen.state, CTL_DEV_DELETING);
	assert_int_equal(seen.has, RECORD_ATTACHED | RECORD_FORCE | RECORD_TIMEOUT_SHORT);
	assert_int_equal(seen.generation, 9);
	assert_int_equal(seen.worker_pid, 4711);
	assert_int_equal(seen.worker_start, 12);
	saved_apply(&seen, &again);
	assert_true(again.timeout_short && again.force && again.attached);
	assert_int_equal(again.msg_timeout, 30);
	assert_memory_equal(&again.backing, &d.backing, sizeof(d.backing));
	d.backing.is_block = 0;
	d.backing.on_tmpfs = 1;
	assert_int_equal(saved_write(&d), 0);
	assert_int_equal(saved_load(&svc, take), 0);
	saved_apply(&seen, &again);
	assert_memory_equal(&again.backing, &d.backing, sizeof(d.backing));
	assert_string_equal(again.backing_path, "/dev/y");
	saved_remove(&d);
	assert_int_equal(saved_load(&svc, take), 0);
	assert_int_equal(nseen, 2);
	remove_dir();
	assert_int_equal(saved_write(&d), -ENOENT);
}

/* Nothing of the record that was read before it shows in a shorter one. */
static void an_older_one_is_read(void **state)
{
	static struct device d, again;
	const uint32_t header[2] = { 1, RECORD_V1_SIZE };
	struct service svc;
	char path[80];
	int fd;

	(void)state;
	make_dir(&d, &svc);
	nseen = 0;
	d.backing.rdev = 3;
	d.backing.diskseq = 6;
	d.backing.is_block = 1;
	assert_int_equal(saved_write(&d), 0);
	assert_int_equal(saved_load(&svc, take), 0);
	(void)snprintf(path, sizeof(path), "%s/device/disk0", dir);
	assert_int_equal(truncate(path, RECORD_V1_SIZE), 0);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(fd, header, sizeof(header), offsetof(struct record, version)), sizeof(header));
	(void)close(fd);
	assert_int_equal(saved_load(&svc, take), 0);
	assert_int_equal(nseen, 2);
	saved_apply(&seen, &again);
	assert_int_equal(again.backing.rdev, 3);
	assert_int_equal(again.backing.diskseq, 0);
	remove_dir();
}

static void noted_as(struct device *d, const char *name)
{
	char path[80];

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	saved_note_path(d);
	assert_string_equal(d->backing_path, path);
}

static void rename_in_dir(const char *from, const char *to)
{
	char a[80], b[80];

	(void)snprintf(a, sizeof(a), "%s/%s", dir, from);
	(void)snprintf(b, sizeof(b), "%s/%s", dir, to);
	assert_int_equal(rename(a, b), 0);
}

static void make_file(const char *name)
{
	char path[80];
	int fd;

	(void)snprintf(path, sizeof(path), "%s/%s", dir, name);
	fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	(void)close(fd);
}

/*
 * A file is followed to a new name, but not into its grave: what is put in its place is looked
 * for where it was.
 */
static void where_a_file_is(void **state)
{
	static struct device d;
	struct service svc;
	char path[80];

	(void)state;
	make_dir(&d, &svc);
	make_file("image (deleted)");
	(void)snprintf(path, sizeof(path), "%s/image (deleted)", dir);
	d.path_fd = open(path, O_PATH | O_CLOEXEC);
	noted_as(&d, "image (deleted)"); /* nothing better is known */
	rename_in_dir("image (deleted)", "image");
	noted_as(&d, "image");
	rename_in_dir("image", "elsewhere");
	noted_as(&d, "elsewhere");
	make_file("new");
	rename_in_dir("new", "elsewhere");
	noted_as(&d, "elsewhere");
	(void)close(d.path_fd);
	d.path_fd = -1;
	noted_as(&d, "elsewhere");
	remove_dir();
}

/* What the kernel names after "umount -l" is a path below the mount. */
static void where_a_file_is_whose_mount_is_gone(void **state)
{
	static struct device d;
	struct service svc;
	char path[80], below[96];

	(void)state;
	make_dir(&d, &svc);
	make_file("image");
	(void)snprintf(path, sizeof(path), "%s/image", dir);
	(void)snprintf(below, sizeof(below), "/mnt%s", path);
	d.path_fd = open(path, O_PATH | O_CLOEXEC);
	msg_set_string(d.backing_path, sizeof(d.backing_path), below);
	saved_note_path(&d);
	assert_string_equal(d.backing_path, below);
	msg_set_string(d.backing_path, sizeof(d.backing_path), "/mnt/image");
	noted_as(&d, "image");
	(void)close(d.path_fd);
	remove_dir();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_one),
		cmocka_unit_test(torn_or_of_another_version),
		cmocka_unit_test(of_version_1),
		cmocka_unit_test(of_another_device),
		cmocka_unit_test(values_that_no_device_has),
		cmocka_unit_test(what_is_written_comes_back),
		cmocka_unit_test(an_older_one_is_read),
		cmocka_unit_test(where_a_file_is),
		cmocka_unit_test(where_a_file_is_whose_mount_is_gone),
	};

	return cmocka_run_group_tests_name("control_saved", tests, NULL, NULL);
}
