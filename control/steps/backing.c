/*
 * control/steps/backing.c - see backing.h. Runs in the file and hand-over helpers on a file of the
 * client's choosing; may be killed at any time by its deadline.
 */
#include "control/steps/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/fsuid.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/steps/backing_limits.h"
#include "control/sys/caps.h"
#include "proto/ctl_msg.h"

/*
 * Local file systems whose I/O the host itself answers for. A server of the tenant's own (FUSE), or one
 * that may be gone (NFS), could hold up a worker for ever.
 */
static const struct {
	uint32_t magic;
	const char *name;
} file_systems[] = {
	{ 0xef53, "ext4" },     { 0x58465342, "xfs" }, { 0x9123683e, "btrfs" },    { 0x01021994, "tmpfs" },
	{ 0xf2f52010, "f2fs" }, { 0x2fc12fc1, "zfs" }, { 0xca451a4e, "bcachefs" },
};

static bool known_fs(int fd)
{
	struct statfs s;

	if (fstatfs(fd, &s) != 0)
		return false;
	for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++)
		if ((uint32_t)s.f_type == file_systems[i].magic)
			return true;
	return false;
}

static void proc_path(int fd, char *buf, size_t size)
{
	(void)snprintf(buf, size, "/proc/self/fd/%d", fd);
}

static void name_file(int fd, struct backing_info *info)
{
	char link[40];
	ssize_t n;

	proc_path(fd, link, sizeof(link));
	n = readlink(link, info->path, sizeof(info->path) - 1);
	info->path[n > 0 ? n : 0] = '\0';
	err_printable(info->path);
}

static uint64_t time_ns(const struct statx_timestamp *t)
{
	return (uint64_t)t->tv_sec * 1000000000U + t->tv_nsec;
}

static uint64_t born(int fd)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_BTIME, &sx) != 0 || !(sx.stx_mask & STATX_BTIME))
		return 0;
	return time_ns(&sx.stx_btime);
}

bool backing_is(int fd, const struct backing_info *info)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS | STATX_BTIME, &sx) != 0)
		return false;
	if (makedev(sx.stx_dev_major, sx.stx_dev_minor) != info->dev || sx.stx_ino != info->ino ||
	    makedev(sx.stx_rdev_major, sx.stx_rdev_minor) != info->rdev)
		return false;
	if (info->is_block ? !S_ISBLK(sx.stx_mode) : !S_ISREG(sx.stx_mode))
		return false;
	return info->is_block || info->born == 0 || !(sx.stx_mask & STATX_BTIME) ||
	       time_ns(&sx.stx_btime) == info->born;
}

static int check_mode(int fd, const struct backing_arg *a, struct err *e)
{
	int fl = fcntl(fd, F_GETFL);

	if (fl < 0)
		return err_set(e, -errno, "the backing file: %s", err_str(-errno));
	if (fl & O_PATH)
		return err_set(e, -EINVAL, "the backing file was passed as an O_PATH descriptor: open it for reading%s",
			       a->read_only ? "" : " and writing");
	if (!a->read_only && (fl & O_ACCMODE) != O_RDWR)
		return err_set(e, -EINVAL,
			       "the backing file is not open for reading and writing: open it O_RDWR, or create the "
			       "device --read-only");
	if (a->read_only && (fl & O_ACCMODE) == O_WRONLY)
		return err_set(e, -EINVAL, "the backing file is open for writing only: open it O_RDONLY");
	return 0;
}

static int check_block_device(int fd, const struct backing_arg *a, struct backing_info *info, struct err *e)
{
	int logical = 0, ro = 0;

	if (ioctl(fd, BLKGETSIZE64, &info->size) != 0 || ioctl(fd, BLKSSZGET, &logical) != 0 ||
	    ioctl(fd, BLKROGET, &ro) != 0)
		return err_set(e, -errno, "%s: %s", info->path, err_str(-errno));
	if (ro && !a->read_only)
		return err_set(e, -EROFS, "%s is a read-only disk: create the device --read-only", info->path);
	if (logical < 0 || logical > 4096)
		return err_set(e, -EINVAL, "%s has blocks of %d bytes, and a device has 512 or 4096: use another disk",
			       info->path, logical);
	if ((uint32_t)logical > a->block_size)
		return err_set(e, -EINVAL, "%s has blocks of %d bytes: create the device with --block-size %d",
			       info->path, logical, logical);
	return 0;
}

static int check_size(const struct backing_arg *a, const struct backing_info *info, struct err *e)
{
	unsigned long long size = info->size, bs = a->block_size;

	if (size == 0)
		return err_set(e, -EINVAL, "%s is empty: give it a size first, as in: truncate -s 10G %s", info->path,
			       info->path);
	if (size > VD_CAPACITY_MAX)
		return err_set(e, -EFBIG, "%s is larger than a device can be", info->path);
	if (size % bs != 0)
		return err_set(e, -EINVAL,
			       "%s has %llu bytes, not a multiple of the block size %llu: make it %llu bytes long",
			       info->path, size, bs, (size / bs + 1) * bs);
	return 0;
}

static int check_file(int fd, const struct backing_arg *a, struct backing_info *info, struct err *e)
{
	struct stat st;
	int rc;

	name_file(fd, info);
	rc = check_mode(fd, a, e);
	if (rc)
		return rc;
	if (fstat(fd, &st) != 0)
		return err_set(e, -errno, "%s: %s", info->path, err_str(-errno));
	info->dev = st.st_dev;
	info->ino = st.st_ino;
	info->rdev = st.st_rdev;
	info->is_block = S_ISBLK(st.st_mode);
	info->born = S_ISREG(st.st_mode) ? born(fd) : 0;
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_set(e, -EINVAL, "%s is neither a regular file nor a block device", info->path);
	if (S_ISREG(st.st_mode) && !known_fs(fd))
		return err_set(
			e, -EINVAL,
			"%s is on a file system that vdused does not serve from: use ext4, xfs, btrfs, f2fs, zfs, "
			"bcachefs or tmpfs",
			info->path);
	info->size = S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	if (S_ISBLK(st.st_mode)) {
		rc = check_block_device(fd, a, info, e);
		if (rc)
			return rc;
	}
	rc = check_size(a, info, e);
	if (!rc)
		rc = limits_check_direct(fd, a, info->path, e);
	limits_unmap(fd, info, &info->unmap);
	return rc;
}

/* Receive exactly one CTL_FILE with exactly one descriptor; hostile peer. */
static int receive_file(int sock, struct err *e)
{
	_Alignas(8) union ctl_request buf;
	const struct msg_rule *rule;
	struct chan_msg m;
	enum msg_verdict v;
	int rc = chan_wait(sock, BACKING_RECV_MS);

	if (!rc)
		rc = chan_recv(sock, &buf, sizeof(buf), true, &m);
	if (rc)
		return err_set(e, rc, "the client did not send the backing file: %s", err_str(rc));
	v = msg_check(ctl_requests, ctl_request_rows, &buf, m.len, m.truncated, m.nfds, CTL_S_FILE, &rule);
	if (v != MSG_OK) {
		chan_msg_close(&m);
		return err_set(e, -EPROTO, "instead of the backing file the client sent a message %s",
			       msg_verdict_text(v));
	}
	return m.fds[0];
}

int backing_check(const void *arg, struct helper_out *out)
{
	const struct backing_arg *a = arg;
	struct err *e = &out->result->err;
	struct backing_info info = { 0 };
	char link[40];
	int fd, path_fd, rc;

	fd = receive_file(HELPER_FD, e);
	if (fd < 0)
		return fd;
	rc = check_file(fd, a, &info, e);
	if (rc)
		return rc;
	proc_path(fd, link, sizeof(link));
	path_fd = open(link, O_PATH | O_CLOEXEC);
	if (path_fd < 0)
		return err_set(e, -errno, "%s: %s", info.path, err_str(-errno));
	_Static_assert(sizeof(info) <= HELPER_DATA, "fits a helper's result");
	memcpy(out->result->data, &info, sizeof(info));
	out->fds[out->nfds++] = path_fd;
	return 0;
}

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
	return caps_helper(o->uid == 0 ? CAP_BIT(CAP_DAC_OVERRIDE) : 0, e);
}

bool backing_same(const struct backing_info *a, const struct backing_info *b)
{
	if (a->is_block || b->is_block)
		return a->is_block && b->is_block && a->rdev == b->rdev;
	return a->dev == b->dev && a->ino == b->ino;
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
 * A writable image: a write lock on all of it, which conflicts with every lock of ours and of QEMU.
 * A read-only image can be shared with readers: read locks only on the bytes by which QEMU says "I read"
 * (100) and "nobody else may write (201) or resize (203)"; a writer of ours conflicts, and so does QEMU's.
 */
static int lock_file(int fd, bool read_only)
{
	int rc;

	if (!read_only)
		return lock_range(fd, F_WRLCK, 0, 0);
	rc = lock_range(fd, F_RDLCK, 100, 1);
	if (!rc)
		rc = lock_range(fd, F_RDLCK, 201, 1);
	if (!rc)
		rc = lock_range(fd, F_RDLCK, 203, 1);
	if (!rc && (somebody_holds(fd, 101) || somebody_holds(fd, 103)))
		rc = -EAGAIN; /* QEMU writes it: those say so by read locks of their own, which only a question finds */
	return rc;
}

static int open_error(int code, const struct backing_info *info, struct err *e)
{
	if (code == -EBUSY)
		return err_set(e, code, "%s is in use by the host (mounted, or held by another process): free it first",
			       info->path);
	if (code == -EACCES || code == -EPERM)
		return err_set(e, code, "%s may not be opened by the caller itself: give the caller's uid access to it",
			       info->path);
	return err_set(e, code, "%s: %s", info->path, err_str(code));
}

int backing_open(int path_fd, const struct backing_arg *a, const struct backing_info *info, struct err *e)
{
	int flags = (a->read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | O_NOCTTY | O_NONBLOCK |
		    (a->direct ? O_DIRECT : 0) | (info->is_block ? O_EXCL : 0);
	struct stat st;
	char link[40];
	int fd, rc;

	proc_path(path_fd, link, sizeof(link));
	fd = open(link, flags);
	if (fd < 0)
		return open_error(-errno, info, e);
	if (fstat(fd, &st) != 0 || st.st_dev != info->dev || st.st_ino != info->ino || st.st_rdev != info->rdev) {
		fd_close(&fd);
		return err_set(e, -ESTALE, "%s is not the file it was", info->path);
	}
	rc = info->is_block ? 0 : lock_file(fd, a->read_only);
	if (rc == -EAGAIN || rc == -EACCES) {
		fd_close(&fd);
		return err_set(e, -EBUSY, "%s is locked by another program (QEMU, or another vdused): stop that first",
			       info->path);
	}
	if (rc) {
		fd_close(&fd);
		return err_set(e, rc, "locking %s: %s", info->path, err_str(rc));
	}
	return fd;
}
