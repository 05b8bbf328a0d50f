/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/server/client.c - see client.h. Runs in vdused's main process on hostile clients' bytes:
 * a record is judged by proto/ctl_msg.c's table before anything looks into it.
 */
#include "control/server/client.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/fd.h"
#include "control/config/policy.h"
#include "control/helper/close_elsewhere.h"

struct client {
	TAILQ_ENTRY(client) link;
	struct service *svc;
	int fd;
	struct event *readable;
	client_request *handle;
	struct owner owner;
	uint64_t share; /* policy_share() */
	struct device *waits_for;
};

static TAILQ_HEAD(, client) clients = TAILQ_HEAD_INITIALIZER(clients);
static unsigned nclients;
static void (*tell_room)(void); /* when a connection goes */

const struct owner *client_owner(const struct client *c)
{
	return &c->owner;
}

struct service *client_service(const struct client *c)
{
	return c->svc;
}

int client_fd(const struct client *c)
{
	return c->fd;
}

/* Records that nobody has read may be in its socket: see close_elsewhere.h. */
static void client_evict(struct client *c)
{
	if (c->waits_for)
		c->waits_for->client = NULL;
	TAILQ_REMOVE(&clients, c, link);
	nclients--;
	event_free(c->readable);
	close_elsewhere(c->svc->base, &c->fd, c->owner.uid);
	free(c);
	if (tell_room && nclients < CLIENTS_MAX)
		tell_room();
}

static void watch(struct client *c, bool idle)
{
	struct timeval tv = { .tv_sec = CLIENT_IDLE_S };

	(void)event_del(c->readable);
	(void)event_add(c->readable, idle ? &tv : NULL);
}

void client_wait(struct client *c, struct device *d)
{
	c->waits_for = d;
	d->client = c;
	watch(c, false);
}

void client_pause(struct client *c)
{
	(void)event_del(c->readable);
}

void client_watch(struct client *c)
{
	watch(c, c->waits_for == NULL);
}

bool client_send(struct client *c, const void *msg, uint32_t size)
{
	if (chan_send(c->fd, msg, size, NULL, 0) == 0)
		return true;
	client_evict(c);
	return false;
}

void client_answer(struct client *c, const void *msg, uint32_t size)
{
	if (c->waits_for)
		c->waits_for->client = NULL;
	c->waits_for = NULL;
	if (client_send(c, msg, size))
		watch(c, true);
}

static void fill_error(struct ctl_error *m, const struct err *e)
{
	memset(m, 0, sizeof(*m));
	msg_init(m, CTL_ERROR, sizeof(*m));
	m->code = e->class;
	msg_set_string(m->step, sizeof(m->step), e->step);
	msg_set_string(m->text, sizeof(m->text), e->text);
}

void client_error(struct client *c, const struct err *e)
{
	struct ctl_error m;

	fill_error(&m, e);
	client_answer(c, &m, sizeof(m));
}

/* The last words to a connection. */
static void client_refuse(struct client *c, const struct err *e)
{
	struct ctl_error m;

	fill_error(&m, e);
	if (client_send(c, &m, sizeof(m)))
		client_evict(c);
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct client *c = arg;
	_Alignas(8) union ctl_request buf;
	const struct msg_rule *rule;
	struct err e = { 0 };
	enum msg_verdict v;
	struct chan_msg m;
	int rc;

	rc = (what & EV_TIMEOUT) ? -ETIMEDOUT : chan_peek((int)fd);
	if (rc == -EAGAIN)
		return;
	if (rc == 0)
		rc = chan_recv((int)fd, &buf, sizeof(buf), false, &m);
	/* gone: no need of a helper for root, who could as well kill us */
	if (rc == 0 && m.len == 0 && c->owner.uid == 0)
		fd_close(&c->fd);
	/*
	 * gone (a create that it waits for is cancelled), or it brings descriptors, or talks while
	 * it should wait
	 */
	if (rc != 0 || m.len == 0 || c->waits_for) {
		client_evict(c);
		return;
	}
	v = msg_check(ctl_requests, ctl_request_rows, &buf, m.len, m.truncated, 0, CTL_S_IDLE, &rule);
	if (v != MSG_OK) {
		(void)err_class(&e, CTL_E_PROTOCOL,
				"vdused " VDUSED_VERSION " got a message %s: use the vduse-ctl that came with it",
				msg_verdict_text(v));
		client_error(c, &e);
		return;
	}
	c->handle(c, rule->type, &buf);
}

/*
 * No user can keep others out by keeping connections open, and all together do not keep
 * administrators out.
 */
static bool too_many(const struct client *who)
{
	unsigned same = 0, users = 0;
	const struct client *c;
	bool user = policy_role(who->svc->config, &who->owner) != POLICY_ADMIN;

	TAILQ_FOREACH(c, &clients, link) {
		same += c->share == who->share;
		users += policy_role(c->svc->config, &c->owner) != POLICY_ADMIN;
	}
	return who->owner.uid != 0 && (same > CLIENTS_PER_SHARE || (user && users > CLIENTS_USERS_MAX));
}

/* Who is it: credentials of the moment it connected. */
static int identify(int fd, struct owner *o)
{
	gid_t groups[OWNER_GROUPS_MAX];
	socklen_t len = sizeof(struct ucred);
	struct ucred cred;

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) != 0)
		return -errno;
	o->uid = cred.uid;
	o->gid = cred.gid;
	len = sizeof(groups);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERGROUPS, groups, &len) != 0)
		return errno == ERANGE ? 0 : -errno; /* more than we keep: fewer rights, not more */
	o->ngroups = len / (socklen_t)sizeof(gid_t);
	for (uint32_t i = 0; i < o->ngroups; i++)
		o->groups[i] = groups[i];
	return 0;
}

void client_new(struct service *svc, int fd, client_request *handle)
{
	struct client *c = calloc(1, sizeof(*c));
	struct err e = { 0 };

	if (!c || identify(fd, &c->owner) != 0 ||
	    !(c->readable = event_new(svc->base, fd, EV_READ | EV_PERSIST, on_readable, c))) {
		close_elsewhere(svc->base, &fd, c ? c->owner.uid : 0);
		free(c);
		return;
	}
	c->svc = svc;
	c->fd = fd;
	c->handle = handle;
	c->share = policy_share(svc->config, &c->owner);
	TAILQ_INSERT_TAIL(&clients, c, link);
	nclients++;
	watch(c, true);
	if (too_many(c)) {
		(void)err_class(&e, CTL_E_LIMIT,
				"too many connections, of yours or of all users: close some, or try again in a moment");
		msg_set_string(e.step, sizeof(e.step), CTL_STEP_CONNECT);
		client_refuse(c, &e);
	}
}

bool clients_have_room(void (*room)(void))
{
	tell_room = room;
	return nclients < CLIENTS_MAX;
}

void clients_close(void)
{
	struct client *c;

	tell_room = NULL;
	while ((c = TAILQ_FIRST(&clients)))
		client_evict(c);
}
