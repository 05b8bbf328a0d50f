/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/worker_limits.c - see worker_limits.h. The limits file is the kernel's words.
 */
#include "control/steps/worker_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "common/fd.h"

#define NOFILE 64
/* main thread, one per queue and ten slow ones, twice during an upgrade, with room to spare */
#define TASKS 64
/* private writable memory: stacks, request slots; the driver's memory is shared */
#define DATA (64UL << 20)
/* not "unlimited", which would also lay the address space out in a way that is known */
#define STACK (8UL << 20)
#define LOCKED (256UL << 20) /* all but the driver's memory; bounded by what may be mapped */

static const struct {
	__rlimit_resource_t what;
	const char *name; /* in /proc/PID/limits */
	rlim_t value;
} limits[] = {
	{ RLIMIT_CPU, "Max cpu time", RLIM_INFINITY },
	{ RLIMIT_DATA, "Max data size", DATA },
	{ RLIMIT_STACK, "Max stack size", STACK },
	{ RLIMIT_CORE, "Max core file size", 0 },
	{ RLIMIT_RSS, "Max resident set", RLIM_INFINITY },
	{ RLIMIT_NPROC, "Max processes", TASKS },
	{ RLIMIT_NOFILE, "Max open files", NOFILE },
	{ RLIMIT_MEMLOCK, "Max locked memory", LOCKED },
	/* the driver's memory is mapped, as much as it has */
	{ RLIMIT_AS, "Max address space", RLIM_INFINITY },
	{ RLIMIT_LOCKS, "Max file locks", 0 },
	{ RLIMIT_SIGPENDING, "Max pending signals", 64 },
	{ RLIMIT_MSGQUEUE, "Max msgqueue size", 0 },
	{ RLIMIT_NICE, "Max nice priority", 0 },
	{ RLIMIT_RTPRIO, "Max realtime priority", 0 },
	{ RLIMIT_RTTIME, "Max realtime timeout", RLIM_INFINITY },
};

#define LIMITS (sizeof(limits) / sizeof(limits[0]))

_Static_assert(LIMITS + 1 == RLIM_NLIMITS, "there is one more, of the file size");

int worker_limits_set(uint64_t file_size)
{
	struct rlimit r = { .rlim_cur = file_size, .rlim_max = file_size };

	if (setrlimit(RLIMIT_FSIZE, &r) != 0)
		return -errno;
	for (size_t i = 0; i < LIMITS; i++) {
		r.rlim_cur = r.rlim_max = limits[i].value;
		if (setrlimit(limits[i].what, &r) != 0)
			return -errno;
	}
	return 0;
}

/* Reads "unlimited" or a number, and what is left to read. */
static rlim_t number(const char **p)
{
	static const char word[] = "unlimited";
	rlim_t v = RLIM_INFINITY;
	char *end;

	*p += strspn(*p, " ");
	if (strncmp(*p, word, strlen(word)) == 0) {
		*p += strlen(word);
		return v;
	}
	v = strtoull(*p, &end, 10);
	*p = end;
	return v;
}

int worker_limits_judge(const char *text, struct err *e)
{
	for (size_t i = 0; i < LIMITS; i++) {
		const char *p = strstr(text, limits[i].name);
		rlim_t soft, hard;

		if (!p)
			return err_set(e, -EPERM, "the jail check found no \"%s\" of the worker", limits[i].name);
		p += strlen(limits[i].name);
		soft = number(&p);
		hard = number(&p);
		if (soft != limits[i].value || hard != limits[i].value)
			return err_set(e, -EPERM,
				       "the jail check failed: \"%s\" of the worker is %llu (hard %llu), must be %llu",
				       limits[i].name, (unsigned long long)soft, (unsigned long long)hard,
				       (unsigned long long)limits[i].value);
	}
	return 0;
}

int worker_limits_check(pid_t pid, struct err *e)
{
	char path[64], text[4096];
	int rc;

	(void)snprintf(path, sizeof(path), "/proc/%d/limits", (int)pid);
	rc = file_read(AT_FDCWD, path, text, sizeof(text));
	return rc < 0 ? err_set(e, rc, "the jail check cannot read %s: %s", path, err_str(rc))
		      : worker_limits_judge(text, e);
}
