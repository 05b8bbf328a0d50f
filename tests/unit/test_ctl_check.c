/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_ctl_check.c - the probes of vduse-ctl check on made-up hosts below a scratch
 * directory, and the command itself.
 */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <json-c/json.h>

#include <cmocka.h>

#include "common/fd.h"
#include "control/ctl/check_host.h"
#include "control/ctl/check_netlink.h"
#include "tests/unit/ctl_fake.h"

#define RELEASE "6.12.117-test"

static int open_root(struct fake *f)
{
	int root = open(f->dir, O_PATH | O_DIRECTORY | O_CLOEXEC);

	assert_true(root >= 0);
	return root;
}

/* Make DIR/path with its directories; text NULL makes a directory. */
static void put(struct fake *f, const char *path, const char *text)
{
	char full[200];
	int fd;

	(void)snprintf(full, sizeof(full), "%s/%s", f->dir, path);
	for (char *c = full + strlen(f->dir) + 1; *c; c++) {
		if (*c != '/')
			continue;
		*c = '\0';
		(void)mkdir(full, 0755);
		*c = '/';
	}
	if (!text) {
		assert_int_equal(mkdir(full, 0755), 0);
		return;
	}
	fd = open(full, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	fd_close(&fd);
}

static void kernels(void **state)
{
	static const struct {
		const char *release;
		enum check_status status;
	} cases[] = {
		{ "6.12.117-cloud-amd64", CHECK_OK },
		{ "6.12.97", CHECK_OK },
		{ "6.12.96", CHECK_WARNING },
		{ "6.12.0", CHECK_WARNING },
		{ "6.12", CHECK_WARNING },
		{ "6.18.40", CHECK_OK },
		{ "6.18.39", CHECK_WARNING },
		{ "7.1.5", CHECK_OK },
		{ "7.1.4", CHECK_WARNING },
		{ "7.0.99", CHECK_WARNING }, /* series that ended without the fix */
		{ "6.17.99", CHECK_WARNING },
		{ "6.19.1", CHECK_WARNING },
		{ "7.2-rc1", CHECK_OK },
		{ "8.0.0", CHECK_OK },
		{ "6.1.0-37-amd64", CHECK_WARNING },
		{ "5.15.200", CHECK_WARNING },
		{ "", CHECK_WARNING },
		{ "custom", CHECK_WARNING },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct check_list l = { 0 };

		check_kernel(&l, cases[i].release);
		assert_int_equal(l.n, 1);
		if (l.items[0].status != cases[i].status)
			fail_msg("%s: %s", cases[i].release, l.items[0].detail);
	}
}

/* Each of the four modules in another way, and the dash that some kernels have in a file's name. */
static void modules_in_every_way(void **state)
{
	struct fake *f = *state;
	struct check_list l = { 0 };
	int root = open_root(f);

	put(f, "sys/module/vduse", NULL);
	put(f, "lib/modules/" RELEASE "/modules.builtin", "kernel/a/b.ko\nkernel/drivers/block/virtio_blk.ko\n");
	put(f, "lib/modules/" RELEASE "/modules.dep",
	    "kernel/x/not_virtio_vdpa.ko.xz: kernel/vdpa.ko.xz\nkernel/drivers/vdpa/virtio-vdpa.ko.xz: kernel/vdpa.ko\n"
	    "kernel/x/y.ko: kernel/drivers/vhost/vhost_vdpa.ko\n");
	check_modules(&l, root, RELEASE);
	fd_close(&root);
	assert_int_equal(l.n, 4);
	assert_int_equal(l.items[0].status, CHECK_OK);
	assert_string_equal(l.items[0].detail, "loaded");
	assert_int_equal(l.items[1].status, CHECK_MISSING);
	assert_string_equal(l.items[1].detail, "not loaded");
	assert_string_equal(l.items[1].remedy, "modprobe virtio_vdpa, then restart vdused");
	assert_int_equal(l.items[2].status, CHECK_OK);
	assert_string_equal(l.items[2].detail, "built into the kernel");
	assert_int_equal(l.items[3].status, CHECK_WARNING); /* only named as a dependency */
	assert_non_null(strstr(l.items[3].detail, "this kernel has none (CONFIG_VHOST_VDPA)"));
	assert_non_null(strstr(l.items[3].remedy, "install a kernel"));
}

static void modules_without_any_trace(void **state)
{
	struct fake *f = *state;
	struct check_list l = { 0 };
	int root = open_root(f);

	check_modules(&l, root, RELEASE);
	assert_int_equal(l.items[0].status, CHECK_MISSING);
	assert_non_null(strstr(l.items[0].detail, "CONFIG_VDPA_USER"));
	put(f, "sys/class/vduse", NULL); /* no module directory, but it works */
	l.n = 0;
	check_modules(&l, root, RELEASE);
	assert_int_equal(l.items[0].status, CHECK_OK);
	fd_close(&root);
}

static void control_node(void **state)
{
	struct fake *f = *state;
	struct check_list l = { 0 };
	int root = open_root(f);
	char path[80];

	check_control_node(&l, root);
	assert_int_equal(l.items[0].status, CHECK_MISSING);
	assert_non_null(strstr(l.items[0].remedy, "modprobe vduse"));
	put(f, "dev/vduse/control", "");
	check_control_node(&l, root);
	assert_int_equal(l.items[1].status, CHECK_MISSING);
	assert_string_equal(l.items[1].detail, "is not a character device");
	(void)snprintf(path, sizeof(path), "%.40s/dev/vduse/control", f->dir);
	assert_int_equal(unlink(path), 0);
	/* a whiteout: the one node that needs no rights */
	if (mknod(path, S_IFCHR | 0600, 0) == 0) {
		check_control_node(&l, root);
		assert_int_equal(l.items[2].status, geteuid() == 0 ? CHECK_OK : CHECK_WARNING);
		assert_int_equal(chmod(path, 0666), 0);
		check_control_node(&l, root);
		assert_int_equal(l.items[3].status, CHECK_WARNING);
	}
	fd_close(&root);
}

static void seccomp_and_cgroup(void **state)
{
	struct fake *f = *state;
	struct check_list l = { 0 };
	int root = open_root(f);

	check_seccomp(&l, root);
	check_cgroup(&l, root);
	assert_int_equal(l.items[0].status, CHECK_MISSING);
	assert_int_equal(l.items[1].status, CHECK_WARNING);
	put(f, "proc/sys/kernel/seccomp/actions_avail", "kill_process kill_thread trap errno\n");
	put(f, "sys/fs/cgroup/cgroup.controllers", "cpu io\n");
	check_seccomp(&l, root);
	check_cgroup(&l, root);
	assert_int_equal(l.items[2].status, CHECK_OK);
	assert_int_equal(l.items[3].status, CHECK_OK);
	fd_close(&root);
}

static void privileges(void **state)
{
	struct fake *f = *state;
	struct check_list l = { 0 };
	int root = open_root(f);

	if (geteuid() != 0)
		skip();
	put(f, "proc/self/status", "Name:\tx\nCapInh:\t0\nCapPrm:\t000001ffffffffff\nCapEff:\t0\n");
	check_privileges(&l, root);
	assert_int_equal(l.items[0].status, CHECK_OK);
	put(f, "proc/self/status", "Name:\tx\nCapPrm:\t00000000a80425fa\nCapEff:\t000001ffffffffff\n");
	check_privileges(&l, root);
	assert_int_equal(l.items[1].status, CHECK_MISSING);
	assert_string_equal(l.items[1].detail, "root without CAP_CHOWN CAP_NET_ADMIN CAP_SYS_ADMIN CAP_SYS_RESOURCE");
	put(f, "proc/self/status", "garbage");
	check_privileges(&l, root);
	assert_int_equal(l.items[2].status, CHECK_WARNING);
	fd_close(&root);
}

static void list_does_not_overflow(void **state)
{
	struct check_list l = { 0 };

	(void)state;
	for (int i = 0; i < 3 * CHECK_ITEMS_MAX; i++)
		(void)check_add(&l, "x", CHECK_OK, "%d\n", i);
	assert_int_equal(l.n, CHECK_ITEMS_MAX);
	assert_string_equal(l.items[0].detail, "0?");
}

static const char *member(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	assert_true(json_object_object_get_ex(o, key, &v));
	return v ? json_object_get_string(v) : "null";
}

static void answer_version(struct fake *f, const char *version)
{
	union ctl_any m;

	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_VERSION, &m, NULL);
	memset(&m, 0, sizeof(m));
	msg_set_string(m.version_is.version, sizeof(m.version_is.version), version);
	fake_answer(f, CTL_VERSION_IS, &m);
}

static void command_as_json(void **state)
{
	struct fake *f = *state;
	struct json_object *array, *last;
	size_t missing = 0, n;
	int status;

	f->env.release = RELEASE;
	fake_start(f, "check", "--json", NULL);
	answer_version(f, VDUSED_VERSION);
	status = fake_finish(f);
	array = json_tokener_parse(f->stdout_text);
	assert_non_null(array);
	n = json_object_array_length(array);
	assert_true(n >= 10);
	for (size_t i = 0; i < n; i++)
		missing += strcmp(member(json_object_array_get_idx(array, i), "status"), "missing") == 0;
	assert_int_equal(status, missing ? CTL_E_FAILED : TOOL_OK);
	last = json_object_array_get_idx(array, n - 1);
	assert_string_equal(member(last, "item"), "vdused");
	assert_string_equal(member(last, "status"), "ok");
	assert_string_equal(member(last, "remedy"), "null");
	(void)json_object_put(array);
}

static void command_for_people(void **state)
{
	struct fake *f = *state;

	f->env.release = RELEASE;
	f->env.root = f->dir;
	fake_start(f, "check", NULL);
	answer_version(f, "0.0.1");
	assert_int_equal(fake_finish(f), CTL_E_FAILED);
	assert_non_null(strstr(f->stdout_text, "ok       kernel                   " RELEASE "\n"));
	assert_non_null(strstr(f->stdout_text, "missing  module vduse             this kernel has none"));
	assert_non_null(strstr(f->stdout_text, "warning  vdused                   answers: version 0.0.1"));
	assert_string_equal(f->stderr_text, "");
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernels),  cmocka_unit_test(list_does_not_overflow),
		TEST(modules_in_every_way), TEST(modules_without_any_trace),
		TEST(control_node),         TEST(seccomp_and_cgroup),
		TEST(privileges),           TEST(command_as_json),
		TEST(command_for_people),
	};

	return cmocka_run_group_tests_name("ctl_check", tests, NULL, NULL);
}
