/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/channel/link.h - the worker's end of the channel to vdused (proto/worker_msg.h). Main
 * thread of vduse-worker only. Trusts vdused, but checks its messages all the same. Nothing here
 * waits except link_wait().
 */
#ifndef WORKER_CHANNEL_LINK_H
#define WORKER_CHANNEL_LINK_H

#include <stdbool.h>
#include <stdint.h>

#include "proto/worker_msg.h"

#define LINK_LOG_BURST 20U /* lines ... */
#define LINK_LOG_PERIOD 10000 /* ... in so many milliseconds */

/* as common/log.h */
enum link_level { LINK_ERROR = 0, LINK_WARN = 1, LINK_NOTE = 2, LINK_DEBUG = 3 };

struct link {
	int fd; /* -1: vdused is gone, or never was there */
	msg_states state; /* WORK_W_* */
	uint32_t log_level;
	bool stop; /* WORK_STOP was seen */
	bool early; /* vdused is of before WORK_RESUMED */
	long long orphan_end; /* WORK_W_ORPHAN: when our patience ends */
	/*
	 * What vdused orders beyond that (WORK_RESIZE, WORK_RESUME, WORK_ADOPT), checked. Set by
	 * the owner; NULL: none come.
	 */
	void (*order)(void *ctx, const union work_any *msg);
	void *order_ctx;
	/* log rate limit */
	long long period_end;
	uint32_t lines, dropped;
};

/* fd becomes non-blocking. 0 or a negative errno. */
int link_init(struct link *l, int fd);

/*
 * Wait up to ms for a record and check it. On success 0, *m is it, zeros behind it, and fds[] (if
 * wanted, *nfds on entry its size, on return their number) are the caller's. -ETIMEDOUT, -EPIPE
 * (end of file), -EPROTO (not what is allowed now).
 */
int link_wait(struct link *l, union work_any *m, int *fds, unsigned *nfds, int ms);

/*
 * Handle what vdused sent while serving: answers WORK_PING, notes WORK_STOP, passes orders on,
 * drops anything wrong with a log line. At end of file fd becomes -1; for WORK_W_ORPHAN also at
 * anything wrong, without a word. Never waits.
 */
void link_serve(struct link *l);

/* fd is a new connection: only WORK_ADOPT is accepted, until end (now_ms()). */
void link_begin_orphan(struct link *l, int fd, long long end);

/*
 * Answer WORK_ADOPT, with the backing file: from here on it is the channel. When that cannot be
 * sent, fd becomes -1.
 */
void link_adopted(struct link *l, uint32_t generation, int halted, int backend);

/* Say WORK_READY, and which state files this binary understands. 0 or a negative errno. */
int link_ready(struct link *l);

/* Send a message without content (WORK_SERVING). 0 or a negative errno. */
int link_say(struct link *l, uint16_t type);

/* Answer WORK_RESIZE: error is 0 or a negative errno. */
void link_resized(struct link *l, uint64_t capacity, int error);

/*
 * Say WORK_HALTED, error is negative. 0; -EAGAIN: vdused does not read; another negative errno:
 * there is none.
 */
int link_halted(struct link *l, uint32_t queue, int error);

/*
 * Answer WORK_RESUME. Returns as link_halted() does; -ENOTCONN also where vdused would not
 * understand.
 */
int link_resumed(struct link *l);

/*
 * One line for people, made printable, cut to fit, dropped beyond the rate limit or when vdused
 * does not read.
 */
void link_log(struct link *l, enum link_level level, const char *fmt, ...) __attribute__((format(printf, 3, 4)));

#endif
