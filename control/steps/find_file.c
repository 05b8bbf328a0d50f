/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/find_file.c - see find_file.h. Runs in helpers. The path is the kernel's word of
 * earlier; what it leads to now is up to whoever may write to its directories.
 */
#include "control/steps/find_file.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "common/fd.h"

static int open_path(const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS };
	int fd = (int)syscall(SYS_openat2, AT_FDCWD, path, &how, sizeof(how));

	return fd >= 0 ? fd : -errno;
}

/* With the owner's rights, so that it is nobody's secret. */
int find_path(const char *path, const struct owner *owner, const struct backing_info *info, struct err *e)
{
	int fd, rc;

	if (path[0] != '/')
		return err_set(e, -ENOENT, "%s has no path", info->path);
	rc = backing_become(owner, e);
	if (rc < 0)
		return rc;
	fd = open_path(path);
	if (fd == -EACCES)
		return err_class(e, CTL_E_DENIED, "%s: %s: put it back there", info->path, err_str(fd));
	return fd >= 0 ? fd : err_set(e, fd, "%s: %s: put it back there", info->path, err_str(fd));
}

static bool leads_to_another(const char *path, const struct backing_info *info)
{
	struct backing_info there;
	int fd = open_path(path), rc;

	if (fd < 0)
		return false;
	rc = backing_identify(fd, &there);
	fd_close(&fd);
	return rc == -EINVAL || (rc == 0 && !backing_same(&there, info));
}

int find_no_other(int fd, const struct backing_info *info, struct err *e)
{
	char link[40], path[PATH_MAX];
	struct stat st;
	ssize_t n;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	n = readlink(link, path, sizeof(path) - 1);
	if (n < 0 || fstat(fd, &st) != 0)
		return err_set(e, -errno, "%s: %s", info->path, err_str(-errno));
	path[n] = '\0';
	if (st.st_nlink == 0 || !leads_to_another(path, info))
		return 0;
	return err_class(
		e, CTL_E_INVALID,
		"%s is another file for vdused, which would be found in its place one day: pass one that has the "
		"same name in vdused's mount namespace",
		info->path);
}

static int same_kind(int path_fd, const struct find_arg *a, struct backing_info *now, struct err *e)
{
	int rc = backing_identify(path_fd, now);

	if (rc < 0 && rc != -EINVAL)
		return err_set(e, rc, "%s: %s", a->info.path, err_str(rc));
	if (rc < 0 || now->is_block != a->info.is_block)
		return err_set(e, -ESTALE, "%s is no %s any more: put that back there", a->info.path,
			       a->info.is_block ? "block device" : "regular file");
	if (now->is_block)
		return backing_must_be(path_fd, &a->info, e);
	if (!backing_known_fs(path_fd))
		return err_set(e, -ESTALE,
			       "%s is on a file system now that vdused does not serve from: mount the "
			       "right one",
			       a->info.path);
	return 0;
}

static int large_enough(const struct find_arg *a, const struct backing_info *now, struct err *e)
{
	unsigned long long has = now->size, had = a->info.size;

	if (has >= had)
		return 0;
	return err_set(
		e, -ESTALE,
		"%s has %llu bytes, less than the device's %llu: put the whole of it there, or: truncate -s %llu",
		now->path, has, had, had);
}

/* now: identity and name, for the open; then everything. */
static int try_what_is_there(int path_fd, const struct find_arg *a, struct backing_info *now, struct err *e)
{
	int fd, rc = same_kind(path_fd, a, now, e);

	if (rc < 0)
		return rc;
	memcpy(now->path, a->info.path, sizeof(now->path));
	now->size = now->is_block ? a->info.size : 0;
	fd = backing_open(path_fd, &a->how, now, e);
	if (fd < 0)
		return fd;
	rc = backing_examine(fd, &a->how, now, e);
	if (rc < 0 && e->class == CTL_E_INVALID)
		e->class = CTL_E_FAILED; /* here the file breaks the rule, and not the request */
	if (rc == 0)
		rc = large_enough(a, now, e);
	fd_close(&fd);
	return rc;
}

int find_file(const void *arg, struct helper_out *out)
{
	const struct find_arg *a = arg;
	struct err *e = &out->result->err;
	struct backing_info now = { 0 };
	int fd = find_path(a->path, &a->owner, &a->info, e), rc;

	if (fd < 0)
		return fd;
	rc = try_what_is_there(fd, a, &now, e);
	if (rc < 0)
		return rc;
	_Static_assert(sizeof(now) <= HELPER_DATA, "fits a helper's result");
	memcpy(out->result->data, &now, sizeof(now));
	out->fds[out->nfds++] = fd;
	return 0;
}

int try_file(const void *arg, struct helper_out *out)
{
	const struct find_arg *a = arg;
	struct err *e = &out->result->err;
	int rc = backing_become(&a->owner, e);

	return rc < 0 ? rc : backing_try(HELPER_FD, &a->how, &a->info, e);
}
