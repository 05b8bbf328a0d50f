/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/server/server.c - see server.h. Runs in vdused's main process.
 */
#include "control/server/server.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"
#include "control/helper/close_elsewhere.h"
#include "control/server/client.h"
#include "control/server/requests.h"

#define ACCEPT_PAUSE_MS 200

static int listener = -1;
static int lock_fd = -1;
static struct event *acceptable;

static void go_on_accepting(void)
{
	if (acceptable)
		(void)event_add(acceptable, NULL);
}

static void on_accept_again(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	go_on_accepting();
}

/*
 * No descriptor or memory for a connection: it waits, and so do we, instead of being told again and
 * again.
 */
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
	int s;

	(void)what;
	if (!clients_have_room(go_on_accepting)) {
		(void)event_del(acceptable); /* until one goes */
		return;
	}
	s = accept4((int)fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	if (s >= 0)
		client_new(svc, s, request_handle);
	else if (errno == EMFILE || errno == ENFILE || errno == ENOMEM || errno == ENOBUFS)
		accept_later(svc);
}

/* ---- the listening socket -------------------------------------------------------------------- */

static int take_lock(const char *dir, struct err *e)
{
	struct flock all = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[256];

	(void)snprintf(path, sizeof(path), "%s/lock", dir);
	lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (lock_fd < 0)
		return err_set(e, -errno, "%s: %s", path, err_str(-errno));
	/*
	 * not flock(2): no copy in a helper may keep it, nor a close in our exit that does not end
	 */
	if (fcntl(lock_fd, F_SETLK, &all) != 0)
		return err_set(e, -EEXIST,
			       "another vdused runs on %s: stop it first, or give this one its own --runtime-dir", dir);
	return 0;
}

/* Something is there: a leftover of ours may go, a socket somebody answers on may not. */
static int clear_path(const struct sockaddr_un *sa, struct err *e)
{
	struct stat st;
	bool answers;
	int probe;

	if (lstat(sa->sun_path, &st) != 0)
		return errno == ENOENT ? 0 : err_set(e, -errno, "%s: %s", sa->sun_path, err_str(-errno));
	if (!S_ISSOCK(st.st_mode))
		return err_set(e, -EEXIST, "%s is there and is no socket: remove it, or choose another --socket",
			       sa->sun_path);
	probe = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	answers = probe >= 0 && connect(probe, (const struct sockaddr *)sa, sizeof(*sa)) == 0;
	fd_close(&probe);
	if (answers)
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
	if (rc < 0)
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
	if (o->has_group && setegid(getgid()) != 0 && rc == 0)
		rc = -errno;
	if (rc == 0 && listen(listener, 64) != 0)
		rc = -errno;
	return rc < 0 ? err_set(e, rc, "%s: %s", o->socket, err_str(rc)) : 0;
}

int server_open(struct service *svc, struct err *e)
{
	int rc = take_lock(svc->opt->runtime_dir, e);

	if (rc == 0)
		rc = bind_socket(svc->opt, e);
	if (rc < 0)
		return rc;
	acceptable = event_new(svc->base, listener, EV_READ | EV_PERSIST, on_acceptable, svc);
	if (!acceptable || event_add(acceptable, NULL) != 0)
		return err_set(e, -ENOMEM, "out of memory");
	return 0;
}

void server_close(struct service *svc)
{
	if (acceptable)
		event_free(acceptable);
	acceptable = NULL;
	clients_close();
	if (listener >= 0)
		(void)unlink(svc->opt->socket);
	/*
	 * the listener stays open until server_end(): connections that wait on it may bring
	 * descriptors, too
	 */
}

void server_end(struct service *svc)
{
	close_elsewhere(svc->base, &listener, 0);
	fd_close(&lock_fd);
}
