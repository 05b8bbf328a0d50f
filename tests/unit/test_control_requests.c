/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/server/requests.c: what a client can have done to a device, and what it is
 * answered.
 */
#include <errno.h>
#include <string.h>

#include "common/fd.h"
#include "tests/unit/played_client.h"
#include "tests/unit/unit.h"

/* ---- what is done to a device ---------------------------------------------------------------- */

static int ask_resize(int fd, const char *name)
{
	struct ctl_resize m;

	memset(&m, 0, sizeof(m));
	msg_init(&m, CTL_RESIZE, sizeof(m));
	msg_set_string(m.name, sizeof(m.name), name);
	say(fd, &m, sizeof(m));
	return hear(fd);
}

/* Each of these starts helpers, and each could hang like those before. */
static void test_who_has_helpers_stuck_starts_no_more(void **state)
{
	int fd = connect_as(1000);
	struct device *d = there("disk0", 1000);

	(void)state;
	stuck = 4;
	d->state = DEV_FAIL_MODE;
	assert_int_equal(ask(fd, CTL_RECOVER, "disk0"), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_BUSY);
	d->state = DEV_LIVE;
	d->worker->halted = -ENOSPC;
	assert_int_equal(ask(fd, CTL_UPGRADE, "disk0"), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_BUSY);
	assert_int_equal(ask_resize(fd, "disk0"), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_BUSY);
	assert_null(asked);
	assert_int_equal(ask(fd, CTL_RESUME, "disk0"), CTL_OK);
	fd_close(&fd);
	fd = connect_as(0);
	d->state = DEV_FAIL_MODE;
	assert_int_equal(ask(fd, CTL_RECOVER, "disk0"), 0);
	ends(0, "");
	fd_close(&fd);
}

/* A delete is the way out, forced or not, but not without end. */
static void test_deletes_that_are_stuck(void **state)
{
	int fd = connect_as(1000);

	(void)state;
	(void)there("disk0", 1000);
	(void)there("disk1", 1000);
	stuck = 8;
	assert_int_equal(ask(fd, CTL_DELETE, "disk0"), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_BUSY);
	assert_null(asked);
	stuck = 7;
	assert_int_equal(ask(fd, CTL_DELETE, "disk0"), 0);
	ends(0, "");
	assert_int_equal(hear(fd), CTL_OK);
	fd_close(&fd);
}

static void test_delete(void **state)
{
	int fd = connect_as(0);

	(void)state;
	(void)there("disk0", 0);
	assert_int_equal(ask(fd, CTL_DELETE, "disk0"), 0);
	ends(CTL_E_BUSY, "detach");
	assert_int_equal(hear(fd), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_BUSY);
	assert_int_equal(ask(fd, CTL_DELETE, "disk0"), 0);
	ends(0, "");
	assert_int_equal(hear(fd), CTL_OK);
	assert_true(TAILQ_EMPTY(&svc.devices));
	fd_close(&fd);
}

/* A request that waits for its disk would be lost: only with --force. */
static void test_delete_of_one_that_is_stopped(void **state)
{
	struct device *d = there("disk0", 0);
	struct ctl_name m;
	int fd = connect_as(0);

	(void)state;
	d->worker->halted = -ENOSPC;
	assert_int_equal(ask(fd, CTL_DELETE, "disk0"), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_BUSY);
	assert_null(asked);
	memset(&m, 0, sizeof(m));
	msg_init(&m, CTL_DELETE, sizeof(m));
	msg_set_string(m.name, sizeof(m.name), "disk0");
	m.flags = CTL_DELETE_FORCE;
	say(fd, &m, sizeof(m));
	assert_ptr_equal(asked, d);
	assert_true(d->force);
	ends(0, "");
	fd_close(&fd);
}

static void test_changes(void **state)
{
	static const struct {
		uint16_t type;
		enum device_state state;
	} rows[] = { { CTL_UPGRADE, DEV_LIVE }, { CTL_RECOVER, DEV_FAIL_MODE } };
	int fd = connect_as(0), other = connect_as(0);
	struct device *d = there("disk0", 0);

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		d->state = rows[i].state;
		asked = NULL;
		assert_int_equal(ask(fd, rows[i].type, "disk0"), 0);
		assert_non_null(asked);
		assert_int_equal(ask(other, CTL_DELETE, "disk0"), CTL_ERROR);
		assert_int_equal(answer.error.code, CTL_E_BUSY);
		ends(0, "");
		assert_int_equal(hear(fd), CTL_OK);
		assert_int_equal(ask(fd, rows[i].type, "disk0"), 0);
		ends(CTL_E_INVALID, "");
		assert_int_equal(hear(fd), CTL_ERROR);
		assert_int_equal(answer.error.code, CTL_E_INVALID);
	}
	fd_close(&fd);
	fd_close(&other);
}

static void test_resize_and_resume(void **state)
{
	struct ctl_resize m;
	int fd = connect_as(0);
	struct device *d = there("disk0", 0);

	(void)state;
	memset(&m, 0, sizeof(m));
	msg_init(&m, CTL_RESIZE, sizeof(m));
	msg_set_string(m.name, sizeof(m.name), "disk0");
	m.size = 1 << 20;
	say(fd, &m, sizeof(m));
	ends(0, "");
	assert_int_equal(hear(fd), CTL_RESIZED);
	assert_int_equal(answer.resized.size, 1 << 20);
	d->worker->halted = -ENOSPC;
	assert_int_equal(ask(fd, CTL_RESUME, "disk0"), CTL_OK);
	refusal = -EBUSY;
	assert_int_equal(ask(fd, CTL_RESUME, "disk0"), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_BUSY);
	fd_close(&fd);
}

/*
 * Refused by the state that the device is in, before anything is done: test_control_state.c has
 * them all.
 */
static void test_what_cannot_be_asked_now(void **state)
{
	static const struct {
		uint16_t type;
		enum device_state state;
		uint32_t says;
		const char *text;
	} rows[] = {
		{ CTL_DELETE, DEV_CREATING, CTL_E_BUSY, "still being created" },
		{ CTL_UPGRADE, DEV_DELETING, CTL_E_BUSY, "being deleted" },
		{ CTL_UPGRADE, DEV_NO_WORKER, CTL_E_INVALID, "vduse-ctl recover disk0" },
		{ CTL_RECOVER, DEV_LIVE, CTL_E_INVALID, "nothing to recover from" },
		{ CTL_RECOVER, DEV_BROKEN, CTL_E_FAILED, "delete it" },
		{ CTL_RESUME, DEV_LIVE, CTL_E_INVALID, "it is not stopped" },
	};
	int fd = connect_as(0);
	struct device *d = there("disk0", 0);

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		d->state = rows[i].state;
		assert_int_equal(ask(fd, rows[i].type, "disk0"), CTL_ERROR);
		assert_int_equal(answer.error.code, rows[i].says);
		assert_non_null(strstr(answer.error.text, rows[i].text));
		assert_null(asked);
	}
	fd_close(&fd);
}

static void test_others_devices(void **state)
{
	int fd = connect_as(1000);

	(void)state;
	(void)there("disk0", 1001);
	assert_int_equal(ask(fd, CTL_DELETE, "disk0"), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_DENIED);
	assert_null(asked);
	fd_close(&fd);
}

#define SERVED(name) cmocka_unit_test_setup_teardown(test_##name, client_setup, client_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(delete),
		SERVED(delete_of_one_that_is_stopped),
		SERVED(changes),
		SERVED(who_has_helpers_stuck_starts_no_more),
		SERVED(deletes_that_are_stuck),
		SERVED(resize_and_resume),
		SERVED(what_cannot_be_asked_now),
		SERVED(others_devices),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
