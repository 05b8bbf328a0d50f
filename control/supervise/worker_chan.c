/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/supervise/worker_chan.c - the channel to a worker (proto/worker_msg.h). Runs in vdused's
 * main process; the bytes that come are hostile: judged by a table first, and whatever breaks a
 * rule ends the worker.
 */
#include "control/supervise/worker_chan.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "common/chan.h"
#include "common/fd.h"
#include "common/log.h"
#include "control/supervise/worker_internal.h"
#include "control/supervise/worker_start.h"
#include "proto/state_file.h"
#include "proto/worker_msg.h"

#define LOGS_PER_SECOND 20U
#define MESSAGES_PER_TURN 32 /* one worker's flood must not starve the loop */

/* ---- to the worker --------------------------------------------------------------------------- */

static int send_plain(struct worker *w, uint16_t type)
{
	struct work_plain m;

	memset(&m, 0, sizeof(m));
	msg_init(&m, type, sizeof(m));
	return chan_send(w->chan, &m, sizeof(m), NULL, 0);
}

int worker_send_stop(struct worker *w)
{
	return send_plain(w, WORK_STOP);
}

int worker_send_setup(struct worker *w)
{
	struct work_setup m = w->params.setup;

	msg_init(&m, WORK_SETUP, sizeof(m));
	m.log_level = log_max();
	return chan_send(w->chan, &m, sizeof(m), NULL, 0);
}

void worker_send_ping(struct worker *w)
{
	struct work_cookie m;

	memset(&m, 0, sizeof(m));
	msg_init(&m, WORK_PING, sizeof(m));
	m.cookie = ++w->ping;
	w->ping_pending = true;
	/* A full channel is one that the worker does not read: the deadline tells. */
	(void)chan_send(w->chan, &m, sizeof(m), NULL, 0);
	worker_expect(w, WORKER_PONG_MS);
}

int worker_resize(struct worker *w, uint64_t capacity, worker_resized *resized)
{
	struct work_resize m;
	int rc;

	memset(&m, 0, sizeof(m));
	msg_init(&m, WORK_RESIZE, sizeof(m));
	m.capacity = capacity;
	rc = chan_send(w->chan, &m, sizeof(m), NULL, 0);
	if (rc == 0) {
		w->resized = resized;
		w->resize_to = capacity;
		w->resize_turns = 0;
	}
	return rc;
}

int worker_resume(struct worker *w)
{
	int rc = send_plain(w, WORK_RESUME);

	if (rc == 0) {
		w->halted = 0;
		w->resumes++;
	}
	return rc;
}

/* ---- from the worker ------------------------------------------------------------------------- */

/* So many lines a worker may cause: its messages are free to it. */
static bool may_log(struct worker *w)
{
	long long now = now_ms();

	if (now - w->log_ms >= 1000) {
		w->log_ms = now;
		w->logs = 0;
	}
	return w->logs++ < LOGS_PER_SECOND;
}

static void relay_log(struct worker *w, const struct work_log *m)
{
	char text[VD_LOG_SIZE];

	if (!may_log(w))
		return;
	memcpy(text, m->text, sizeof(text));
	err_printable(text);
	log_line((enum log_level)m->level, "%s: worker: %s", worker_name(w), text);
	if (m->dropped)
		log_line(LOG_NOTE, "%s: worker: %u lines were left out", worker_name(w), m->dropped);
}

/* A worker that cannot read this device's state file must not get it. */
static bool ready(struct worker *w, const struct work_ready *m)
{
	char text[VD_TEXT_SIZE];

	if (m->state_version == STATE_VERSION && m->state_size == sizeof(struct state_file)) {
		worker_is_ready(w);
		return true;
	}
	(void)snprintf(text, sizeof(text),
		       "the installed worker uses layout %u of the state file, and the device has layout %u: install "
		       "the one that belongs to this vdused, or delete the device and create it again",
		       m->state_version, STATE_VERSION);
	worker_remember(w, -ENOEXEC, text);
	worker_kill(w, text);
	return false;
}

static bool pong(struct worker *w, const struct work_cookie *m)
{
	if (!w->ping_pending || m->cookie != w->ping) {
		worker_kill(w, "it answered what it was not asked");
		return false;
	}
	w->ping_pending = false;
	w->frozen = false;
	if (w->phase == WORKER_SERVING)
		worker_set_timer(w, WORKER_PING_MS);
	return true;
}

static bool says_serving(struct worker *w)
{
	if (w->says_serving) {
		worker_kill(w, "it said twice that it serves");
		return false;
	}
	w->says_serving = true;
	worker_is_serving(w);
	return true;
}

static bool resized(struct worker *w, const struct work_resized *m)
{
	worker_resized *done = w->resized;
	struct err e = { 0 };

	if (!done || m->capacity != w->resize_to) {
		worker_kill(w, "it answered what it was not asked");
		return false;
	}
	w->resized = NULL;
	if (m->error)
		(void)err_set(&e, m->error, "the worker cannot announce the new size: %s", err_str(m->error));
	done(w->dev, &e);
	return true;
}

static bool halted(struct worker *w, const struct work_halted *m)
{
	bool known = w->halted != 0;

	if (!(w->params.setup.flags & WORK_F_STOP)) {
		worker_kill(w, "it halted, though the device is to report errors");
		return false;
	}
	w->halted = m->error;
	if (known || !may_log(w))
		return true;
	log_error("%s: queue %u: a request failed (%s) and waits, as the device is to stop on errors: mend the cause, "
		  "then \"vduse-ctl resume %s\"",
		  worker_name(w), m->queue, err_str(m->error), worker_name(w));
	return true;
}

/* What it said before has been tried again, also where it crossed our order. */
static bool resumed(struct worker *w)
{
	if (w->resumes == 0) {
		worker_kill(w, "it answered what it was not asked");
		return false;
	}
	w->resumes--;
	w->halted = 0;
	return true;
}

/*
 * From its word on it serves, though the end of the hand-over helper may not be seen yet: it can
 * halt at once.
 */
static msg_states channel_state(const struct worker *w)
{
	if (w->phase == WORKER_HANDOVER && w->says_serving)
		return WORK_S_SERVING;
	switch (w->phase) {
	case WORKER_SEALING:
		return WORK_S_SETUP;
	case WORKER_STANDBY:
	case WORKER_HANDOVER:
		return WORK_S_READY;
	case WORKER_SERVING:
	case WORKER_STOPPING:
		return WORK_S_SERVING;
	default:
		return 0;
	}
}

/* False when nothing more is to be read from it. */
static bool one_message(struct worker *w, const union work_any *buf, const struct chan_msg *m)
{
	const struct msg_rule *rule;
	enum msg_verdict v = msg_check(work_to_supervisor, work_to_supervisor_rows, buf, m->len, m->truncated, 0,
				       channel_state(w), &rule);
	char text[128];

	if (v != MSG_OK) {
		(void)snprintf(text, sizeof(text), "it sent a message %s", msg_verdict_text(v));
		worker_kill(w, text);
		return false;
	}
	switch (rule->type) {
	case WORK_READY:
		return ready(w, &buf->ready);
	case WORK_SERVING:
		return says_serving(w);
	case WORK_PONG:
		return pong(w, &buf->cookie);
	case WORK_RESIZED:
		return resized(w, &buf->resized);
	case WORK_HALTED:
		return halted(w, &buf->halted);
	case WORK_RESUMED:
		return resumed(w);
	case WORK_LOG:
		relay_log(w, &buf->log);
		break;
	default:
		break;
	}
	return true;
}

static void stop_reading(struct worker *w)
{
	if (w->readable)
		event_free(w->readable);
	w->readable = NULL;
}

void worker_on_channel(evutil_socket_t fd, short what, void *arg)
{
	struct worker *w = arg;
	_Alignas(8) union work_any buf;
	struct chan_msg m;

	(void)what;
	for (int i = 0; i < MESSAGES_PER_TURN && w->readable; i++) {
		int rc = chan_peek((int)fd);

		if (rc == -EAGAIN)
			return;
		if (rc > 0) { /* left unread: see worker_clean() */
			worker_kill(w, "it sent a message with the wrong number of file descriptors");
			stop_reading(w);
			return;
		}
		if (rc == 0)
			rc = chan_recv((int)fd, &buf, sizeof(buf), false, &m);
		if (rc < 0 || m.len == 0) { /* its exit, if it is one, comes by pidfd */
			stop_reading(w);
			return;
		}
		if (!one_message(w, &buf, &m)) {
			stop_reading(w);
			return;
		}
	}
}
