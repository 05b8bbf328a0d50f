/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/own_limits.c - see own_limits.h.
 */
#include "control/sys/own_limits.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <sys/resource.h>

#include "common/log.h"

#define FDS_DEVICE 4U /* each device takes three; a few more while it is taken up or replaced */
#define FDS_OWN 16U /* before there is a device */
#define STACK (8UL << 20)

static int raise_to(__rlimit_resource_t what, const char *name, const char *remedy, rlim_t least, struct err *e)
{
	struct rlimit r;

	if (getrlimit(what, &r) != 0)
		return err_set(e, -errno, "getrlimit: %s", err_str(-errno));
	if (r.rlim_cur >= least)
		return 0;
	if (r.rlim_max < least)
		r.rlim_max = least;
	r.rlim_cur = least;
	if (setrlimit(what, &r) != 0)
		return err_set(e, -errno,
			       "its limit of %s is too low and cannot be raised (%s): start it with a higher one (%s)",
			       name, err_str(-errno), remedy);
	return 0;
}

/* Names in a directory, "." and ".." left out. */
static unsigned entries(const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *de;
	unsigned n = 0;

	while (d && (de = readdir(d)))
		n += de->d_name[0] != '.';
	if (d)
		(void)closedir(d);
	return n;
}

static int take_fds(const char *dir, struct err *e)
{
	char path[PATH_MAX];
	struct rlimit r;
	rlim_t least;

	(void)snprintf(path, sizeof(path), "%s/device", dir);
	least = (rlim_t)entries(path) * FDS_DEVICE + FDS_OWN + FDS_SPARE + FDS_CREATE;
	if (getrlimit(RLIMIT_NOFILE, &r) != 0)
		return err_set(e, -errno, "getrlimit: %s", err_str(-errno));
	if (r.rlim_max < least)
		log_warn("the limit of %llu descriptors is too low for the devices that there are: raised to %llu",
			 (unsigned long long)r.rlim_max, (unsigned long long)least);
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
	return raise_to(RLIMIT_NOFILE, "descriptors", "ulimit -n, LimitNOFILE=", least, e);
}

int own_limits_lift(const char *dir, struct err *e)
{
	static const struct {
		__rlimit_resource_t what;
		const char *name, *remedy;
		rlim_t least;
	} needs[] = {
		{ RLIMIT_AS, "address space", "ulimit -v, LimitAS=", RLIM_INFINITY },
		{ RLIMIT_DATA, "private memory", "ulimit -d, LimitDATA=", RLIM_INFINITY },
		{ RLIMIT_STACK, "stack", "ulimit -s, LimitSTACK=", STACK },
		{ RLIMIT_FSIZE, "file size", "ulimit -f, LimitFSIZE=", RLIM_INFINITY },
		{ RLIMIT_CPU, "processor time", "ulimit -t, LimitCPU=", RLIM_INFINITY },
		{ RLIMIT_NPROC, "processes", "ulimit -u, LimitNPROC=", RLIM_INFINITY },
		{ RLIMIT_MEMLOCK, "locked memory", "ulimit -l, LimitMEMLOCK=", RLIM_INFINITY },
	};
	int rc = take_fds(dir, e);

	for (size_t i = 0; rc == 0 && i < sizeof(needs) / sizeof(needs[0]); i++)
		rc = raise_to(needs[i].what, needs[i].name, needs[i].remedy, needs[i].least, e);
	return rc;
}

unsigned own_fds_free(void)
{
	unsigned used = entries("/proc/self/fd"); /* one of them is the directory's own */
	struct rlimit r;

	if (used == 0 || getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur <= used - 1)
		return 0;
	return r.rlim_cur - (used - 1) > UINT_MAX ? UINT_MAX : (unsigned)(r.rlim_cur - (used - 1));
}
