/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/backing.c - see backing.h. Runs in the helpers that check a file and find one
 * again, on a file of a client's choosing; may be killed at any time by its deadline.
 */
#include "control/steps/backing.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "common/fd.h"
#include "control/steps/backing_limits.h"
#include "control/steps/find_file.h"
#include "proto/ctl_msg.h"

#define TMPFS 0x01021994U

/*
 * Local file systems whose I/O the host itself answers for. A server of the tenant's own (FUSE), or
 * one that may be gone (NFS), could hold up a worker for ever.
 */
static const struct {
	uint32_t magic;
	const char *name;
} file_systems[] = {
	{ 0xef53, "ext4" },     { 0x58465342, "xfs" }, { 0x9123683e, "btrfs" },    { TMPFS, "tmpfs" },
	{ 0xf2f52010, "f2fs" }, { 0x2fc12fc1, "zfs" }, { 0xca451a4e, "bcachefs" },
};

static uint32_t fs_of(int fd) /* 0 = nobody says */
{
	struct statfs s;

	return fstatfs(fd, &s) == 0 ? (uint32_t)s.f_type : 0;
}

bool backing_known_fs(int fd)
{
	uint32_t magic = fs_of(fd);

	for (size_t i = 0; i < sizeof(file_systems) / sizeof(file_systems[0]); i++)
		if (magic == file_systems[i].magic)
			return true;
	return false;
}

/* (The node of a block device is on one, too.) */
bool backing_on_tmpfs(int fd, const struct backing_info *info)
{
	return !info->is_block && fs_of(fd) == TMPFS;
}

static void proc_path(int fd, char *buf, size_t size)
{
	(void)snprintf(buf, size, "/proc/self/fd/%d", fd);
}

/* By its name it is found again after a restart of vdused, so there must be one that fits. */
static int name_file(int fd, struct backing_info *info, struct err *e)
{
	char link[40], name[PATH_MAX];
	ssize_t n;

	proc_path(fd, link, sizeof(link));
	n = readlink(link, name, sizeof(name) - 1);
	if (n < 0 && errno == ENAMETOOLONG)
		return err_class(e, CTL_E_INVALID,
				 "the backing file's whole path has more than %d bytes, so that it could not be found "
				 "again: move it to a shorter one",
				 PATH_MAX - 1);
	if (n < 0)
		return err_set(e, -errno, "the backing file's name: %s", err_str(-errno));
	name[n] = '\0';
	msg_set_string(info->path, sizeof(info->path), name);
	err_printable(info->path);
	return 0;
}

static int check_mode(int fd, const struct backing_arg *a, struct err *e)
{
	int fl = fcntl(fd, F_GETFL);

	if (fl < 0)
		return err_set(e, -errno, "the backing file: %s", err_str(-errno));
	if (fl & O_PATH)
		return err_class(e, CTL_E_INVALID,
				 "the backing file was passed as an O_PATH descriptor: open it for reading%s",
				 a->read_only ? "" : " and writing");
	if (!a->read_only && (fl & O_ACCMODE) != O_RDWR)
		return err_class(e, CTL_E_INVALID,
				 "the backing file is not open for reading and writing: open it O_RDWR, or create the "
				 "device --read-only");
	if (a->read_only && (fl & O_ACCMODE) == O_WRONLY)
		return err_class(e, CTL_E_INVALID, "the backing file is open for writing only: open it O_RDONLY");
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
		return err_class(e, CTL_E_INVALID,
				 "%s has blocks of %d bytes, and a device has 512 or 4096: use another disk",
				 info->path, logical);
	if ((uint32_t)logical > a->block_size)
		return err_class(e, CTL_E_INVALID, "%s has blocks of %d bytes: create the device with --block-size %d",
				 info->path, logical, logical);
	return 0;
}

static int check_size(const struct backing_arg *a, const struct backing_info *info, struct err *e)
{
	unsigned long long size = info->size, bs = a->block_size;

	if (size == 0)
		return err_class(e, CTL_E_INVALID, "%s is empty: give it a size first, as in: truncate -s 10G %s",
				 info->path, info->path);
	if (size > VD_CAPACITY_MAX)
		return err_class(e, CTL_E_INVALID, "%s is larger than a device can be", info->path);
	if (size % bs != 0)
		return err_class(e, CTL_E_INVALID,
				 "%s has %llu bytes, not a multiple of the block size %llu: make it %llu bytes long",
				 info->path, size, bs, (size / bs + 1) * bs);
	return 0;
}

int backing_examine(int fd, const struct backing_arg *a, struct backing_info *info, struct err *e)
{
	struct stat st;
	int rc = name_file(fd, info, e);

	if (rc == 0)
		rc = check_mode(fd, a, e);
	if (rc < 0)
		return rc;
	if (fstat(fd, &st) != 0)
		return err_set(e, -errno, "%s: %s", info->path, err_str(-errno));
	if (!S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return err_class(e, CTL_E_INVALID, "%s is neither a regular file nor a block device", info->path);
	if (S_ISREG(st.st_mode) && !backing_known_fs(fd))
		return err_class(
			e, CTL_E_INVALID,
			"%s is on a file system that vdused does not serve from: use ext4, xfs, btrfs, f2fs, zfs, "
			"bcachefs or tmpfs",
			info->path);
	rc = backing_identify(fd, info);
	if (rc < 0)
		return err_set(e, rc, "%s: which file or disk it is: %s", info->path, err_str(rc));
	info->on_tmpfs = backing_on_tmpfs(fd, info);
	info->size = info->is_block ? 0 : (uint64_t)st.st_size;
	rc = info->is_block ? check_block_device(fd, a, info, e) : 0;
	if (rc == 0)
		rc = check_size(a, info, e);
	if (rc == 0)
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

	if (rc == 0)
		rc = chan_recv(sock, &buf, sizeof(buf), true, &m);
	if (rc < 0)
		return err_set(e, rc, "the client did not send the backing file: %s", err_str(rc));
	v = msg_check(ctl_requests, ctl_request_rows, &buf, m.len, m.truncated, m.nfds, CTL_S_FILE, &rule);
	if (v != MSG_OK) {
		chan_msg_close(&m);
		return err_class(e, CTL_E_PROTOCOL, "instead of the backing file the client sent a message %s",
				 msg_verdict_text(v));
	}
	return m.fds[0];
}

int backing_check(const void *arg, struct helper_out *out)
{
	const struct backing_check_arg *a = arg;
	struct err *e = &out->result->err;
	struct backing_info info = { 0 };
	char link[40];
	int fd, path_fd, rc = backing_become(&a->owner, e);

	if (rc < 0)
		return rc;
	fd = receive_file(HELPER_FD, e);
	if (fd < 0)
		return fd;
	rc = backing_examine(fd, &a->how, &info, e);
	if (rc == 0)
		rc = find_no_other(fd, &info, e);
	if (rc < 0)
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
