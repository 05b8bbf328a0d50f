/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/proc_sched.c - see proc_sched.h.
 */
#include "control/sys/proc_sched.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fd.h"

static char read_state(pid_t pid, pid_t tid)
{
	char path[64], text[1024], *p;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	if (file_read(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return 0;
	p = strrchr(text, ')'); /* ends the name, in which anything may be */
	return (char)(p && p[1] == ' ' ? p[2] : 0);
}

void proc_sched(pid_t pid, struct proc_sched *s)
{
	char path[64], text[96], *end;

	memset(s, 0, sizeof(*s));
	s->state = read_state(pid, pid);
	(void)snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", (int)pid, (int)pid);
	if (file_read(AT_FDCWD, path, text, sizeof(text)) <= 0)
		return;
	s->ran_ns = strtoull(text, &end, 10);
	s->waited_ns = strtoull(end, NULL, 10);
}

bool proc_runnable(pid_t pid)
{
	char path[32];
	bool runnable = false;
	struct dirent *de;
	DIR *d;

	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	while (d && !runnable && (de = readdir(d)))
		runnable = read_state(pid, (pid_t)strtol(de->d_name, NULL, 10)) == 'R';
	if (d)
		(void)closedir(d);
	return runnable;
}
