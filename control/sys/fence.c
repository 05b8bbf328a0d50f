/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/fence.c - see fence.h.
 */
#include "control/sys/fence.h"

#include <fcntl.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"

#define PAUSE_MIN_MS 5
#define PAUSE_MAX_MS 500

int fence_pause_ms(long long waited_ms)
{
	long long ms = waited_ms / 4;

	return (int)(ms < PAUSE_MIN_MS ? PAUSE_MIN_MS : ms > PAUSE_MAX_MS ? PAUSE_MAX_MS : ms);
}

static void pause_ms(int ms)
{
	struct timespec ts = { .tv_sec = 0, .tv_nsec = ms * 1000000L };

	(void)nanosleep(&ts, NULL);
}

static int lock_now(int fd)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

	if (fcntl(fd, F_OFD_SETLK, &whole) == 0)
		return 0;
	return errno == EAGAIN || errno == EACCES ? FENCE_HELD : -errno;
}

int fence_take(int fd, long long ms)
{
	long long begin = now_ms();
	int rc;

	while ((rc = lock_now(fd)) == FENCE_HELD && now_ms() - begin < ms)
		pause_ms(fence_pause_ms(now_ms() - begin));
	return rc;
}

int fence_look(const char *path)
{
	struct flock whole = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), rc;

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	rc = fcntl(fd, F_OFD_GETLK, &whole) == 0 ? 0 : -errno;
	fd_close(&fd);
	return rc == 0 && whole.l_type != F_UNLCK ? FENCE_HELD : rc;
}
