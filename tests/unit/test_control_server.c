/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/server/client.c and requests.c: connections, questions and create. What is
 * done to a device that is there: test_control_requests.c.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/fd.h"
#include "control/ops/create.h"
#include "control/server/client.h"
#include "tests/unit/played_client.h"
#include "tests/unit/unit.h"

static bool room_told;

/* ---- questions ------------------------------------------------------------------------------- */

static void test_version(void **state)
{
	struct ctl_plain m;
	int fd = connect_as(0);

	(void)state;
	(void)there("disk0", 0);
	memset(&m, 0, sizeof(m));
	msg_init(&m, CTL_VERSION, sizeof(m));
	say(fd, &m, sizeof(m));
	assert_int_equal(hear(fd), CTL_VERSION_IS);
	assert_int_equal(answer.version_is.devices, 1);
	fd_close(&fd);
}

static void test_list_in_pages(void **state)
{
	struct ctl_list m;
	int fd = connect_as(0);
	unsigned seen = 0;
	char name[8];

	(void)state;
	for (unsigned i = 0; i < CTL_PAGE + 3; i++) {
		(void)snprintf(name, sizeof(name), "d%02u", i);
		(void)there(name, 0);
	}
	memset(&m, 0, sizeof(m));
	msg_init(&m, CTL_LIST, sizeof(m));
	do {
		say(fd, &m, sizeof(m));
		assert_int_equal(hear(fd), CTL_LIST_PAGE);
		for (uint32_t i = 0; i < answer.page.count; i++, seen++) {
			(void)snprintf(name, sizeof(name), "d%02u", seen);
			assert_string_equal(answer.page.entry[i].name, name);
		}
		msg_set_string(m.after, sizeof(m.after), name);
	} while (answer.page.more);
	assert_int_equal(seen, CTL_PAGE + 3);
	fd_close(&fd);
}

static void test_show(void **state)
{
	int fd = connect_as(0);

	(void)state;
	(void)there("disk0", 0);
	assert_int_equal(ask(fd, CTL_SHOW, "disk0"), CTL_DEVICE);
	assert_string_equal(answer.device.info.name, "disk0");
	assert_int_equal(ask(fd, CTL_SHOW, "disk1"), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_NOT_FOUND);
	fd_close(&fd);
}

/* ---- create ---------------------------------------------------------------------------------- */

static void test_create(void **state)
{
	int fd = connect_as(0);

	(void)state;
	assert_int_equal(ask_create(fd, "disk0"), CTL_SEND_FILE);
	assert_string_equal(asked->name, "disk0");
	assert_string_equal(asked->serial, "disk0");
	assert_in_range(asked->queues, 1, VD_QUEUES_MAX);
	taken(asked);
	msg_set_string(asked->node, sizeof(asked->node), "/dev/vda");
	ends(0, "");
	assert_int_equal(hear(fd), CTL_CREATED);
	assert_string_equal(answer.created.node, "/dev/vda");
	assert_int_equal(ask_create(fd, "disk0"), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_EXISTS);
	assert_int_equal(ask_create(fd, "../x"), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_INVALID);
	fd_close(&fd);
}

/* A guest of QEMU's may choose 1024 where nothing else was said. */
static void test_ring_sizes(void **state)
{
	static const struct {
		uint32_t bus, wanted, given;
	} sizes[] = { { CTL_BUS_VIRTIO, 0, 256 },
		      { CTL_BUS_VHOST, 0, 1024 },
		      { CTL_BUS_VIRTIO, 512, 512 },
		      { CTL_BUS_VHOST, 64, 64 } };
	int fd = connect_as(0);

	(void)state;
	for (size_t i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		assert_int_equal(ask_create_on(fd, "disk0", sizes[i].bus, sizes[i].wanted), CTL_SEND_FILE);
		assert_int_equal(asked->queue_size, sizes[i].given);
		ends(CTL_E_FAILED, "");
		assert_int_equal(hear(fd), CTL_ERROR);
		device_free(asked); /* as create.c does */
	}
	fd_close(&fd);
}

/* Each class is answered as it is, whichever step it comes from. */
static void test_create_fails(void **state)
{
	static const char *const steps[] = { STEP_CHECK_FILE, "attach", "" };
	int fd = connect_as(0);

	(void)state;
	for (uint32_t code = CTL_E_FAILED; code <= CTL_E_LAST; code++)
		for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
			assert_int_equal(ask_create(fd, "disk0"), CTL_SEND_FILE);
			ends(code, steps[i]);
			assert_int_equal(hear(fd), CTL_ERROR);
			assert_int_equal(answer.error.code, code);
			assert_string_equal(answer.error.step, steps[i]);
			device_free(asked); /* as create.c does */
		}
	refusal = -EAGAIN;
	assert_int_equal(ask_create(fd, "disk0"), CTL_ERROR);
	assert_true(TAILQ_EMPTY(&svc.devices));
	fd_close(&fd);
}

/*
 * An errno that the kernel has for a step is no word about the request: a directory of vdused's
 * that is gone is not a device that is not there.
 */
static void test_no_class_is_guessed(void **state)
{
	static const int codes[] = { -EINVAL, -EEXIST, -EBUSY, -EACCES, -ENOENT, -ENOSPC, -EDQUOT, -EPROTO };
	static const char *const steps[] = { STEP_CHECK_FILE, "start worker", "" };
	int fd = connect_as(0);

	(void)state;
	(void)there("disk0", 0);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		for (size_t j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
			assert_int_equal(ask_create(fd, "disk1"), CTL_SEND_FILE);
			ends_by(codes[i], steps[j]);
			assert_int_equal(hear(fd), CTL_ERROR);
			assert_int_equal(answer.error.code, CTL_E_FAILED);
			device_free(asked);
		}
		assert_int_equal(ask(fd, CTL_UPGRADE, "disk0"), 0);
		ends_by(codes[i], "");
		assert_int_equal(hear(fd), CTL_ERROR);
		assert_int_equal(answer.error.code, CTL_E_FAILED);
	}
	fd_close(&fd);
}

/* What waits for an operation and goes away, or talks meanwhile, is waited for by nobody. */
static void test_a_client_leaves_meanwhile(void **state)
{
	int fd = connect_as(0);

	(void)state;
	assert_int_equal(ask_create(fd, "disk0"), CTL_SEND_FILE);
	fd_close(&fd);
	turn();
	assert_non_null(asked->client); /* not looked at: a helper reads from the socket */
	taken(asked);
	turn();
	assert_null(asked->client);
	ends_by(-ECANCELED, "check file");

	(void)there("disk1", 0);
	fd = connect_as(0);
	assert_int_equal(ask(fd, CTL_DELETE, "disk1"), 0);
	assert_non_null(asked->client);
	assert_int_equal(ask(fd, CTL_SHOW, "disk1"), -1);
	assert_null(asked->client);
	ends(CTL_E_BUSY, "detach");
	fd_close(&fd);
}

static void test_create_is_refused(void **state)
{
	int fd = connect_as(1000);

	(void)state;
	stuck = 4;
	assert_int_equal(ask_create(fd, "disk0"), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_BUSY);
	stuck = 0;
	svc.stopping = true;
	assert_int_equal(ask_create(fd, "disk0"), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_FAILED);
	svc.stopping = false;
	config.restricted = true;
	assert_int_equal(ask_create(fd, "disk0"), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_DENIED);
	assert_null(asked);
	fd_close(&fd);
}

/* ---- connections ----------------------------------------------------------------------------- */

static void test_what_is_no_request(void **state)
{
	static const char junk[] = "GET / HTTP/1.0";
	int fd = connect_as(0), pass = dup(0);
	struct ctl_plain m;

	(void)state;
	say(fd, junk, sizeof(junk));
	assert_int_equal(hear(fd), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_PROTOCOL);
	memset(&m, 0, sizeof(m));
	msg_init(&m, CTL_VERSION, sizeof(m));
	say(fd, &m, sizeof(m));
	assert_int_equal(hear(fd), CTL_VERSION_IS);
	/* the same again, but it brings a descriptor unasked: not even read */
	assert_int_equal(chan_send(fd, &m, sizeof(m), &pass, 1), 0);
	turn();
	assert_int_equal(hear(fd), -1);
	fd_close(&fd);
	fd_close(&pass);
}

static void test_too_many_of_one_user(void **state)
{
	int fd[CLIENTS_PER_SHARE + 1], root;

	(void)state;
	for (unsigned i = 0; i < CLIENTS_PER_SHARE; i++) {
		fd[i] = connect_as(1000);
		assert_int_equal(hear(fd[i]), 0);
	}
	fd[CLIENTS_PER_SHARE] = connect_as(1000);
	assert_int_equal(hear(fd[CLIENTS_PER_SHARE]), CTL_ERROR);
	assert_int_equal(answer.error.code, CTL_E_LIMIT);
	assert_int_equal(hear(fd[CLIENTS_PER_SHARE]), -1);
	root = connect_as(0);
	assert_int_equal(hear(root), 0);
	for (unsigned i = 0; i <= CLIENTS_PER_SHARE; i++)
		fd_close(&fd[i]);
	fd_close(&root);
}

static void told(void)
{
	room_told = true;
}

static void test_no_room_until_one_goes(void **state)
{
	int fd[CLIENTS_MAX];

	(void)state;
	for (unsigned i = 0; i < CLIENTS_MAX; i++) {
		assert_true(clients_have_room(told));
		fd[i] = connect_as(0);
	}
	assert_false(clients_have_room(told));
	room_told = false;
	fd_close(&fd[0]);
	turn();
	assert_true(room_told);
	for (unsigned i = 1; i < CLIENTS_MAX; i++)
		fd_close(&fd[i]);
}

#define SERVED(name) cmocka_unit_test_setup_teardown(test_##name, client_setup, client_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(version),
		SERVED(list_in_pages),
		SERVED(show),
		SERVED(create),
		SERVED(ring_sizes),
		SERVED(create_fails),
		SERVED(no_class_is_guessed),
		SERVED(a_client_leaves_meanwhile),
		SERVED(create_is_refused),
		SERVED(what_is_no_request),
		SERVED(too_many_of_one_user),
		SERVED(no_room_until_one_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
