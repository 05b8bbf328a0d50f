/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/jail_check.c - see jail_check.h. The status files are the kernel's words; only the
 * task's name in them is the worker's, and it cannot hold a newline.
 */
#include "control/steps/jail_check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/fd.h"

/* Value of a "Key:\tvalue" line, or NULL. */
static const char *field(const char *status, const char *key, char *buf, size_t size)
{
	size_t n = strlen(key);
	const char *p = status;

	while (p && strncmp(p, key, n) != 0) {
		p = strchr(p, '\n');
		p = p ? p + 1 : NULL;
	}
	if (!p || p[n] != ':')
		return NULL;
	p += n + 1;
	p += strspn(p, "\t ");
	n = strcspn(p, "\n");
	if (n >= size)
		return NULL;
	memcpy(buf, p, n);
	buf[n] = '\0';
	return buf;
}

static int want(const char *status, const char *key, const char *value, struct err *e)
{
	char buf[256];
	const char *have = field(status, key, buf, sizeof(buf));
	size_t n;

	if (!have)
		return err_set(e, -EPERM, "the jail check found no %s of the worker", key);
	n = strlen(buf);
	while (n > 0 && buf[n - 1] == ' ')
		buf[--n] = '\0';
	if (strcmp(buf, value) != 0)
		return err_set(e, -EPERM, "the jail check failed: %s of the worker is \"%s\", must be \"%s\"", key, buf,
			       value);
	return 0;
}

/* How many seccomp filters are in force, or -1. */
static long filters_of(const char *status)
{
	char buf[32];
	const char *p = field(status, "Seccomp_filters", buf, sizeof(buf));

	return p ? strtol(p, NULL, 10) : -1;
}

int jail_check_status(const char *status, uint32_t uid, unsigned inherited, struct err *e)
{
	static const char *const empty[] = { "CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb" };
	char ids[64], ns[64];
	const char *p;
	int rc;

	(void)snprintf(ids, sizeof(ids), "%u\t%u\t%u\t%u", uid, uid, uid, uid);
	rc = want(status, "Uid", ids, e);
	if (rc == 0)
		rc = want(status, "Gid", ids, e);
	if (rc == 0)
		rc = want(status, "Groups", "", e);
	for (size_t i = 0; rc == 0 && i < sizeof(empty) / sizeof(empty[0]); i++)
		rc = want(status, empty[i], "0000000000000000", e);
	if (rc == 0)
		rc = want(status, "NoNewPrivs", "1", e);
	if (rc == 0)
		rc = want(status, "Seccomp", "2", e);
	if (rc < 0)
		return rc;
	if (filters_of(status) <= (long)inherited)
		return err_set(e, -EPERM, "the jail check failed: the worker has no seccomp filter of its own");
	p = field(status, "NSpid", ns, sizeof(ns));
	if (!p || !strchr(p, '\t'))
		return err_set(e, -EPERM, "the jail check failed: the worker has no pid namespace of its own");
	return 0;
}

/* vdused is not of those whom hidepid lets see all processes: it has no CAP_SYS_PTRACE. */
static int unreadable(const char *path, int code, struct err *e)
{
	return err_set(e, code, "the jail check cannot read %s: %s%s", path, err_str(code),
		       code == -ENOENT ? ": the worker is gone, or /proc is mounted with hidepid= and gid= of a group "
					 "that vdused must be in, see vdused(8)"
				       : "");
}

static int one_task(pid_t pid, const char *tid, uint32_t uid, unsigned inherited, struct err *e)
{
	char path[64], status[4096];
	int rc;

	(void)snprintf(path, sizeof(path), "/proc/%d/task/%.16s/status", (int)pid, tid);
	rc = file_read(AT_FDCWD, path, status, sizeof(status));
	if (rc < 0)
		return unreadable(path, rc, e);
	return jail_check_status(status, uid, inherited, e);
}

/* Our own filters, which every child has too. */
static int own_filters(unsigned *count, struct err *e)
{
	char status[4096];
	long n;
	int rc = file_read(AT_FDCWD, "/proc/self/status", status, sizeof(status));

	if (rc < 0)
		return err_set(e, rc, "the jail check cannot read /proc/self/status: %s", err_str(rc));
	n = filters_of(status);
	if (n < 0)
		return err_set(e, -ENOSYS, "the jail check cannot count seccomp filters: Linux 5.9 or later is needed");
	*count = (unsigned)n;
	return 0;
}

int jail_check_worker(pid_t pid, uint32_t uid, struct err *e)
{
	char path[64];
	unsigned inherited = 0;
	struct dirent *de;
	unsigned tasks = 0;
	int rc = own_filters(&inherited, e);
	DIR *d;

	if (rc < 0)
		return rc;
	(void)snprintf(path, sizeof(path), "/proc/%d/task", (int)pid);
	d = opendir(path);
	if (!d)
		return unreadable(path, -errno, e);
	while (rc == 0 && (de = readdir(d))) {
		if (de->d_name[0] == '.')
			continue;
		tasks++;
		rc = one_task(pid, de->d_name, uid, inherited, e);
	}
	(void)closedir(d);
	if (rc == 0 && tasks == 0)
		return err_set(e, -ESRCH, "the jail check found no task of the worker");
	return rc;
}
