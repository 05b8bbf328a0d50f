/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/chan.h - sending and receiving one record with descriptors on a SOCK_SEQPACKET socket.
 * Linked into every process. Nothing here interprets a byte.
 */
#ifndef COMMON_CHAN_H
#define COMMON_CHAN_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#define CHAN_FDS_MAX 4U

struct chan_msg { /* one received record */
	size_t len; /* bytes in the caller's buffer; 0 = end of file */
	unsigned nfds;
	int fds[CHAN_FDS_MAX]; /* close-on-exec, owned by the caller from now on */
	/* record longer than the buffer, or descriptors that did not fit: they are closed */
	bool truncated;
};

/*
 * Send len bytes and nfds descriptors (kept by the caller) as one record. Never raises SIGPIPE.
 * Returns 0 or a negative errno (-EAGAIN on a full non-blocking socket).
 */
int chan_send(int sock, const void *buf, size_t len, const int *fds, unsigned nfds);

/*
 * Look at the next record; nothing is taken, installed or dropped. 1 = it brings descriptors, 0 =
 * it brings none, or it is the end of file, or a negative errno: -EAGAIN when there is none yet.
 * What was seen is what chan_recv() gets.
 */
int chan_peek(int sock);

/*
 * Receive one record into buf[size]. With fds_wanted false no descriptor is ever installed: the
 * kernel drops what was sent and truncated is set. Returns 0 (m->len 0 at end of file) or a
 * negative errno.
 */
int chan_recv(int sock, void *buf, size_t size, bool fds_wanted, struct chan_msg *m);

/* Close whatever descriptors m still holds. */
void chan_msg_close(struct chan_msg *m);

/* Wait until sock can be read, at most ms milliseconds. 0, -ETIMEDOUT or a negative errno. */
int chan_wait(int sock, long long ms);

#endif
