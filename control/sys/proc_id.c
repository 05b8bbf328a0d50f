/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/proc_id.c - see proc_id.h.
 */
#include "control/sys/proc_id.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fd.h"

#define START_TIME_FIELD 22

uint64_t proc_start_time(pid_t pid)
{
	char path[64], text[1024], *p;

	(void)snprintf(path, sizeof(path), "/proc/%d/stat", (int)pid);
	if (file_read(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return 0;
	p = strrchr(text, ')'); /* ends field 2, the name, in which anything may be */
	for (int field = 2; p && field < START_TIME_FIELD; field++) {
		p = strchr(p, ' ');
		p = p ? p + 1 : NULL;
	}
	return p ? strtoull(p, NULL, 10) : 0;
}

uint32_t proc_uid(pid_t pid)
{
	char path[64], text[2048], *line;

	(void)snprintf(path, sizeof(path), "/proc/%d/status", (int)pid);
	if (file_read(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return UINT32_MAX;
	line = strstr(text, "\nUid:");
	return line ? (uint32_t)strtoul(line + strlen("\nUid:"), NULL, 10) : UINT32_MAX;
}

pid_t proc_next_of_uid(uint32_t uid, pid_t after)
{
	DIR *d = opendir("/proc");
	struct dirent *de;
	pid_t best = 0;

	while (d && (de = readdir(d))) {
		pid_t pid = (pid_t)strtol(de->d_name, NULL, 10); /* 0: not a process */

		if (pid > after && (best == 0 || pid < best) && proc_uid(pid) == uid)
			best = pid;
	}
	if (d)
		(void)closedir(d);
	return best;
}
