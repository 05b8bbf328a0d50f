/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/main.c - vduse-ctl: runs as whoever calls it, has no privilege of its own, trusts its
 * caller's arguments and environment no further than they are checked.
 */
#include <fcntl.h>
#include <stdio.h>

#include "common/fd.h"
#include "control/ctl/report.h"
#include "control/ctl/tool.h"

/* Descriptors 0 to 2 must exist, or the backing file could become our standard error. */
static int fill_standard_fds(void)
{
	int fd;

	do
		fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	while (fd >= 0 && fd <= 2);
	if (fd < 0)
		return -1;
	fd_close(&fd);
	return 0;
}

int main(int argc, char **argv)
{
	if (fill_standard_fds() < 0)
		return CTL_E_FAILED;
	return tool_run(argc, argv, &tool_env_default);
}
