/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/backing_open.c - see backing_open.h. Runs in the helpers that hand over, find or
 * try a backing file, of a client's choosing, with that client's rights; may be killed at any time
 * by its deadline.
 */
#include "control/steps/backing_open.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/sys/with_parent.h"

#define RETRY_MS 10

int backing_become(const struct owner *o, struct err *e)
{
	gid_t groups[OWNER_GROUPS_MAX];

	if (o->ngroups > OWNER_GROUPS_MAX)
		return err_set(e, -EINVAL, "too many groups");
	for (uint32_t i = 0; i < o->ngroups; i++)
		groups[i] = o->groups[i];
	if (setgroups(o->ngroups, groups) != 0)
		return err_set(e, -errno, "taking on the owner's groups: %s", err_str(-errno));
	(void)setfsgid(o->gid);
	(void)setfsuid(o->uid);
	if ((uint32_t)setfsgid((gid_t)-1) != o->gid || (uint32_t)setfsuid((uid_t)-1) != o->uid)
		return err_set(e, -EPERM, "taking on the owner's ids failed");
	with_parent_again();
	return caps_helper(o->uid == 0 ? CAP_BIT(CAP_DAC_OVERRIDE) : 0, e);
}

static int lock_range(int fd, short type, off_t start, off_t len)
{
	struct flock fl = { .l_type = type, .l_whence = SEEK_SET, .l_start = start, .l_len = len };

	return fcntl(fd, F_OFD_SETLK, &fl) == 0 ? 0 : -errno;
}

static bool somebody_holds(int fd, off_t byte)
{
	struct flock fl = { .l_type = F_WRLCK, .l_whence = SEEK_SET, .l_start = byte, .l_len = 1 };

	return fcntl(fd, F_OFD_GETLK, &fl) != 0 || fl.l_type != F_UNLCK;
}

/*
 * A writable image: a write lock on all of it, which conflicts with every lock of ours and of
 * QEMU. A read-only image can be shared with readers: read locks only on the bytes by which QEMU
 * says "I read" (100) and "nobody else may write (201) or resize (203)"; a writer of ours
 * conflicts, and so does QEMU's.
 */
static int lock_file(int fd, bool read_only)
{
	int rc;

	if (!read_only)
		return lock_range(fd, F_WRLCK, 0, 0);
	rc = lock_range(fd, F_RDLCK, 100, 1);
	if (rc == 0)
		rc = lock_range(fd, F_RDLCK, 201, 1);
	if (rc == 0)
		rc = lock_range(fd, F_RDLCK, 203, 1);
	if (rc == 0 && (somebody_holds(fd, 101) || somebody_holds(fd, 103)))
		rc = -EAGAIN; /* QEMU writes it: said by read locks that only a question finds */
	return rc;
}

static int lock_it(int fd, bool read_only, const struct backing_info *info, struct err *e)
{
	int rc = lock_file(fd, read_only);

	if (rc == -EAGAIN || rc == -EACCES)
		return err_class(e, CTL_E_BUSY,
				 "%s is locked by another program (QEMU, or another vdused): stop that first",
				 info->path);
	return rc < 0 ? err_set(e, rc, "locking %s: %s", info->path, err_str(rc)) : 0;
}

static int open_error(int code, const struct backing_info *info, struct err *e)
{
	switch (code) {
	case -EAGAIN: /* a lease: not what fork(2) means by it */
		return err_class(e, CTL_E_BUSY, "%s is leased by another process: end that first", info->path);
	case -EBUSY:
		return err_class(e, CTL_E_BUSY,
				 "%s is in use by the host (mounted, or held by another process): free it first",
				 info->path);
	case -EACCES:
		return err_class(e, CTL_E_DENIED,
				 "%s may not be opened by the caller itself: give the caller's uid access to it",
				 info->path);
	case -EPERM:
		return err_set(e, code, "%s may not be opened by anybody: take its attributes away (see lsattr)",
			       info->path);
	case -EROFS:
	case -EIO:
		return err_set(e, code, "%s: %s: mend its file system or disk", info->path, err_str(code));
	default:
		return err_set(e, code, "%s: %s", info->path, err_str(code));
	}
}

/* -ESTALE, and what to do: a file can be put back, a disk that was given another number cannot. */
static int is_another(const struct backing_info *info, struct err *e)
{
	if (!info->is_block)
		return err_set(e, -ESTALE, "%s is not the file it was: put that back there", info->path);
	if (info->diskseq == 0)
		return err_set(e, -ESTALE,
			       "nobody knows whether %s is still the disk it was: an older vdused did not record it: "
			       "delete the device and create it anew",
			       info->path);
	return err_set(e, -ESTALE,
		       "%s is not the disk it was, as disks change their numbers: make sure which one is right, then "
		       "delete the device and create it anew",
		       info->path);
}

int backing_must_be(int fd, const struct backing_info *info, struct err *e)
{
	return backing_is(fd, info) ? 0 : is_another(info, e);
}

static int check_disk_size(int fd, const struct backing_info *info, struct err *e)
{
	uint64_t size;

	if (ioctl(fd, BLKGETSIZE64, &size) != 0)
		return err_set(e, -errno, "%s: %s", info->path, err_str(-errno));
	if (size < info->size)
		return err_set(e, -ESTALE, "%s has %llu bytes, less than the device's %llu: make it as large as it was",
			       info->path, (unsigned long long)size, (unsigned long long)info->size);
	return 0;
}

static int open_same(int path_fd, const struct backing_arg *a, const struct backing_info *info, int excl, struct err *e)
{
	int flags = (a->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
		    (a->direct ? O_DIRECT : 0) | excl;
	char link[40];
	int fd, rc;

	(void)snprintf(link, sizeof(link), "/proc/self/fd/%d", path_fd);
	fd = open(link, flags);
	if (fd < 0)
		return open_error(-errno, info, e);
	rc = backing_must_be(fd, info, e);
	if (rc == 0 && info->is_block)
		rc = check_disk_size(fd, info, e);
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

int backing_open(int path_fd, const struct backing_arg *a, const struct backing_info *info, struct err *e)
{
	int fd = open_same(path_fd, a, info, info->is_block ? O_EXCL : 0, e), rc;

	if (fd < 0 || info->is_block)
		return fd;
	rc = lock_it(fd, a->read_only, info, e);
	if (rc < 0)
		fd_close(&fd);
	return rc < 0 ? rc : fd;
}

int backing_open_soon(int path_fd, const struct backing_arg *a, const struct backing_info *info, long long ms,
		      struct err *e)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
	long long begin = now_ms();
	int fd = backing_open(path_fd, a, info, e);

	while (fd < 0 && e->class == CTL_E_BUSY && now_ms() - begin < ms) {
		(void)nanosleep(&pause, NULL);
		memset(e, 0, sizeof(*e));
		fd = backing_open(path_fd, a, info, e);
	}
	return fd;
}

int backing_try(int path_fd, const struct backing_arg *a, const struct backing_info *info, struct err *e)
{
	int fd = open_same(path_fd, a, info, 0, e);

	if (fd < 0)
		return fd;
	fd_close(&fd);
	return 0;
}
