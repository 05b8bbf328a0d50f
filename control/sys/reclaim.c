/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/reclaim.c - see reclaim.h.
 */
#include "control/sys/reclaim.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#include "common/fd.h"

int reclaim_shield(struct err *e)
{
	if (prctl(PR_SET_IO_FLUSHER, 1, 0, 0, 0) != 0)
		return err_set(e, -errno, "cannot become an I/O flusher: %s", err_str(-errno));
	if (mlockall(MCL_CURRENT | MCL_FUTURE) != 0)
		return err_set(e, -errno, "cannot lock its memory: %s", err_str(-errno));
	return 0;
}

void reclaim_shield_helper(void)
{
	(void)mlockall(MCL_CURRENT | MCL_FUTURE | MCL_ONFAULT);
}

void *reclaim_keep(const char *path, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	void *map = fd >= 0 ? mmap(NULL, size, PROT_READ, MAP_SHARED | MAP_LOCKED, fd, 0) : MAP_FAILED;

	fd_close(&fd);
	return map == MAP_FAILED ? NULL : map;
}

void reclaim_let_go(void **map, size_t size)
{
	if (*map)
		(void)munmap(*map, size);
	*map = NULL;
}
