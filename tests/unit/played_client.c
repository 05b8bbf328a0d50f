/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/played_client.c - see played_client.h.
 */
#include "tests/unit/played_client.h"

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
#include "tests/unit/unit.h"

struct service svc;
struct config config;
unsigned stuck;
union ctl_any answer;
struct device *asked;
void (*taken)(struct device *d);
int refusal;

static struct options opt;
static uint32_t caller; /* uid of whoever connects */
static device_done *done;
static bool deleting;

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

void turn(void)
{
	(void)event_base_loop(svc.base, EVLOOP_NONBLOCK);
	(void)event_base_loop(svc.base, EVLOOP_NONBLOCK);
}

int connect_as(uint32_t uid)
{
	int sv[2];

	caller = uid;
	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, sv), 0);
	client_new(&svc, sv[1], request_handle);
	return sv[0];
}

void say(int fd, const void *msg, size_t size)
{
	assert_int_equal(chan_send(fd, msg, (uint32_t)size, NULL, 0), 0);
	turn();
}

int hear(int fd)
{
	ssize_t n = recv(fd, &answer, sizeof(answer), 0);

	if (n < 0)
		return errno == EAGAIN ? 0 : -1;
	return n ? answer.hdr.type : -1;
}

int ask(int fd, uint16_t type, const char *name)
{
	struct ctl_name m;

	memset(&m, 0, sizeof(m));
	msg_init(&m, type, sizeof(m));
	msg_set_string(m.name, sizeof(m.name), name);
	say(fd, &m, sizeof(m));
	return hear(fd);
}

int ask_create_on(int fd, const char *name, uint32_t bus, uint32_t queue_size)
{
	struct ctl_create m;

	memset(&m, 0, sizeof(m));
	msg_init(&m, CTL_CREATE, sizeof(m));
	msg_set_string(m.name, sizeof(m.name), name);
	m.bus = bus;
	m.queue_size = queue_size;
	say(fd, &m, sizeof(m));
	return hear(fd);
}

int ask_create(int fd, const char *name)
{
	return ask_create_on(fd, name, CTL_BUS_VIRTIO, 0);
}

void ends_with(struct err *e, const char *step)
{
	bool gone = deleting && e->code == 0;

	msg_set_string(e->step, sizeof(e->step), step);
	asked->op.asked = false;
	done(asked, e);
	if (gone)
		device_free(asked); /* as the operation does */
	deleting = false;
}

void ends(uint32_t class, const char *step)
{
	struct err e = { 0 };

	if (class)
		(void)err_class(&e, class, "it failed");
	ends_with(&e, step);
}

void ends_by(int code, const char *step)
{
	struct err e = { 0 };

	(void)err_set(&e, code, "it failed");
	ends_with(&e, step);
}

struct device *there(const char *name, uint32_t uid)
{
	struct device *d = device_new(&svc, name);

	assert_non_null(d);
	d->state = DEV_LIVE;
	d->worker->phase = WORKER_SERVING;
	d->path_fd = dup(0);
	d->owner.uid = uid;
	return d;
}

int client_setup(void **state)
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

int client_teardown(void **state)
{
	(void)state;
	clients_close();
	while (!TAILQ_EMPTY(&svc.devices))
		device_free(TAILQ_FIRST(&svc.devices));
	event_base_free(svc.base);
	return 0;
}
