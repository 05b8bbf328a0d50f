/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/conn.c - see conn.h. Runs in vduse-ctl, as its caller.
 */
#include "control/ctl/conn.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "common/chan.h"
#include "common/fd.h"
#include "control/ctl/command.h"
#include "control/ctl/report.h"

#define START_HINT "start it with \"systemctl start vdused\"; \"journalctl -u vdused\" says why it ended"

static int unreachable(const char *path, int code, struct err *e)
{
	switch (code) {
	case -ENOENT:
		return err_class(e, CTL_E_PROTOCOL, "%.100s does not exist: is vdused running? " START_HINT, path);
	case -ECONNREFUSED:
		return err_class(e, CTL_E_PROTOCOL, "%.100s: nobody answers there any more: " START_HINT, path);
	case -EACCES:
	case -EPERM:
		return err_class(e, CTL_E_DENIED,
				 "%.100s: permission denied: run this as root, or as a member of the socket-group of "
				 "vdused.conf(5)",
				 path);
	case -EAGAIN:
		return err_class(e, CTL_E_PROTOCOL,
				 "%.100s: vdused accepts no connection: it hangs or is flooded; see its log with "
				 "\"journalctl -u vdused\"",
				 path);
	case -EPROTOTYPE:
		return err_class(e, CTL_E_PROTOCOL, "%.100s is a socket of another kind: give vdused's with --socket",
				 path);
	}
	return err_class(e, CTL_E_PROTOCOL, "%.100s: cannot connect: %s", path, err_str(code));
}

/*
 * Anybody could serve at a path of the caller's choosing: only root and the caller may be vdused.
 */
static int check_server(int fd, const char *path, struct err *e)
{
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &len) < 0)
		return unreachable(path, -errno, e);
	if (cred.uid != 0 && cred.uid != geteuid())
		return err_class(e, CTL_E_PROTOCOL,
				 "%.100s is served by uid %u, who is neither root nor you: that is not vdused", path,
				 cred.uid);
	return 0;
}

/* SO_SNDTIMEO bounds connect(2) on a full backlog, too (unix(7)). */
static int open_socket(const struct sockaddr_un *sa, long long ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	int rc = 0;

	if (fd < 0)
		return -errno;
	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv)) < 0 ||
	    connect(fd, (const struct sockaddr *)sa, sizeof(*sa)) < 0)
		rc = -errno;
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

int tool_connect(struct tool_conn *c, const char *path, const struct tool_env *env, struct err *e)
{
	struct sockaddr_un sa = { .sun_family = AF_UNIX };
	int rc;

	*c = (struct tool_conn){ .fd = -1, .env = env, .path = path };
	if (strlen(path) >= sizeof(sa.sun_path))
		return err_class(e, CTL_E_INVALID,
				 "--socket: the path is longer than a socket's may be (%zu characters)",
				 sizeof(sa.sun_path) - 1);
	msg_set_string(sa.sun_path, sizeof(sa.sun_path), path);
	rc = open_socket(&sa, env->query_ms);
	if (rc < 0)
		return unreachable(path, rc, e);
	c->fd = rc;
	rc = check_server(c->fd, path, e);
	if (rc < 0)
		tool_disconnect(c);
	tool_grant(c, env->query_ms, NULL, NULL);
	return rc;
}

void tool_disconnect(struct tool_conn *c)
{
	fd_close(&c->fd);
}

void tool_grant(struct tool_conn *c, long long ms, const char *verb, const char *name)
{
	long long now = now_ms();

	c->verb = verb;
	c->name = name;
	c->limit_ms = ms;
	c->deadline = now + ms;
	c->note_at = now + c->env->note_ms;
	c->noted = false;
}

static int lost(int code, struct err *e)
{
	return err_class(e, CTL_E_PROTOCOL,
			 "vdused closed the connection without an answer (%s): it has ended, or does not take our "
			 "requests; see its log with \"journalctl -u vdused\"",
			 err_str(code));
}

int tool_send(struct tool_conn *c, const void *msg, size_t size, int fd, struct err *e)
{
	int rc = chan_send(c->fd, msg, size, &fd, fd >= 0 ? 1 : 0);

	if (rc == -EAGAIN)
		return err_class(e, CTL_E_PROTOCOL, "vdused does not read what it is sent: it hangs; restart it");
	if (rc < 0 && rc != -EPIPE && rc != -ECONNRESET)
		return lost(rc, e);
	return 0;
}

static int wait_answer(struct tool_conn *c)
{
	if (c->verb && !c->noted && c->note_at < c->deadline && isatty(STDERR_FILENO)) {
		int rc = chan_wait(c->fd, c->note_at - now_ms());

		if (rc != -ETIMEDOUT)
			return rc;
		(void)fprintf(stderr, "vduse-ctl: waiting for vdused to %s %s ...\n", c->verb, c->name);
		c->noted = true;
	}
	return chan_wait(c->fd, c->deadline - now_ms());
}

/*
 * A server that refuses us and closes with our request unread leaves ECONNRESET in front of its
 * last words: ask again once.
 */
static int receive(struct tool_conn *c, union ctl_any *answer, struct chan_msg *m)
{
	int rc = wait_answer(c);

	if (rc == 0)
		rc = chan_recv(c->fd, answer, sizeof(*answer), false, m);
	if (rc == -ECONNRESET)
		rc = chan_recv(c->fd, answer, sizeof(*answer), false, m);
	if (rc == 0 && m->len == 0)
		rc = -EPIPE;
	return rc;
}

static int refused(struct ctl_error *m, struct err *e)
{
	(void)err_class(e, m->code, "%s", m->text[0] ? m->text : "refused without a reason");
	err_printable(m->step);
	msg_set_string(e->step, sizeof(e->step), m->step);
	return e->code;
}

int tool_answer(struct tool_conn *c, uint16_t want, union ctl_any *answer, struct err *e)
{
	const struct msg_rule *rule;
	struct chan_msg m = { 0 };
	enum msg_verdict verdict;
	int rc;

	memset(answer, 0, sizeof(*answer));
	rc = receive(c, answer, &m);
	if (rc == -ETIMEDOUT)
		return err_class(e, CTL_E_PROTOCOL,
				 "no answer from vdused within %lld seconds: see its log with \"journalctl -u vdused\"",
				 (c->limit_ms + 999) / 1000);
	if (rc < 0)
		return lost(rc, e);
	verdict = msg_check(ctl_answers, ctl_answer_rows, answer, m.len, m.truncated, m.nfds, CTL_S_IDLE, &rule);
	if (verdict == MSG_VERSION)
		return err_class(
			e, CTL_E_PROTOCOL,
			"vdused speaks another version of the protocol: tool and vdused are not of one release; "
			"restart vdused after an upgrade");
	if (verdict != MSG_OK)
		return err_class(e, CTL_E_PROTOCOL,
				 "vdused sent an answer %s: is %.100s vdused's socket, and of this release?",
				 msg_verdict_text(verdict), c->path);
	if (rule->type == CTL_ERROR)
		return refused(&answer->error, e);
	if (rule->type != want)
		return err_class(e, CTL_E_PROTOCOL, "vdused sent the answer \"%s\" where it makes no sense",
				 rule->name);
	return 0;
}

int tool_ask(struct tool_conn *c, const void *msg, size_t size, uint16_t want, union ctl_any *answer, struct err *e)
{
	int rc = tool_send(c, msg, size, -1, e);

	return rc < 0 ? rc : tool_answer(c, want, answer, e);
}
