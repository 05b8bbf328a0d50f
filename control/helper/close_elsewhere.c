/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/helper/close_elsewhere.c - see close_elsewhere.h. Main process of vdused; the helpers
 * have no capabilities.
 */
#include "control/helper/close_elsewhere.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/queue.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "common/log.h"

#define RETRY_S 1
/*
 * Any other helper that was forked with a copy has let go of it by then: it must not be the last.
 */
#define OTHERS_MS 50

struct kept {
	TAILQ_ENTRY(kept) link;
	int fd;
	uint32_t uid;
};

/* One for each helper that closes and has not been given up. */
struct closing {
	TAILQ_ENTRY(closing) link;
	struct event_base *base;
	uint32_t uid;
};

/* Sorted by uid, the oldest first. */
static TAILQ_HEAD(, kept) kept = TAILQ_HEAD_INITIALIZER(kept);
static TAILQ_HEAD(, closing) closing = TAILQ_HEAD_INITIALIZER(closing);
static bool retrying;

static int step_close(const void *arg, struct helper_out *out)
{
	struct timespec others = { .tv_nsec = OTHERS_MS * 1000000L };
	char byte;

	(void)arg;
	(void)out;
	/* end of file: vdused has closed its copies */
	if (read(HELPER_FD, &byte, sizeof(byte)) != 0)
		return -EIO;
	(void)nanosleep(&others, NULL);
	return 0;
}

const struct helper_kind closer_kind = { .name = "close", .fn = step_close, .deadline_ms = 5000 };

static void try_all(struct event_base *base);

static void on_closed(void *ctx, struct helper_result *res)
{
	struct closing *c = ctx;
	struct event_base *base = c->base;

	(void)res;
	TAILQ_REMOVE(&closing, c, link);
	free(c);
	try_all(base);
}

static unsigned busy(uint32_t uid)
{
	unsigned n = helper_given_up(uid);
	const struct closing *c;

	TAILQ_FOREACH(c, &closing, link)
		n += c->uid == uid;
	return n;
}

static unsigned count(uint32_t uid)
{
	unsigned n = 0;
	const struct kept *k;

	TAILQ_FOREACH(k, &kept, link)
		n += k->uid == uid;
	return n;
}

/* Ours are closed only once a helper has its copies. */
static void let_go(uint32_t uid, unsigned n)
{
	struct kept *k = TAILQ_FIRST(&kept), *next;

	for (; k && n > 0; k = next) {
		next = TAILQ_NEXT(k, link);
		if (k->uid != uid)
			continue;
		TAILQ_REMOVE(&kept, k, link);
		fd_close(&k->fd);
		free(k);
		n--;
	}
}

/*
 * A helper with copies of the call's descriptors from the second on. It closes them when *hold is
 * closed: to be done as soon as ours are. 0, or a negative errno and *hold is -1.
 */
static int begin(struct event_base *base, struct helper_call *call, helper_done *done, void *ctx, int *hold)
{
	struct err e = { 0 };
	int p[2], rc;

	*hold = -1;
	if (pipe2(p, O_CLOEXEC) != 0)
		return -errno;
	call->fds[0] = p[0];
	rc = helper_start(base, &closer_kind, call, done, ctx, &e);
	fd_close(&p[0]);
	if (rc) {
		log_warn("%s", e.text);
		fd_close(&p[1]);
	}
	*hold = p[1];
	return rc;
}

/* False: no helper can be made now. */
static bool start(struct event_base *base, uint32_t uid)
{
	struct helper_call call = { .uid = uid, .nfds = 1 };
	struct closing *c = calloc(1, sizeof(*c));
	const struct kept *k;
	int hold;

	if (!c)
		return false;
	c->base = base;
	c->uid = uid;
	TAILQ_FOREACH(k, &kept, link)
		if (k->uid == uid && call.nfds <= CLOSER_BATCH)
			call.fds[call.nfds++] = k->fd;
	if (begin(base, &call, on_closed, c, &hold)) {
		free(c);
		return false;
	}
	TAILQ_INSERT_TAIL(&closing, c, link);
	let_go(uid, call.nfds - 1);
	fd_close(&hold);
	return true;
}

int close_elsewhere_and_tell(struct event_base *base, int *fd, uint32_t uid, helper_done *done, void *ctx)
{
	struct helper_call call = { .uid = uid, .nfds = 2 };
	int hold, rc;

	if (busy(uid) >= CLOSER_STUCK_MAX)
		return -EAGAIN;
	call.fds[1] = *fd;
	rc = begin(base, &call, done, ctx, &hold);
	if (rc)
		return rc;
	fd_close(fd);
	fd_close(&hold);
	return 0;
}

/* Of one uid whatever may go now; false when no helper can be made. */
static bool try_uid(struct event_base *base, uint32_t uid)
{
	unsigned n;

	while ((n = count(uid)) > 0 && (busy(uid) < CLOSER_STUCK_MAX || n >= CLOSER_BATCH))
		if (!start(base, uid))
			return false;
	return true;
}

static void on_retry(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	retrying = false;
	try_all(arg);
}

static void try_all(struct event_base *base)
{
	struct timeval tv = { .tv_sec = RETRY_S };
	const struct kept *k = TAILQ_FIRST(&kept);

	while (k) {
		uint32_t uid = k->uid;

		if (!try_uid(base, uid))
			break;
		/* what is left of that uid waits */
		for (k = TAILQ_FIRST(&kept); k && k->uid <= uid; k = TAILQ_NEXT(k, link))
			;
	}
	if (!TAILQ_EMPTY(&kept) && !retrying)
		retrying = event_base_once(base, -1, EV_TIMEOUT, on_retry, base, &tv) == 0;
}

void close_elsewhere(struct event_base *base, int *fd, uint32_t uid)
{
	struct kept *k, *after;

	if (*fd < 0)
		return;
	k = calloc(1, sizeof(*k));
	if (!k) {
		log_error("out of memory: a descriptor stays open, as its close may take for ever");
		*fd = -1;
		return;
	}
	k->fd = *fd;
	k->uid = uid;
	*fd = -1;
	TAILQ_FOREACH(after, &kept, link)
		if (after->uid > uid)
			break;
	if (after)
		TAILQ_INSERT_BEFORE(after, k, link);
	else
		TAILQ_INSERT_TAIL(&kept, k, link);
	try_all(base);
}
