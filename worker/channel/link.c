/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/channel/link.c - see link.h. Main thread of vduse-worker.
 */
#include "worker/channel/link.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/chan.h"
#include "common/err.h"
#include "common/fd.h"
#include "proto/state_file.h"

int link_init(struct link *l, int fd)
{
	memset(l, 0, sizeof(*l));
	l->fd = fd;
	l->state = WORK_W_BORN;
	l->log_level = LINK_NOTE;
	return fcntl(fd, F_SETFL, O_RDWR | O_NONBLOCK) < 0 ? -errno : 0;
}

/* One record, checked. 0, -EAGAIN (none there), -EPIPE (end of file), -EPROTO. */
static int receive(struct link *l, union work_any *buf, bool fds_wanted, struct chan_msg *m)
{
	const struct msg_rule *rule;
	enum msg_verdict v;
	int rc = chan_recv(l->fd, buf, sizeof(*buf), fds_wanted, m);

	if (rc < 0)
		return rc == -EAGAIN ? rc : -EPIPE;
	if (m->len == 0)
		return -EPIPE;
	v = msg_check(work_to_worker, work_to_worker_rows, buf, m->len, m->truncated, m->nfds, l->state, &rule);
	if (v == MSG_OK) {
		memset((char *)buf + m->len, 0, sizeof(*buf) - m->len);
		return 0;
	}
	chan_msg_close(m);
	link_log(l, LINK_WARN, "a message from the supervisor that is %s", msg_verdict_text(v));
	return -EPROTO;
}

int link_wait(struct link *l, union work_any *msg, int *fds, unsigned *nfds, int ms)
{
	struct chan_msg m = { 0 };
	int rc = chan_wait(l->fd, ms);

	if (rc == 0)
		rc = receive(l, msg, *nfds > 0, &m);
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < m.nfds && i < *nfds; i++)
		fds[i] = m.fds[i];
	*nfds = m.nfds;
	l->early = msg->hdr.type == WORK_DEVICE && msg->hdr.size == WORK_DEVICE_SIZE_1;
	return 0;
}

static void handle(struct link *l, const union work_any *msg)
{
	struct work_cookie pong = { .cookie = msg->cookie.cookie };

	switch (msg->hdr.type) {
	case WORK_PING:
		msg_init(&pong, WORK_PONG, sizeof(pong));
		/* a vdused that does not read gets none */
		(void)chan_send(l->fd, &pong, sizeof(pong), NULL, 0);
		break;
	case WORK_STOP:
		l->stop = true;
		break;
	default:
		if (l->order)
			l->order(l->order_ctx, msg);
		break;
	}
}

void link_serve(struct link *l)
{
	union work_any buf;
	struct chan_msg m;
	int rc = 0;

	while (l->fd >= 0 && rc != -EAGAIN && !l->stop) {
		rc = receive(l, &buf, false, &m);
		if (rc == 0)
			handle(l, &buf);
		else if (rc == -EPIPE || (rc == -EPROTO && l->state == WORK_W_ORPHAN))
			l->fd = -1; /* serve on without vdused. Number 3 stays taken, see adopt.h */
	}
}

void link_begin_orphan(struct link *l, int fd, long long end)
{
	l->fd = fd;
	l->state = WORK_W_ORPHAN;
	l->orphan_end = end;
}

void link_adopted(struct link *l, uint32_t generation, int halted, int backend)
{
	struct work_adopted m = { .generation = generation, .halted = halted };

	msg_init(&m, WORK_ADOPTED, sizeof(m));
	if (chan_send(l->fd, &m, sizeof(m), &backend, 1) < 0)
		l->fd = -1;
	else
		l->state = WORK_W_SERVING;
	l->early = false; /* it was started when our binary was installed already */
}

int link_ready(struct link *l)
{
	struct work_ready m = { .state_version = STATE_VERSION, .state_size = sizeof(struct state_file) };

	msg_init(&m, WORK_READY, sizeof(m));
	return chan_send(l->fd, &m, sizeof(m), NULL, 0);
}

int link_say(struct link *l, uint16_t type)
{
	struct work_plain m;

	if (l->fd < 0)
		return -ENOTCONN;
	msg_init(&m, type, sizeof(m));
	return chan_send(l->fd, &m, sizeof(m), NULL, 0);
}

void link_resized(struct link *l, uint64_t capacity, int error)
{
	struct work_resized m = { .capacity = capacity, .error = error };

	if (l->fd < 0)
		return;
	msg_init(&m, WORK_RESIZED, sizeof(m));
	(void)chan_send(l->fd, &m, sizeof(m), NULL, 0); /* a vdused that does not read gets none */
}

int link_halted(struct link *l, uint32_t queue, int error)
{
	struct work_halted m = { .error = error, .queue = queue };

	if (l->fd < 0 || l->state != WORK_W_SERVING)
		return -ENOTCONN;
	msg_init(&m, WORK_HALTED, sizeof(m));
	return chan_send(l->fd, &m, sizeof(m), NULL, 0);
}

int link_resumed(struct link *l)
{
	return l->state == WORK_W_SERVING && !l->early ? link_say(l, WORK_RESUMED) : -ENOTCONN;
}

static bool rate_allows(struct link *l)
{
	long long now = now_ms();

	if (now >= l->period_end) {
		l->period_end = now + LINK_LOG_PERIOD;
		l->lines = 0;
	}
	if (l->lines >= LINK_LOG_BURST)
		return false;
	l->lines++;
	return true;
}

void link_log(struct link *l, enum link_level level, const char *fmt, ...)
{
	struct work_log m = { .level = (uint32_t)level };
	va_list ap;

	/* Who has not said WORK_ADOPT expects nothing but the answer to it. */
	if (l->fd < 0 || l->state == WORK_W_ORPHAN || (uint32_t)level > l->log_level)
		return;
	if (!rate_allows(l)) {
		l->dropped++;
		return;
	}
	msg_init(&m, WORK_LOG, sizeof(m));
	va_start(ap, fmt);
	(void)vsnprintf(m.text, sizeof(m.text), fmt, ap);
	va_end(ap);
	err_printable(m.text);
	/* The rule of proto/msg.h wants zeros behind the NUL, whatever vsnprintf left there. */
	memset(m.text + strlen(m.text), 0, sizeof(m.text) - strlen(m.text));
	m.dropped = l->dropped;
	if (chan_send(l->fd, &m, sizeof(m), NULL, 0) < 0)
		l->dropped++;
	else
		l->dropped = 0;
}
