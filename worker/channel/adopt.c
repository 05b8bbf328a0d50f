/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * worker/channel/adopt.c - see adopt.h. Main thread of vduse-worker; trusts nobody who has
 * connected.
 */
#include "worker/channel/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "common/fd.h"
#include "worker/jail/syscalls.h"

#define PAUSE_MS 1

int adopt_prepare(void)
{
	return fcntl(FD_LISTEN, F_SETFL, O_RDWR | O_NONBLOCK) < 0 ? -errno : 0;
}

int adopt_poll_fd(const struct link *l)
{
	return l->fd >= 0 ? l->fd : FD_LISTEN;
}

/*
 * The lock is held: nobody else makes a descriptor, and the lowest free number is FD_TRANSIENT.
 * Nothing here waits.
 */
static int take_connection(void)
{
	int fd = accept4(FD_LISTEN, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK), rc;

	if (fd < 0)
		return -errno;
	rc = dup3(fd, FD_CHANNEL, O_CLOEXEC) < 0 ? -errno : 0;
	fd_close(&fd);
	return rc;
}

void adopt_accept(struct link *l, struct iova_map *m)
{
	int rc = -EBUSY;

	/*
	 * Never wait for the lock: who has it may be in mmap() of a file that the driver's owner
	 * answers for.
	 */
	if (iova_try_lock(m)) {
		rc = take_connection();
		iova_unlock(m);
	}
	if (rc == 0)
		link_begin_orphan(l, FD_CHANNEL, now_ms() + ADOPT_MS);
	else if (rc != -EAGAIN)
		(void)poll(NULL, 0, PAUSE_MS); /* the socket stays readable: do not spin */
}

int adopt_tend(struct link *l)
{
	long long left = l->orphan_end - now_ms();

	if (l->state != WORK_W_ORPHAN)
		return -1;
	if (l->fd >= 0 && left > 0)
		return (int)left;
	/*
	 * Its number must stay taken, and close() is not allowed on it; on the listening socket
	 * nothing can be said.
	 */
	(void)dup3(FD_LISTEN, FD_CHANNEL, O_CLOEXEC);
	l->fd = -1;
	l->state = WORK_W_SERVING;
	return -1;
}
