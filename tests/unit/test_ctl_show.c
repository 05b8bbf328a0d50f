/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_ctl_show.c - vduse-ctl show against a scripted vdused.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <json-c/json.h>

#include <cmocka.h>

#include "proto/io_how.h"
#include "tests/unit/ctl_fake.h"

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

static void io_line(struct fake *f, uint32_t how, uint32_t error, const char *line)
{
	union ctl_any m = { 0 };

	start_show(f, NULL);
	fake_info(&m.device.info, "disk0", "/dev/vdb");
	m.device.info.io = how;
	m.device.info.io_error = error;
	fake_answer(f, CTL_DEVICE, &m);
	assert_int_equal(fake_finish(f), TOOL_OK);
	assert_non_null(strstr(f->stdout_text, line));
}

static void show_how_io_is_done(void **state)
{
	struct fake *f = *state;

	io_line(f, IO_HOW_UNKNOWN, 0, "\nio:               -\n");
	io_line(f, IO_HOW_ASYNC, 0, "\nio:               asynchronous\n");
	io_line(f, IO_HOW_INLINE, 0, "\nio:               inline\n");
	io_line(f, IO_HOW_INLINE, EAGAIN,
		"\nio:               inline (no more at once: Resource temporarily unavailable (EAGAIN))\n");
	io_line(f, IO_HOW_ASYNC, EAGAIN,
		"\nio:               asynchronous (not all queues: Resource temporarily unavailable (EAGAIN))\n");
	io_line(f, IO_HOW_THREADS, 0, "\nio:               threads\n");
	io_line(f, IO_HOW_NONE, 0, "\nio:               none\n");
}

static void json_of_how_io_is_done(void **state)
{
	struct json_object *top, *io, *refused;
	struct fake *f = *state;
	union ctl_any m = { 0 };

	for (uint32_t error = 0; error <= EAGAIN; error += EAGAIN) {
		start_show(f, "--json");
		fake_info(&m.device.info, "disk0", "/dev/vdb");
		m.device.info.io = IO_HOW_INLINE;
		m.device.info.io_error = error;
		fake_answer(f, CTL_DEVICE, &m);
		assert_int_equal(fake_finish(f), TOOL_OK);
		top = json_tokener_parse(f->stdout_text);
		assert_true(json_object_object_get_ex(top, "io", &io));
		assert_string_equal(fake_member(io, "how"), "inline");
		assert_true(json_object_object_get_ex(io, "refused", &refused));
		assert_int_equal(json_object_is_type(refused, json_type_object), error != 0);
		if (error)
			assert_string_equal(fake_member(refused, "name"), "EAGAIN");
		(void)json_object_put(top);
	}
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
	assert_string_equal(fake_member(*top, "state"), "stopped");
	assert_string_equal(fake_member(*top, "on_error"), "stop");
	assert_true(json_object_object_get_ex(*top, "halted", &halted));
	assert_true(json_object_is_type(halted, json_type_object));
	return halted;
}

static void json_of_a_stopped_device(void **state)
{
	struct json_object *top, *halted;
	struct fake *f = *state;

	halted = json_halted(f, 28, &top);
	assert_string_equal(fake_member(halted, "errno"), "28");
	assert_string_equal(fake_member(halted, "name"), "ENOSPC");
	(void)json_object_put(top);
	halted = json_halted(f, 4000, &top);
	assert_string_equal(fake_member(halted, "errno"), "4000");
	assert_string_equal(fake_member(halted, "name"), "null");
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
	assert_string_equal(fake_member(o, "step"), "attach");
	assert_string_equal(fake_member(o, "read_only"), "false");
	assert_string_equal(fake_member(o, "on_error"), "report");
	assert_string_equal(fake_member(o, "halted"), "null");
	assert_string_equal(fake_member(o, "io"), "null");
	assert_true(json_object_object_get_ex(o, "worker", &inner));
	assert_string_equal(fake_member(inner, "pid"), "null");
	assert_true(json_object_object_get_ex(o, "driver", &inner));
	assert_string_equal(fake_member(inner, "features"), "0x8000000000000001");
	assert_true(json_object_object_get_ex(o, "counters", &inner));
	assert_string_equal(fake_member(inner, "read_bytes"), "18446744073709551615");
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
	assert_int_equal(fake_finish(f), CTL_E_NOT_FOUND);
	assert_string_equal(f->stderr_text,
			    "vduse-ctl: show disk0: there is no device disk0: see \"vduse-ctl list\"\n");
	start_show(f, NULL);
	fake_info(&m.device.info, "disk1", "/dev/vdb");
	fake_answer(f, CTL_DEVICE, &m);
	assert_int_equal(fake_finish(f), CTL_E_PROTOCOL);
}

#define TEST(t) cmocka_unit_test_setup_teardown(t, fake_setup, fake_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(show_for_people),      TEST(show_of_a_stopped_device),   TEST(json_of_a_stopped_device),
		TEST(show_how_io_is_done),  TEST(json_of_how_io_is_done),     TEST(show_as_json),
		TEST(C7_show_is_printable), TEST(show_of_nothing_or_another),
	};

	return cmocka_run_group_tests_name("ctl_show", tests, NULL, NULL);
}
