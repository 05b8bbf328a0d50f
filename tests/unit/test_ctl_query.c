/*
 * tests/unit/test_ctl_query.c - vduse-ctl list, show and version against a scripted vdused.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include <cmocka.h>

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

static const char *text_of(struct json_object *o, const char *key)
{
	struct json_object *v = NULL;

	assert_true(json_object_object_get_ex(o, key, &v));
	return v ? json_object_get_string(v) : "null";
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
	assert_string_equal(text_of(o, "name"), "a");
	assert_string_equal(text_of(o, "state"), "live");
	assert_string_equal(text_of(o, "size"), "1610612736");
	assert_true(json_object_object_get_ex(o, "counters", &counters));
	assert_string_equal(text_of(counters, "reads"), "7");
	o = json_object_array_get_idx(array, 1);
	assert_string_equal(text_of(o, "node"), "null");
	assert_string_equal(text_of(o, "state"), "creating");
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
	assert_string_equal(text_of(json_object_array_get_idx(array, 34), "name"), "d34");
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
	assert_int_equal(fake_finish(f), TOOL_UNREACHABLE);
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
	assert_int_equal(fake_finish(f), TOOL_UNREACHABLE);
}

static void list_is_refused(void **state)
{
	struct fake *f = *state;

	start_list(f, NULL);
	fake_error(f, CTL_E_DENIED, "", "uid 7 may not list");
	assert_int_equal(fake_finish(f), TOOL_DENIED);
	assert_string_equal(f->stderr_text, "vduse-ctl: list: uid 7 may not list\n");
}

static void start_show(struct fake *f, const char *option)
{
	union ctl_any m;

	fake_start(f, "show", "disk0", option, NULL);
	fake_accept(f);
	fake_expect(f, CTL_S_IDLE, CTL_SHOW, &m, NULL);
	assert_string_equal(m.name.name, "disk0");
}

static void show_for_people(void **state)
{
	struct fake *f = *state;
	union ctl_any m = { 0 };

	start_show(f, NULL);
	fake_info(&m.device.info, "disk0", "/dev/vdb");
	m.device.info.driver_status = 0xf;
	m.device.info.flags = CTL_F_READ_ONLY;
	fake_answer(f, CTL_DEVICE, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_non_null(strstr(f->stdout_text, "name:             disk0\n"));
	assert_non_null(strstr(f->stdout_text, "size:             1610612736 (1.5G)\n"));
	assert_non_null(strstr(f->stdout_text, "access:           read-only\n"));
	assert_non_null(strstr(f->stdout_text, "reads:            7\n"));
	assert_non_null(strstr(f->stdout_text, "(ACKNOWLEDGE DRIVER FEATURES_OK DRIVER_OK)\n"));
	assert_null(strstr(f->stdout_text, "step:"));
}

static void show_of_a_stopped_device(void **state)
{
	struct fake *f = *state;
	union ctl_any m = { 0 };

	start_show(f, NULL);
	fake_info(&m.device.info, "disk0", "/dev/vdb");
	fake_answer(f, CTL_DEVICE, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_non_null(strstr(f->stdout_text, "on-error:         report\n"));
	assert_null(strstr(f->stdout_text, "halted:"));
	start_show(f, NULL);
	m.device.info.state = CTL_DEV_STOPPED;
	m.device.info.flags = CTL_F_STOP;
	m.device.info.halted = 28;
	fake_answer(f, CTL_DEVICE, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_non_null(strstr(f->stdout_text, "state:            stopped\n"));
	assert_non_null(strstr(f->stdout_text, "halted:           No space left on device (ENOSPC)\n"));
	assert_non_null(strstr(f->stdout_text, "on-error:         stop\n"));
	start_show(f, NULL);
	m.device.info.halted = 4000;
	fake_answer(f, CTL_DEVICE, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_non_null(strstr(f->stdout_text, "halted:           error 4000\n"));
}

/* The member "halted" of a stopped device's JSON, which must be an object; the caller puts *top. */
static struct json_object *json_halted(struct fake *f, uint32_t number, struct json_object **top)
{
	struct json_object *halted;
	union ctl_any m = { 0 };

	start_show(f, "--json");
	fake_info(&m.device.info, "disk0", "/dev/vdb");
	m.device.info.state = CTL_DEV_STOPPED;
	m.device.info.flags = CTL_F_STOP;
	m.device.info.halted = number;
	fake_answer(f, CTL_DEVICE, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	*top = json_tokener_parse(f->stdout_text);
	assert_string_equal(text_of(*top, "state"), "stopped");
	assert_string_equal(text_of(*top, "on_error"), "stop");
	assert_true(json_object_object_get_ex(*top, "halted", &halted));
	assert_true(json_object_is_type(halted, json_type_object));
	return halted;
}

static void json_of_a_stopped_device(void **state)
{
	struct json_object *top, *halted;
	struct fake *f = *state;

	halted = json_halted(f, 28, &top);
	assert_string_equal(text_of(halted, "errno"), "28");
	assert_string_equal(text_of(halted, "name"), "ENOSPC");
	(void)json_object_put(top);
	halted = json_halted(f, 4000, &top);
	assert_string_equal(text_of(halted, "errno"), "4000");
	assert_string_equal(text_of(halted, "name"), "null");
	(void)json_object_put(top);
}

static void show_as_json(void **state)
{
	struct json_object *o, *inner;
	struct fake *f = *state;
	union ctl_any m = { 0 };

	start_show(f, "--json");
	fake_info(&m.device.info, "disk0", "/dev/vdb");
	msg_set_string(m.device.info.step, VD_STEP_SIZE, "attach");
	m.device.info.worker_pid = 0;
	m.device.info.read_bytes = UINT64_MAX;
	fake_answer(f, CTL_DEVICE, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	o = json_tokener_parse(f->stdout_text);
	assert_non_null(o);
	assert_string_equal(text_of(o, "step"), "attach");
	assert_string_equal(text_of(o, "read_only"), "false");
	assert_string_equal(text_of(o, "on_error"), "report");
	assert_string_equal(text_of(o, "halted"), "null");
	assert_true(json_object_object_get_ex(o, "worker", &inner));
	assert_string_equal(text_of(inner, "pid"), "null");
	assert_true(json_object_object_get_ex(o, "driver", &inner));
	assert_string_equal(text_of(inner, "features"), "0x8000000000000001");
	assert_true(json_object_object_get_ex(o, "counters", &inner));
	assert_string_equal(text_of(inner, "read_bytes"), "18446744073709551615");
	(void)json_object_put(o);
}

static void C7_show_is_printable(void **state)
{
	struct fake *f = *state;
	union ctl_any m = { 0 };

	start_show(f, NULL);
	fake_info(&m.device.info, "disk0", "/dev/vdb\n");
	msg_set_string(m.device.info.file, VD_FILE_SIZE, "/a\x1b[31m\nname: x\xc3\xa4");
	msg_set_string(m.device.info.serial, VD_SERIAL_SIZE, "\r\t");
	fake_answer(f, CTL_DEVICE, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_non_null(strstr(f->stdout_text, "file:             /a?[31m?name: x??\n"));
	assert_non_null(strstr(f->stdout_text, "serial:           ??\n"));
	for (const char *c = f->stdout_text; *c; c++)
		assert_true(*c == '\n' || (*c >= 0x20 && *c < 0x7f));
}

static void show_of_nothing_or_another(void **state)
{
	struct fake *f = *state;
	union ctl_any m = { 0 };

	start_show(f, NULL);
	fake_error(f, CTL_E_NOT_FOUND, "", "there is no device disk0: see \"vduse-ctl list\"");
	assert_int_equal(fake_finish(f), TOOL_NOT_FOUND);
	assert_string_equal(f->stderr_text,
			    "vduse-ctl: show disk0: there is no device disk0: see \"vduse-ctl list\"\n");
	start_show(f, NULL);
	fake_info(&m.device.info, "disk1", "/dev/vdb");
	fake_answer(f, CTL_DEVICE, &m);
	assert_int_equal(fake_finish(f), TOOL_UNREACHABLE);
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
	assert_string_equal(text_of(o, "version"), VDUSED_VERSION);
	assert_string_equal(text_of(o, "protocol"), "1");
	assert_string_equal(text_of(o, "supervisor"), "null");
	assert_non_null(strstr(text_of(o, "supervisor_error"), "does not exist"));
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
		TEST(show_for_people),
		TEST(show_of_a_stopped_device),
		TEST(show_as_json),
		TEST(json_of_a_stopped_device),
		TEST(C7_show_is_printable),
		TEST(show_of_nothing_or_another),
		TEST(version_of_both),
		TEST(version_without_vdused),
		TEST(C4_vdused_of_another_release),
	};

	return cmocka_run_group_tests_name("ctl_query", tests, NULL, NULL);
}
