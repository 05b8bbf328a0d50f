/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/path.c - see path.h. Runs in vduse-ctl.
 */
#include "control/ctl/path.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/fd.h"

int path_open(const char *path, int flags, bool no_links)
{
	struct open_how how = {
		.flags = (unsigned)flags | O_CLOEXEC,
		.resolve = no_links ? RESOLVE_NO_SYMLINKS : 0,
	};
	long fd = syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd < 0 ? -errno : (int)fd;
}

int path_look(const char *path, bool no_links, struct stat *st)
{
	int fd = path_open(path, O_PATH, no_links), rc;

	if (fd < 0)
		return fd;
	rc = fstat(fd, st) == 0 ? 0 : -errno;
	fd_close(&fd);
	return rc;
}
