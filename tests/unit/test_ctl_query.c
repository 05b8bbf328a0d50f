/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_ctl_query.c - vduse-ctl list and version against a scripted vdused.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include <cmocka.h>

#include "control/ctl/help.h"
#include "tests/unit/ctl_fake.h"

static void start_list(struct fake *f, const char *option)
{
	union ctl_any m;

	fake_start(f, "list", option, NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_LIST, &m, NULL);
	assert_string_equal(m.list.after, "");
}

static void page_of_two(union ctl_any *m)
{
	memset(m, 0, sizeof(*m));
	m->page.count = 2;
	fake_info(&m->page.entry[0], "a", "/dev/vdb");
	fake_info(&m->page.entry[1], "longer-name", "");
	m->page.entry[1].state = CTL_DEV_CREATING;
}

static void list_is_a_table(void **state)
{
	struct fake *f = *state;
	union ctl_any m;

	start_list(f, NULL);
	page_of_two(&m);
	fake_answer(f, CTL_LIST_PAGE, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "NAME         STATE     NODE        SIZE  FILE\n"
					    "a            live      /dev/vdb    1.5G  /srv/disk.img\n"
					    "longer-name  creating  -           1.5G  /srv/disk.img\n");
	assert_string_equal(f->stderr_text, "");
}

static void list_has_every_state(void **state)
{
	static const char *const words[] = { "creating", "live", "recovering", "failed", "deleting", "stopped" };
	struct fake *f = *state;
	union ctl_any m = { 0 };
	char row[32];

	start_list(f, NULL);
	m.page.count = CTL_DEV_LAST;
	for (uint32_t i = 0; i < CTL_DEV_LAST; i++) {
		(void)snprintf(row, sizeof(row), "d%" PRIu32, i);
		fake_info(&m.page.entry[i], row, "/dev/vdb");
		m.page.entry[i].state = i + 1;
	}
	fake_answer(f, CTL_LIST_PAGE, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	for (uint32_t i = 0; i < CTL_DEV_LAST; i++) {
		(void)snprintf(row, sizeof(row), "\nd%" PRIu32 "    %-10s  /dev/vdb  ", i, words[i]);
		assert_non_null(strstr(f->stdout_text, row));
		assert_non_null(strstr(tool_help(TOOL_LIST), words[i]));
	}
}

static void list_of_nothing(void **state)
{
	struct fake *f = *state;
	union ctl_any m = { 0 };

	start_list(f, NULL);
	fake_answer(f, CTL_LIST_PAGE, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "NAME  STATE  NODE    SIZE  FILE\n");
	start_list(f, "--json");
	memset(&m, 0, sizeof(m));
	fake_answer(f, CTL_LIST_PAGE, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "[\n]\n");
}

static void list_as_json(void **state)
{
	struct json_object *array, *o, *counters;
	struct fake *f = *state;
	union ctl_any m;

	start_list(f, "--json");
	page_of_two(&m);
	fake_answer(f, CTL_LIST_PAGE, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	array = json_tokener_parse(f->stdout_text);
	assert_true(array && json_object_is_type(array, json_type_array));
	assert_int_equal(json_object_array_length(array), 2);
	o = json_object_array_get_idx(array, 0);
	assert_string_equal(fake_member(o, "name"), "a");
	assert_string_equal(fake_member(o, "state"), "live");
	assert_string_equal(fake_member(o, "size"), "1610612736");
	assert_true(json_object_object_get_ex(o, "counters", &counters));
	assert_string_equal(fake_member(counters, "reads"), "7");
	o = json_object_array_get_idx(array, 1);
	assert_string_equal(fake_member(o, "node"), "null");
	assert_string_equal(fake_member(o, "state"), "creating");
	(void)json_object_put(array);
}

static void send_page(struct fake *f, uint32_t first, uint32_t count, uint32_t more)
{
	union ctl_any m = { 0 };
	char name[16];

	m.page.count = count;
	m.page.more = more;
	for (uint32_t i = 0; i < count; i++) {
		(void)snprintf(name, sizeof(name), "d%02u", first + i);
		fake_info(&m.page.entry[i], name, "/dev/vdb");
	}
	fake_answer(f, CTL_LIST_PAGE, &m);
}

static void list_has_many_pages(void **state)
{
	struct fake *f = *state;
	struct json_object *array;
	union ctl_any m;

	start_list(f, "--json");
	send_page(f, 0, CTL_PAGE, 1);
	fake_expect(f, CTL_S_IDLE, CTL_LIST, &m, NULL);
	assert_string_equal(m.list.after, "d15");
	send_page(f, CTL_PAGE, CTL_PAGE, 1);
	fake_expect(f, CTL_S_IDLE, CTL_LIST, &m, NULL);
	assert_string_equal(m.list.after, "d31");
	send_page(f, 2 * CTL_PAGE, 3, 0);
	assert_int_equal(fake_finish(f), TOOL_OK);
	array = json_tokener_parse(f->stdout_text);
	assert_int_equal(json_object_array_length(array), 2 * CTL_PAGE + 3);
	assert_string_equal(fake_member(json_object_array_get_idx(array, 34), "name"), "d34");
	(void)json_object_put(array);
}

static void pages_that_never_end(void **state)
{
	struct fake *f = *state;
	union ctl_any m;

	start_list(f, NULL);
	send_page(f, 0, CTL_PAGE, 1);
	fake_expect(f, CTL_S_IDLE, CTL_LIST, &m, NULL);
	send_page(f, 0, CTL_PAGE, 1); /* the same again */
	assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
	assert_non_null(strstr(f->stderr_text, "not sorted"));
	assert_string_equal(f->stdout_text, "");
}

static void page_with_a_bad_name(void **state)
{
	struct fake *f = *state;
	union ctl_any m;

	start_list(f, NULL);
	page_of_two(&m);
	msg_set_string(m.page.entry[1].name, VD_NAME_SIZE, "b/../c");
	fake_answer(f, CTL_LIST_PAGE, &m);
	assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
}

static void list_is_refused(void **state)
{
	struct fake *f = *state;

	start_list(f, NULL);
	fake_error(f, CTL_E_DENIED, "", "uid 7 may not list");
	assert_int_equal(fake_finish(f), CTL_E_DENIED);
	assert_string_equal(f->stderr_text, "vduse-ctl: list: uid 7 may not list\n");
}

static void version_of_both(void **state)
{
	struct fake *f = *state;
	union ctl_any m = { 0 };

	fake_start(f, "version", NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_VERSION, &m, NULL);
	memset(&m, 0, sizeof(m));
	msg_set_string(m.version_is.version, sizeof(m.version_is.version), "9.8");
	m.version_is.pid = 42;
	m.version_is.devices = 3;
	fake_answer(f, CTL_VERSION_IS, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_string_equal(f->stdout_text, "vduse-ctl " VDUSED_VERSION "\nvdused    9.8 (pid 42, 3 devices)\n");
}

static void version_without_vdused(void **state)
{
	struct fake *f = *state;
	struct json_object *o;

	f->connect_to = "/nonexistent/s";
	fake_start(f, "version", NULL);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_non_null(strstr(f->stdout_text, "vdused    not reached: /nonexistent/s does not exist"));
	fake_start(f, "version", "--json", NULL);
	assert_int_equal(fake_finish(f), TOOL_OK);
	o = json_tokener_parse(f->stdout_text);
	assert_string_equal(fake_member(o, "version"), VDUSED_VERSION);
	assert_string_equal(fake_member(o, "protocol"), "1");
	assert_string_equal(fake_member(o, "supervisor"), "null");
	assert_non_null(strstr(fake_member(o, "supervisor_error"), "does not exist"));
	(void)json_object_put(o);
}

static void C4_vdused_of_another_release(void **state)
{
	struct fake *f = *state;
	struct ctl_version_is v = { .hdr = { 2, CTL_VERSION_IS, sizeof(v) } };
	union ctl_any m;

	fake_start(f, "version", NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_VERSION, &m, NULL);
	fake_send(f, &v, sizeof(v));
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_non_null(strstr(f->stdout_text, "another version of the protocol"));
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(list_is_a_table),
		TEST(list_has_every_state),
		TEST(list_of_nothing),
		TEST(list_as_json),
		TEST(list_has_many_pages),
		TEST(pages_that_never_end),
		TEST(page_with_a_bad_name),
		TEST(list_is_refused),
		TEST(version_of_both),
		TEST(version_without_vdused),
		TEST(C4_vdused_of_another_release),
	};

	return cmocka_run_group_tests_name("ctl_query", tests, NULL, NULL);
}
