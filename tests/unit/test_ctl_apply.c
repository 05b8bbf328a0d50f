/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_ctl_apply.c - vdused.device(5) and vduse-ctl apply against a scripted vdused:
 * what a file may say, what is done about it, and what is only told.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "common/fd.h"
#include "control/ctl/device_file.h"
#include "tests/unit/ctl_fake.h"

#define MIB (1U << 20)

static void write_file(const struct fake *f, const char *name, const char *text)
{
	char path[128];
	FILE *to;

	(void)snprintf(path, sizeof(path), "%s/%s.conf", f->dir, name);
	to = fopen(path, "we");
	assert_non_null(to);
	assert_true(fputs(text, to) >= 0);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(chmod(path, 0644), 0);
}

/* Of the disk that is there in each test, of 1 MiB. */
static void describe(const struct fake *f, const char *name, const char *more)
{
	char text[512];

	(void)snprintf(text, sizeof(text), "file = \"%s\";\nowner = \"%u\";\n%s", f->file, geteuid(), more);
	write_file(f, name, text);
}

static void remove_file(const struct fake *f, const char *name)
{
	char path[128];

	(void)snprintf(path, sizeof(path), "%s/%s.conf", f->dir, name);
	(void)unlink(path);
}

/* What vdused says of the device that describe() is about. */
static void info_of(const struct fake *f, union ctl_any *m)
{
	memset(m, 0, sizeof(*m));
	fake_info(&m->device.info, "disk0", "/dev/vdb");
	msg_set_string(m->device.info.file, sizeof(m->device.info.file), f->file);
	m->device.info.capacity = MIB;
	m->device.info.owner_uid = geteuid();
	m->device.info.flags = 0;
	m->device.info.bus = CTL_BUS_VIRTIO;
	m->device.info.queues = 2;
	m->device.info.queue_size = 256;
	m->device.info.block_size = 512;
}

static void asked_for_disk0(struct fake *f)
{
	fake_accept(f);
	fake_expect_name(f, CTL_SHOW, "disk0", 0);
}

static void it_is_there(struct fake *f, union ctl_any *m)
{
	asked_for_disk0(f);
	fake_answer(f, CTL_DEVICE, m);
	fake_hang_up(f);
}

static void it_is_not_there(struct fake *f)
{
	asked_for_disk0(f);
	fake_error(f, CTL_E_NOT_FOUND, "", "there is no device of that name");
	fake_hang_up(f);
}

/* ---- the file -------------------------------------------------------------------------------- */

static void a_file_says_what_create_is_called_with(void **state)
{
	struct fake *f = *state;
	struct device_file d;
	struct tool_args a;
	struct err e = { 0 };

	write_file(f, "disk0",
		   "file = \"/srv/a b.img\"; bus = \"vhost\"; owner = 65533; read-only = true; direct = true;\n"
		   "probe = true; on-error = \"stop\"; serial = \"A-1\"; queues = 4; queue-size = 512;\n"
		   "block-size = 4096;\n");
	assert_int_equal(device_file_read(f->dir, "disk0", false, &d, &e), 0);
	assert_int_equal(d.owner, 65533);
	device_file_args(&d, "/s", &a);
	assert_string_equal(a.name, "disk0");
	assert_string_equal(a.file, "/srv/a b.img");
	assert_string_equal(a.serial, "A-1");
	assert_string_equal(a.socket, "/s");
	assert_true(a.read_only && a.direct && a.probe && a.stop && a.no_links);
	assert_int_equal(a.bus, CTL_BUS_VHOST);
	assert_int_equal(a.queues, 4);
	assert_int_equal(a.queue_size, 512);
	assert_int_equal(a.block_size, 4096);
	write_file(f, "disk0", "file = \"/dev/vg0/a\";");
	assert_int_equal(device_file_read(f->dir, "disk0", false, &d, &e), 0);
	device_file_args(&d, "/s", &a);
	assert_false(a.read_only || a.direct || a.probe || a.stop || a.no_links);
	assert_false(device_file_is_node("/dev/shm/a") || device_file_is_node("/devices/a"));
	assert_null(a.serial);
	assert_int_equal(a.queues | a.queue_size | a.block_size | a.bus | d.owner, 0);
	remove_file(f, "disk0");
}

static void mistakes_are_named_with_their_line(void **state)
{
	static const struct {
		const char *text, *says;
	} cases[] = {
		{ "queues = 4;\n", "\"file\" is missing" },
		{ "file = \"a.img\";\n", ":1: file: must be a path" },
		{ "file = 7;\n", ":1: file: must be a path" },
		{ "file = \"/a//b\";\n", ":1: file: must be a path" },
		{ "file = \"/dev/../srv/a\";\n", ":1: file: must be a path" },
		{ "file = \"/srv/..\";\n", ":1: file: must be a path" },
		{ "file = \"/srv/a\r\";\n", ":1: file: must be a path" },
		{ "file = \"/srv/\";\n", ":1: file: must be a path" },
		{ "file = \"/a\";\nserial = \"\";\n", ":2: serial: must be a string" },
		{ "file = \"/a\";\nowner = 65534;\n", ":2: user 65534: stands for" },
		{ "file = \"/a\";\n\nqueues = 17;\n", ":3: queues: must be a number from 1 to 16" },
		{ "file = \"/a\";\nqueue-size = 100;\n", ":2: queue-size: must be a power of two" },
		{ "file = \"/a\";\nqueue-size = 8;\n", ":2: queue-size: must be a number from 16 to 1024" },
		{ "file = \"/a\";\nblock-size = 1024;\n", ":2: block-size: must be 512 or 4096" },
		{ "file = \"/a\";\nbus = \"pci\";\n", ":2: bus: must be \"virtio\" or \"vhost\"" },
		{ "file = \"/a\";\non-error = true;\n", ":2: on-error: must be \"report\" or \"stop\"" },
		{ "file = \"/a\";\nserial = \"a b\";\n", ":2: serial: must be a string" },
		{ "file = \"/a\";\ndirect = 1;\n", ":2: direct: must be true or false" },
		{ "file = \"/a\";\nowner = \"nobody-of-that-name\";\n", ":2: there is no user" },
		{ "file = \"/a\";\nfiles = \"/b\";\n", ":2: there is no setting \"files\" here: see vdused.device(5)" },
		{ "file = \"/a\"\nqueues == 4;\n", ":2: syntax error" },
		{ "@include \"/etc/shadow\"\n", ":1: @include is not possible" },
	};
	struct fake *f = *state;
	struct device_file d;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct err e = { 0 };

		write_file(f, "disk0", cases[i].text);
		assert_true(device_file_read(f->dir, "disk0", false, &d, &e) < 0);
		if (!strstr(e.text, cases[i].says) || !strstr(e.text, "disk0.conf"))
			fail_msg("\"%s\" does not say \"%s\"", e.text, cases[i].says);
	}
	remove_file(f, "disk0");
}

static void a_device_is_written_as_it_is_read(void **state)
{
	struct fake *f = *state;
	struct device_file d;
	struct err e = { 0 };
	union ctl_any m;
	char path[128];
	FILE *to;

	info_of(f, &m);
	m.device.info.flags = CTL_F_ALL;
	m.device.info.bus = CTL_BUS_VHOST;
	m.device.info.owner_uid = 65533;
	msg_set_string(m.device.info.serial, sizeof(m.device.info.serial), "S.1");
	(void)snprintf(path, sizeof(path), "%s/disk0.conf", f->dir);
	to = fopen(path, "we");
	assert_non_null(to);
	assert_int_equal(device_file_print(&m.device.info, to, &e), 0);
	assert_int_equal(fclose(to), 0);
	assert_int_equal(device_file_read(f->dir, "disk0", false, &d, &e), 0);
	assert_string_equal(d.path, f->file);
	assert_string_equal(d.serial, "S.1");
	assert_true(d.read_only && d.direct && d.probe && d.stop && d.bus == CTL_BUS_VHOST);
	assert_true(d.owner == 65533 && d.queues == 2 && d.queue_size == 256 && d.block_size == 512);
	msg_set_string(m.device.info.file, sizeof(m.device.info.file), "/a\"; owner = 0; x = \"");
	assert_true(device_file_print(&m.device.info, stdout, &e) < 0);
	remove_file(f, "disk0");
}

/* ---- what is done ---------------------------------------------------------------------------- */

static void what_is_missing_is_created(void **state)
{
	struct fake *f = *state;
	union ctl_any m;
	int fd = -1;

	describe(f, "disk0", "queues = 4;\n");
	fake_start(f, "apply", "--config-dir", f->dir, NULL);
	it_is_not_there(f);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_CREATE, &m, NULL);
	assert_string_equal(m.create.name, "disk0");
	assert_int_equal(m.create.queues, 4);
	fake_plain(f, CTL_SEND_FILE);
	fake_expect(f, CTL_S_FILE, CTL_FILE, &m, &fd);
	assert_true(fd >= 0);
	fd_close(&fd);
	fake_created(f, "/dev/vdb");
	assert_int_equal(fake_finish(f), TOOL_CHANGED);
	assert_string_equal(f->stdout_text, "disk0: created: /dev/vdb\n");
	fake_start(f, "apply", "disk0", "--dry-run", "--config-dir", f->dir, NULL);
	it_is_not_there(f);
	assert_int_equal(fake_finish(f), TOOL_CHANGED);
	assert_string_equal(f->stdout_text, "disk0: would be created\n");
	remove_file(f, "disk0");
}

static void what_is_so_already_is_left_alone(void **state)
{
	struct fake *f = *state;
	union ctl_any m;

	describe(f, "disk0", "");
	info_of(f, &m);
	fake_start(f, "apply", "--config-dir", f->dir, NULL);
	it_is_there(f, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "disk0: is as its file says\n");
	remove_file(f, "disk0");
}

static void what_is_on_its_way_is_waited_for(void **state)
{
	struct fake *f = *state;
	union ctl_any m;

	describe(f, "disk0", "");
	info_of(f, &m);
	m.device.info.state = CTL_DEV_DELETING;
	fake_start(f, "apply", "--config-dir", f->dir, NULL);
	it_is_there(f, &m);
	assert_int_equal(fake_finish(f), CTL_E_BUSY);
	info_of(f, &m);
	m.device.info.state = CTL_DEV_FAILED;
	fake_start(f, "apply", "--config-dir", f->dir, NULL);
	it_is_there(f, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "disk0: is as its file says, but it has failed: see \"vduse-ctl show\"\n");
	remove_file(f, "disk0");
}

/* At boot: all of an owner's devices at the same time, and only some may connect. */
static void one_connection_too_many_is_tried_again(void **state)
{
	struct fake *f = *state;
	union ctl_any m;

	describe(f, "disk0", "");
	fake_start(f, "apply", "--config-dir", f->dir, NULL);
	it_is_not_there(f);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_CREATE, &m, NULL);
	fake_error(f, CTL_E_LIMIT, CTL_STEP_CONNECT, "too many connections");
	fake_hang_up(f);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_CREATE, &m, NULL);
	fake_error(f, CTL_E_LIMIT, "", "your tenant has all it may");
	assert_int_equal(fake_finish(f), CTL_E_LIMIT);
	remove_file(f, "disk0");
}

/* vdused tells the path with "?" for what is not ASCII. */
static void names_that_are_not_ascii_are_the_same(void **state)
{
	struct fake *f = *state;
	char path[128], text[256];
	union ctl_any m;

	(void)snprintf(path, sizeof(path), "%s/d\303\244", f->dir);
	assert_int_equal(link(f->file, path), 0);
	(void)snprintf(text, sizeof(text), "file = \"%s\";\nowner = \"%u\";\n", path, geteuid());
	write_file(f, "disk0", text);
	info_of(f, &m);
	(void)snprintf(m.device.info.file, sizeof(m.device.info.file), "%s/d??", f->dir);
	fake_start(f, "apply", "--config-dir", f->dir, NULL);
	it_is_there(f, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	(void)unlink(path);
	remove_file(f, "disk0");
}

/* Opening some devices does things: a question opens nothing. */
static void a_question_opens_nothing(void **state)
{
	struct inotify_event seen;
	struct fake *f = *state;
	union ctl_any m;
	int notes = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);

	describe(f, "disk0", "");
	info_of(f, &m);
	assert_true(inotify_add_watch(notes, f->file, IN_OPEN) >= 0);
	fake_start(f, "apply", "--config-dir", f->dir, NULL);
	it_is_there(f, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_true(read(notes, &seen, sizeof(seen)) < 0 && errno == EAGAIN);
	fd_close(&notes);
	remove_file(f, "disk0");
}

/* Whoever can write the directory puts a link there, to what would make it seem to have grown. */
static void a_question_follows_no_link(void **state)
{
	struct fake *f = *state;
	char path[128], text[256];
	union ctl_any m;

	(void)snprintf(path, sizeof(path), "%s/link", f->dir);
	assert_int_equal(symlink(f->file, path), 0);
	(void)snprintf(text, sizeof(text), "file = \"%s\";\nowner = \"%u\";\n", path, geteuid());
	write_file(f, "disk0", text);
	info_of(f, &m);
	(void)snprintf(m.device.info.file, sizeof(m.device.info.file), "%s", path);
	m.device.info.capacity = MIB / 2;
	fake_start(f, "apply", "--dry-run", "--config-dir", f->dir, NULL);
	it_is_there(f, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "disk0: is as its file says\n");
	(void)unlink(path);
	remove_file(f, "disk0");
}

/* Root may open anything; a device's owner may not. (Others make no devices but their own.) */
static void the_file_is_opened_with_its_owners_rights(void **state)
{
	struct fake *f = *state;
	char text[256];

	assert_int_equal(chmod(f->file, 0600), 0);
	(void)snprintf(text, sizeof(text), "file = \"%s\";\nowner = \"daemon\";\n", f->file);
	write_file(f, "disk0", text);
	for (int dry = 0; dry < 2; dry++) {
		fake_start(f, "apply", "--config-dir", f->dir, dry ? "--dry-run" : NULL, NULL);
		it_is_not_there(f);
		assert_int_equal(fake_finish(f), CTL_E_DENIED);
		assert_non_null(strstr(f->stderr_text, geteuid() == 0 ? "you (uid 1) may not open it" : "only root"));
	}
	remove_file(f, "disk0");
}

static void a_file_that_has_grown_is_taken_whole(void **state)
{
	struct fake *f = *state;
	union ctl_any m;

	describe(f, "disk0", "");
	info_of(f, &m);
	/* in the middle of growing */
	assert_int_equal(truncate(f->file, 2 * MIB + 100), 0);
	fake_start(f, "apply", "--config-dir", f->dir, NULL);
	it_is_there(f, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_int_equal(truncate(f->file, 2 * MIB), 0);
	info_of(f, &m);
	fake_start(f, "apply", "--dry-run", "--config-dir", f->dir, NULL);
	it_is_there(f, &m);
	assert_int_equal(fake_finish(f), TOOL_CHANGED);
	assert_string_equal(f->stdout_text, "disk0: would be resized to 2M: its file has grown\n");
	info_of(f, &m);
	fake_start(f, "apply", "--config-dir", f->dir, NULL);
	it_is_there(f, &m);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_RESIZE, &m, NULL);
	assert_int_equal(m.resize.size, 0);
	fake_resized(f, 2 * MIB);
	assert_int_equal(fake_finish(f), TOOL_CHANGED);
	assert_string_equal(f->stdout_text, "disk0: resized to 2M: its file has grown\n");
	remove_file(f, "disk0");
}

static void differences_are_said_and_nothing_is_done(void **state)
{
	struct json_object *array, *o, *differ;
	struct fake *f = *state;
	union ctl_any m;

	describe(f, "disk0", "queues = 4;\ndirect = true;\n");
	info_of(f, &m);
	fake_start(f, "apply", "--config-dir", f->dir, NULL);
	it_is_there(f, &m);
	assert_int_equal(fake_finish(f), CTL_E_EXISTS);
	assert_string_equal(f->stdout_text, "");
	assert_non_null(strstr(f->stderr_text,
			       "vduse-ctl: apply disk0: direct is \"false\" and its file says \"true\", "
			       "and 1 more: that cannot be changed while it exists"));
	info_of(f, &m);
	fake_start(f, "apply", "--json", "--config-dir", f->dir, NULL);
	it_is_there(f, &m);
	assert_int_equal(fake_finish(f), CTL_E_EXISTS);
	array = json_tokener_parse(f->stdout_text);
	assert_int_equal(json_object_array_length(array), 1);
	o = json_object_array_get_idx(array, 0);
	assert_string_equal(fake_member(o, "action"), "conflict");
	assert_string_equal(fake_member(o, "changed"), "false");
	assert_true(json_object_object_get_ex(o, "differences", &differ));
	assert_int_equal(json_object_array_length(differ), 2);
	o = json_object_array_get_idx(differ, 1);
	assert_string_equal(fake_member(o, "setting"), "queues");
	assert_string_equal(fake_member(o, "is"), "2");
	assert_string_equal(fake_member(o, "wanted"), "4");
	(void)json_object_put(array);
	remove_file(f, "disk0");
}

/* Nothing is asked of vdused either. */
static void a_mistake_in_one_file_changes_nothing(void **state)
{
	struct json_object *array;
	struct fake *f = *state;

	describe(f, "disk0", "");
	describe(f, "disk1", "queues = 99;\n");
	fake_start(f, "apply", "--config-dir", f->dir, NULL);
	assert_int_equal(fake_finish(f), CTL_E_FAILED);
	assert_non_null(strstr(f->stderr_text, "disk1.conf:3: queues: must be a number"));
	fake_start(f, "apply", "--json", "--config-dir", f->dir, NULL);
	assert_int_equal(fake_finish(f), CTL_E_FAILED);
	array = json_tokener_parse(f->stdout_text);
	assert_int_equal(json_object_array_length(array), 1);
	assert_string_equal(fake_member(json_object_array_get_idx(array, 0), "name"), "disk1");
	assert_string_equal(fake_member(json_object_array_get_idx(array, 0), "action"), "null");
	(void)json_object_put(array);
	remove_file(f, "disk1");
	describe(f, "a name", "");
	fake_start(f, "apply", "--config-dir", f->dir, NULL);
	assert_int_equal(fake_finish(f), CTL_E_INVALID);
	assert_non_null(strstr(f->stderr_text, "its name is no device's"));
	remove_file(f, "a name");
	remove_file(f, "disk0");
}

static void whose_files_are_not_roots_is_not_believed(void **state)
{
	struct fake *f = *state;
	char path[128];

	describe(f, "disk0", "");
	(void)snprintf(path, sizeof(path), "%s/disk0.conf", f->dir);
	assert_int_equal(chmod(path, 0666), 0);
	fake_start(f, "apply", "disk0", "--config-dir", f->dir, NULL);
	assert_int_equal(fake_finish(f), CTL_E_FAILED);
	assert_non_null(strstr(f->stderr_text, "others than root can write it"));
	assert_int_equal(chmod(path, 0644), 0);
	assert_int_equal(chmod(f->dir, 0777), 0);
	fake_start(f, "apply", "disk0", "--config-dir", f->dir, NULL);
	assert_int_equal(fake_finish(f), CTL_E_FAILED);
	assert_non_null(strstr(f->stderr_text, "others than root can write it"));
	assert_int_equal(chmod(f->dir, 0700), 0);
	remove_file(f, "disk0");
}

/* Whoever may write a directory on the way could have its owner open anything. */
static void no_link_on_the_way_is_followed(void **state)
{
	struct fake *f = *state;
	char link[128], text[256];

	(void)snprintf(link, sizeof(link), "%s/link", f->dir);
	assert_int_equal(symlink(f->file, link), 0);
	(void)snprintf(text, sizeof(text), "file = \"%s\";\nowner = \"%u\";\n", link, geteuid());
	write_file(f, "disk0", text);
	fake_start(f, "apply", "--config-dir", f->dir, NULL);
	it_is_not_there(f);
	assert_int_equal(fake_finish(f), CTL_E_DENIED);
	assert_non_null(strstr(f->stderr_text, "there is a symbolic link on the way"));
	(void)unlink(link);
	remove_file(f, "disk0");
}

static void create_if_absent_takes_what_is_there(void **state)
{
	struct fake *f = *state;
	union ctl_any m;

	fake_start(f, "create", "disk0", "--file", "/nowhere", "--if-absent", NULL);
	info_of(f, &m);
	it_is_there(f, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "/dev/vdb\n");
	fake_start(f, "create", "disk0", "--file", f->file, "--if-absent", NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_CREATE, &m, NULL);
	fake_error(f, CTL_E_EXISTS, "", "there is one");
	fake_hang_up(f);
	info_of(f, &m);
	it_is_there(f, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "/dev/vdb\n");
}

/* ---- what systemd is told -------------------------------------------------------------------- */

static void reads(const char *path, const char *want)
{
	char text[512];
	FILE *from = fopen(path, "re");
	size_t n;

	assert_non_null(from);
	n = fread(text, 1, sizeof(text) - 1, from);
	text[n] = '\0';
	(void)fclose(from);
	assert_string_equal(text, want);
	(void)unlink(path);
}

static void units_wait_for_the_file(void **state)
{
	struct fake *f = *state;
	char dir[64], path[160];

	(void)snprintf(dir, sizeof(dir), "%s/units", f->dir);
	assert_int_equal(mkdir(dir, 0755), 0);
	write_file(f, "a", "file = \"/srv/my disks/100%.img\";");
	write_file(f, "b", "file = \"/dev/vg0/b-1\";\nowner = \"of-a-directory-service\";");
	fake_start(f, "apply", "--units", dir, "--config-dir", f->dir, NULL);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stderr_text, "");
	(void)snprintf(path, sizeof(path), "%s/vduse@a.service.d/50-file.conf", dir);
	reads(path, "# vduse-ctl apply --units\n[Unit]\nRequiresMountsFor=\"/srv/my disks/100%%.img\"\n");
	(void)snprintf(path, sizeof(path), "%s/vduse@b.service.d/50-file.conf", dir);
	reads(path, "# vduse-ctl apply --units\n[Unit]\nWants=dev-vg0-b\\x2d1.device\nAfter=dev-vg0-b\\x2d1.device\n");
	for (const char *name = "ab"; *name; name++) {
		(void)snprintf(path, sizeof(path), "%s/vduse.target.wants/vduse@%c.service", dir, *name);
		assert_int_equal(unlink(path), 0);
		(void)snprintf(path, sizeof(path), "%s/vduse@%c.service.d", dir, *name);
		assert_int_equal(rmdir(path), 0);
	}
	(void)snprintf(path, sizeof(path), "%s/vduse.target.wants", dir);
	assert_int_equal(rmdir(path), 0);
	assert_int_equal(rmdir(dir), 0);
	remove_file(f, "a");
	remove_file(f, "b");
}

#define TOOL_TEST(name) cmocka_unit_test_setup_teardown(name, fake_setup, fake_teardown)

int main(void)
{
	static const struct CMUnitTest tests[] = {
		TOOL_TEST(a_file_says_what_create_is_called_with),
		TOOL_TEST(mistakes_are_named_with_their_line),
		TOOL_TEST(a_device_is_written_as_it_is_read),
		TOOL_TEST(what_is_missing_is_created),
		TOOL_TEST(what_is_so_already_is_left_alone),
		TOOL_TEST(what_is_on_its_way_is_waited_for),
		TOOL_TEST(one_connection_too_many_is_tried_again),
		TOOL_TEST(names_that_are_not_ascii_are_the_same),
		TOOL_TEST(a_question_opens_nothing),
		TOOL_TEST(a_question_follows_no_link),
		TOOL_TEST(the_file_is_opened_with_its_owners_rights),
		TOOL_TEST(a_file_that_has_grown_is_taken_whole),
		TOOL_TEST(differences_are_said_and_nothing_is_done),
		TOOL_TEST(a_mistake_in_one_file_changes_nothing),
		TOOL_TEST(whose_files_are_not_roots_is_not_believed),
		TOOL_TEST(no_link_on_the_way_is_followed),
		TOOL_TEST(create_if_absent_takes_what_is_there),
		TOOL_TEST(units_wait_for_the_file),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
