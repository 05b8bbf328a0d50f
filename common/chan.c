/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/chan.c - see chan.h. Runs in every process; the peer is hostile.
 */
#include "common/chan.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include "common/fd.h"

int chan_send(int sock, const void *buf, size_t len, const int *fds, unsigned nfds)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * CHAN_FDS_MAX)];
	struct iovec iov = { .iov_base = (void *)(size_t)buf, .iov_len = len };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (nfds > CHAN_FDS_MAX)
		return -EINVAL;
	if (nfds > 0) {
		struct cmsghdr *c;

		memset(control, 0, sizeof(control));
		mh.msg_control = control;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * nfds);
		c = CMSG_FIRSTHDR(&mh);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int) * nfds);
		memcpy(CMSG_DATA(c), fds, sizeof(int) * nfds);
	}
	do
		n = sendmsg(sock, &mh, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (size_t)n == len ? 0 : -EMSGSIZE;
}

static void take_fds(struct msghdr *mh, struct chan_msg *m)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(mh); c; c = CMSG_NXTHDR(mh, c)) {
		size_t count;
		int fd;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(int));
			if (m->nfds < CHAN_FDS_MAX) {
				m->fds[m->nfds++] = fd;
			} else {
				fd_close(&fd);
				m->truncated = true;
			}
		}
	}
}

int chan_peek(int sock)
{
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = sizeof(byte) };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	do
		n = recvmsg(sock, &mh, MSG_PEEK | MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	return (mh.msg_flags & MSG_CTRUNC) != 0;
}

int chan_recv(int sock, void *buf, size_t size, bool fds_wanted, struct chan_msg *m)
{
	_Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * CHAN_FDS_MAX)];
	struct iovec iov = { .iov_base = buf, .iov_len = size };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	memset(m, 0, sizeof(*m));
	if (fds_wanted) {
		mh.msg_control = control;
		mh.msg_controllen = sizeof(control);
	}
	do
		n = recvmsg(sock, &mh, MSG_CMSG_CLOEXEC);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return -errno;
	m->len = (size_t)n;
	m->truncated = (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0;
	if (fds_wanted)
		take_fds(&mh, m);
	return 0;
}

void chan_msg_close(struct chan_msg *m)
{
	for (unsigned i = 0; i < m->nfds; i++)
		fd_close(&m->fds[i]);
	m->nfds = 0;
}

int chan_wait(int sock, long long ms)
{
	long long end = now_ms() + ms;

	for (;;) {
		struct pollfd p = { .fd = sock, .events = POLLIN };
		long long left = end - now_ms();
		int n = poll(&p, 1, left > 0 ? (int)left : 0);

		if (n > 0)
			return 0;
		if (n == 0)
			return -ETIMEDOUT;
		if (errno != EINTR)
			return -errno;
	}
}
