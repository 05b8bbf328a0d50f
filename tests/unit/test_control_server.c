/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/server/client.c and requests.c: what a client can make vdused do, and what
 * it is answered. The event loop, sockets and rules about users are the real ones; operations are
 * played, and who is calling is what the test says.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <event2/event.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/fd.h"
#include "control/device/saved.h"
#include "control/helper/close_elsewhere.h"
#include "control/helper/helper.h"
#include "control/ops/create.h"
#include "control/ops/delete.h"
#include "control/ops/recover.h"
#include "control/ops/resize.h"
#include "control/ops/resume.h"
#include "control/ops/upgrade.h"
#include "control/server/client.h"
#include "control/server/requests.h"
#include "control/sys/cgroup.h"
#include "control/sys/log_limit.h"

static struct service svc;
static struct options opt;
static struct config config;
static uint32_t caller; /* uid of whoever connects */
static unsigned stuck;
static union ctl_any answer;
static struct device *asked; /* of an operation that was played */
static device_done *done;
static void (*taken)(struct device *d);
static bool deleting;
static int refusal; /* of create_run() and change_resume() */
static bool room_told;

/* ---- stand-ins ------------------------------------------------------------------------------- */

int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len);
int __wrap_getsockopt(int fd, int level, int name, void *value, socklen_t *len)
{
	struct ucred cred = { .pid = 1, .uid = caller, .gid = caller };

	(void)fd;
	assert_int_equal(level, SOL_SOCKET);
	if (name == SO_PEERCRED) {
		memcpy(value, &cred, sizeof(cred));
		return 0;
	}
	assert_int_equal(name, SO_PEERGROUPS);
	*len = 0;
	return 0;
}

int create_run(struct device *d, int fd, void (*file_taken)(struct device *d), device_done *when_done, struct err *e)
{
	assert_true(fd >= 0);
	if (refusal)
		return err_set(e, refusal, "no process");
	asked = d;
	taken = file_taken;
	done = when_done;
	return 0;
}

void delete_run(struct device *d, bool force, device_done *when_done)
{
	asked = d;
	d->force = force;
	done = when_done;
	deleting = true;
}

static void change(struct device *d, device_done *when_done)
{
	asked = d;
	d->op.asked = true;
	done = when_done;
}

void change_upgrade(struct device *d, device_done *when_done)
{
	change(d, when_done);
}

void change_recover(struct device *d, device_done *when_done)
{
	change(d, when_done);
}

void change_resize(struct device *d, uint64_t size, device_done *when_done)
{
	d->backing.size = size;
	change(d, when_done);
}

void change_resume(struct device *d, device_done *when_done)
{
	struct err e = { 0 };

	asked = d;
	if (refusal)
		(void)err_class(&e, CTL_E_BUSY, "it does not listen");
	when_done(d, &e);
}

const struct worker_events equip_events;

void worker_init(struct worker *w, struct device *d, const struct worker_events *events)
{
	w->dev = d;
	w->events = events;
}

int saved_write(struct device *d)
{
	assert_non_null(d);
	return 0;
}

void saved_note_path(struct device *d)
{
	assert_non_null(d);
}

void saved_remove(const struct device *d)
{
	assert_non_null(d);
}

void cgroup_remove(const char *name)
{
	assert_non_null(name);
}

void close_elsewhere(struct event_base *base, int *fd, uint32_t uid)
{
	assert_ptr_equal(base, svc.base);
	(void)uid;
	fd_close(fd);
}

int helper_start(struct event_base *base, const struct helper_kind *kind, const struct helper_call *call,
		 helper_done *when_done, void *ctx, struct err *e)
{
	return base && kind && call && when_done && ctx && e ? -ENOSYS : -EINVAL;
}

void helper_cancel(struct helper *h)
{
	assert_null(h);
}

bool log_limit_allows(uint32_t uid)
{
	(void)uid;
	return false;
}

unsigned helper_given_up(uint32_t uid)
{
	return uid == 1000 ? stuck : 0;
}

bool backing_same(const struct backing_info *a, const struct backing_info *b)
{
	return a == b;
}

/* ---- a client -------------------------------------------------------------------------------- */

static void turn(void)
{
	(void)event_base_loop(svc.base, EVLOOP_NONBLOCK);
	(void)event_base_loop(svc.base, EVLOOP_NONBLOCK);
}

static int connect_as(uint32_t uid)
{
	int sv[2];

	caller = uid;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv), 0);
	client_new(&svc, sv[1], request_handle);
	return sv[0];
}

static void say(int fd, const void *msg, size_t size)
{
	assert_int_equal(chan_send(fd, msg, (uint32_t)size, NULL, 0), 0);
	turn();
}

/* The type of the answer, 0 = none yet, -1 = the connection was closed. */
static int hear(int fd)
{
	ssize_t n = recv(fd, &answer, sizeof(answer), 0);

	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	return n ? answer.hdr.type : -1;
}

static int ask(int fd, uint16_t type, const char *name)
{
	struct ctl_name m;

	memset(&m, 0, sizeof(m));
	msg_init(&m, type, sizeof(m));
	msg_set_string(m.name, sizeof(m.name), name);
	say(fd, &m, sizeof(m));
	return hear(fd);
}

static int ask_create(int fd, const char *name)
{
	struct ctl_create m;

	memset(&m, 0, sizeof(m));
	msg_init(&m, CTL_CREATE, sizeof(m));
	msg_set_string(m.name, sizeof(m.name), name);
	m.bus = CTL_BUS_VIRTIO;
	say(fd, &m, sizeof(m));
	return hear(fd);
}

static void ends_with(struct err *e, const char *step)
{
	bool gone = deleting && e->code == 0;

	msg_set_string(e->step, sizeof(e->step), step);
	asked->op.asked = false;
	done(asked, e);
	if (gone)
		device_free(asked); /* as the operation does */
	deleting = false;
}

/* The operation ends: well, or with an error of that class. */
static void ends(uint32_t class, const char *step)
{
	struct err e = { 0 };

	if (class)
		(void)err_class(&e, class, "it failed");
	ends_with(&e, step);
}

/* A step of it fails, for what the kernel calls code. */
static void ends_by(int code, const char *step)
{
	struct err e = { 0 };

	(void)err_set(&e, code, "it failed");
	ends_with(&e, step);
}

static struct device *there(const char *name, uint32_t uid)
{
	struct device *d = device_new(&svc, name);

	assert_non_null(d);
	d->state = DEV_LIVE;
	d->worker->phase = WORKER_SERVING;
	d->path_fd = dup(0);
	d->owner.uid = uid;
	return d;
}

static int setup(void **state)
{
	(void)state;
	memset(&svc, 0, sizeof(svc));
	memset(&opt, 0, sizeof(opt));
	config_defaults(&config);
	(void)snprintf(opt.runtime_dir, sizeof(opt.runtime_dir), "/nonexistent");
	svc.base = event_base_new();
	assert_non_null(svc.base);
	svc.opt = &opt;
	svc.config = &config;
	TAILQ_INIT(&svc.devices);
	asked = NULL;
	refusal = 0;
	stuck = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	clients_close();
	while (!TAILQ_EMPTY(&svc.devices))
		device_free(TAILQ_FIRST(&svc.devices));
	event_base_free(svc.base);
	return 0;
}

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

#define SERVED(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		SERVED(version),
		SERVED(list_in_pages),
		SERVED(show),
		SERVED(create),
		SERVED(create_fails),
		SERVED(no_class_is_guessed),
		SERVED(a_client_leaves_meanwhile),
		SERVED(create_is_refused),
		SERVED(delete),
		SERVED(delete_of_one_that_is_stopped),
		SERVED(changes),
		SERVED(who_has_helpers_stuck_starts_no_more),
		SERVED(deletes_that_are_stuck),
		SERVED(resize_and_resume),
		SERVED(what_cannot_be_asked_now),
		SERVED(others_devices),
		SERVED(what_is_no_request),
		SERVED(too_many_of_one_user),
		SERVED(no_room_until_one_goes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
