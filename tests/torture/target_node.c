/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/target_node.c - a block device's node, or a regular file, as the checker's target.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/torture/sector.h"
#include "tests/torture/target.h"

static int node_read(struct target *t, void *buf, size_t len, uint64_t offset)
{
	ssize_t n = pread(t->fd, buf, len, (off_t)offset);

	return n < 0 ? -errno : (size_t)n == len ? 0 : -EIO;
}

static int node_write(struct target *t, const void *buf, size_t len, uint64_t offset)
{
	ssize_t n = pwrite(t->fd, buf, len, (off_t)offset);

	return n < 0 ? -errno : (size_t)n == len ? 0 : -EIO;
}

static int node_flush(struct target *t)
{
	return fdatasync(t->fd) < 0 ? -errno : 0;
}

static int node_ioctl(struct target *t, unsigned long what, uint64_t offset, uint64_t len)
{
	uint64_t range[2] = { offset, len };

	return ioctl(t->fd, what, range) < 0 ? -errno : 0;
}

static int node_zero(struct target *t, uint64_t offset, uint64_t len)
{
	return node_ioctl(t, BLKZEROOUT, offset, len);
}

static int node_discard(struct target *t, uint64_t offset, uint64_t len)
{
	return node_ioctl(t, BLKDISCARD, offset, len);
}

static int punch(struct target *t, uint64_t offset, uint64_t len)
{
	int mode = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE;

	return fallocate(t->fd, mode, (off_t)offset, (off_t)len) < 0 ? -errno : 0;
}

static const struct target_ops node_ops = { node_read, node_write, node_zero, node_discard, node_flush };
static const struct target_ops file_ops = { node_read, node_write, punch, punch, node_flush };

int target_open(struct target *t, const char *path)
{
	struct stat st;
	int unit = SECTOR;

	if (stat(path, &st) < 0)
		return -errno;
	t->ops = S_ISBLK(st.st_mode) ? &node_ops : &file_ops;
	t->fd = open(path, O_RDWR | O_CLOEXEC | (S_ISBLK(st.st_mode) ? O_DIRECT : 0));
	if (t->fd < 0 || (S_ISBLK(st.st_mode) && ioctl(t->fd, BLKSSZGET, &unit) < 0))
		return -errno;
	t->unit = (uint32_t)unit;
	return 0;
}
