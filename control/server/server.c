/*
 * control/server/server.c - see server.h. Runs in vdused's main process on hostile clients' bytes: a record is
 * judged by proto/ctl_msg.c's table before anything looks into it.
 */
#include "control/server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/fd.h"
#include "common/log.h"
#include "control/config/policy.h"
#include "control/helper/close_elsewhere.h"

#define ACCEPT_PAUSE_MS 200

struct client {
	TAILQ_ENTRY(client) link;
	struct service *svc;
	int fd;
	struct event *readable;
	struct owner owner;
	uint64_t share; /* policy_share() */
	struct device *waits_for;
};

static TAILQ_HEAD(, client) clients = TAILQ_HEAD_INITIALIZER(clients);
static unsigned nclients;
static int listener = -1;
static int lock_fd = -1;
static struct event *acceptable;

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

/* ---- one connection ----------------------------------------------------------------------------- */

/* Records that nobody has read may be in its socket: see close_elsewhere.h. */
static void client_evict(struct client *c)
{
	if (c->waits_for)
		c->waits_for->client = NULL;
	TAILQ_REMOVE(&clients, c, link);
	nclients--;
	event_free(c->readable);
	closer_close(c->svc->base, &c->fd, c->owner.uid);
	free(c);
	if (acceptable && nclients < CLIENTS_MAX)
		(void)event_add(acceptable, NULL);
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

void client_resume(struct client *c)
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

static void fill_error(struct ctl_error *m, uint32_t code, const struct err *e)
{
	memset(m, 0, sizeof(*m));
	msg_init(m, CTL_ERROR, sizeof(*m));
	m->code = code;
	msg_set_string(m->step, sizeof(m->step), e->step);
	msg_set_string(m->text, sizeof(m->text), e->text);
}

void client_error(struct client *c, uint32_t code, const struct err *e)
{
	struct ctl_error m;

	fill_error(&m, code, e);
	client_answer(c, &m, sizeof(m));
}

/* The last words to a connection. */
static void client_refuse(struct client *c, const struct err *e)
{
	struct ctl_error m;

	fill_error(&m, CTL_E_LIMIT, e);
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
	if (rc == 0 && m.len == 0 && c->owner.uid == 0)
		fd_close(&c->fd); /* gone: no need of a helper for root, who could as well kill us */
	/* gone (a create that it waits for is cancelled), or it brings descriptors, or talks while it should wait */
	if (rc || m.len == 0 || c->waits_for) {
		client_evict(c);
		return;
	}
	v = msg_check(ctl_requests, ctl_request_rows, &buf, m.len, m.truncated, 0, CTL_S_IDLE, &rule);
	if (v != MSG_OK) {
		(void)err_set(&e, -EPROTO,
			      "vdused " VDUSED_VERSION " got a message %s: use the vduse-ctl that came with it",
			      msg_verdict_text(v));
		client_error(c, CTL_E_PROTOCOL, &e);
		return;
	}
	request_handle(c, rule->type, &buf);
}

/* No user can keep others out by keeping connections open, and all together do not keep administrators out. */
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
		return errno == ERANGE ? 0 : -errno; /* more than we keep: it then has fewer rights, not more */
	o->ngroups = len / (socklen_t)sizeof(gid_t);
	for (uint32_t i = 0; i < o->ngroups; i++)
		o->groups[i] = groups[i];
	return 0;
}

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	if (acceptable)
		(void)event_add(acceptable, NULL);
}

/* No descriptor or memory for a connection: it waits, and so do we, instead of being told again and again. */
static void accept_later(struct service *svc)
{
	struct timeval tv = { .tv_usec = ACCEPT_PAUSE_MS * 1000L };

	log_warn("cannot accept a connection: %s", err_str(-errno));
	(void)event_del(acceptable);
	(void)event_base_once(svc->base, -1, EV_TIMEOUT, on_accept_again, NULL, &tv);
}

static void on_acceptable(evutil_socket_t fd, short what, void *arg)
{
	struct service *svc = arg;
	struct err e = { 0 };
	struct client *c;
	int s;

	(void)what;
	if (nclients >= CLIENTS_MAX) {
		(void)event_del(acceptable); /* until one goes: client_evict() */
		return;
	}
	s = accept4((int)fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (s < 0) {
		if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
			accept_later(svc);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c || identify(s, &c->owner) != 0 ||
	    !(c->readable = event_new(svc->base, s, EV_READ | EV_PERSIST, on_readable, c))) {
		closer_close(svc->base, &s, c ? c->owner.uid : 0);
		free(c);
		return;
	}
	c->svc = svc;
	c->fd = s;
	c->share = policy_share(svc->config, &c->owner);
	TAILQ_INSERT_TAIL(&clients, c, link);
	nclients++;
	watch(c, true);
	if (too_many(c)) {
		(void)err_set(&e, -EUSERS,
			      "too many connections, of yours or of all users: close some, or try again in a moment");
		client_refuse(c, &e);
	}
}

/* ---- the listening socket ----------------------------------------------------------------------- */

static int take_lock(const char *dir, struct err *e)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/lock", dir);
	lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock_fd < 0)
		return err_set(e, -errno, "%s: %s", path, err_str(-errno));
	/* not flock(2): no copy in a helper may keep it, nor a close in our exit that does not end */
	if (fcntl(lock_fd, F_SETLK, &all) != 0)
		return err_set(e, -EEXIST,
			       "another vdused runs on %s: stop it first, or give this one its own --runtime-dir", dir);
	return 0;
}

/* Something is there: a leftover of ours may go, a socket somebody answers on may not. */
static int clear_path(const struct sockaddr_un *sa, struct err *e)
{
	struct stat st;
	int probe, rc;

	if (lstat(sa->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : err_set(e, -errno, "%s: %s", sa->sun_path, err_str(-errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, -EEXIST, "%s is there and is no socket: remove it, or choose another --socket",
			       sa->sun_path);
	probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	rc = probe >= 0 && connect(probe, (const struct sockaddr *)sa, sizeof(*sa)) == 0;
	fd_close(&probe);
	if (rc)
		return err_set(e, -EEXIST, "another vdused answers on %s: stop it first, or choose another --socket",
			       sa->sun_path);
	return unlink(sa->sun_path) == 0 ? 0 : err_set(e, -errno, "%s: %s", sa->sun_path, err_str(-errno));
}

static int bind_socket(const struct options *o, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	mode_t old;
	int rc;

	memcpy(sa.sun_path, o->socket, strlen(o->socket));
	rc = clear_path(&sa, e);
	if (rc)
		return rc;
	listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (listener < 0)
		return err_set(e, -errno, "socket: %s", err_str(-errno));
	/* the group by the ids of the moment: chown() would take one more capability */
	old = umask(o->has_group ? 0117 : 0177);
	if (o->has_group && setegid(o->group) != 0)
		return err_set(e, -errno, "taking on the group of the socket: %s", err_str(-errno));
	rc = bind(listener, (struct sockaddr *)&sa, sizeof(sa)) == 0 ? 0 : -errno;
	(void)umask(old);
	if (o->has_group && setegid(getgid()) != 0 && !rc)
		rc = -errno;
	if (!rc && listen(listener, 64) != 0)
		rc = -errno;
	return rc ? err_set(e, rc, "%s: %s", o->socket, err_str(rc)) : 0;
}

int server_open(struct service *svc, struct err *e)
{
	int rc = take_lock(svc->opt->runtime_dir, e);

	if (!rc)
		rc = bind_socket(svc->opt, e);
	if (rc)
		return rc;
	acceptable = event_new(svc->base, listener, EV_READ | EV_PERSIST, on_acceptable, svc);
	if (!acceptable || event_add(acceptable, NULL) != 0)
		return err_set(e, -ENOMEM, "out of memory");
	return 0;
}

void server_close(struct service *svc)
{
	struct client *c;

	if (acceptable)
		event_free(acceptable);
	acceptable = NULL;
	while ((c = TAILQ_FIRST(&clients)))
		client_evict(c);
	if (listener >= 0)
		(void)unlink(svc->opt->socket);
	/* the listener stays open until server_end(): connections that wait on it may bring descriptors, too */
}

void server_end(struct service *svc)
{
	closer_close(svc->base, &listener, 0);
	fd_close(&lock_fd);
}
