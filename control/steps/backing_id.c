/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/backing_id.c - see backing_id.h. Runs in helpers, on files of a client's choosing.
 */
#include "control/steps/backing_id.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/fd.h"

#ifndef BLKGETDISKSEQ
#define BLKGETDISKSEQ _IOR(0x12, 128, uint64_t)
#endif

/* A number below /sys/dev/block/MAJOR:MINOR, or a negative errno. */
static int sysfs_number(uint64_t rdev, const char *name, uint64_t *value)
{
	char path[80], text[32];
	int rc;

	(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%s", major(rdev), minor(rdev), name);
	rc = file_read(AT_FDCWD, path, text, sizeof(text));
	if (rc < 0)
		return rc;
	*value = strtoull(text, NULL, 10);
	return 0;
}

/*
 * An open descriptor knows its disk, whatever has its number now; an O_PATH one knows the
 * number only.
 */
static int disk_sequence(int fd, uint64_t rdev, uint64_t *seq)
{
	int rc;

	if (ioctl(fd, BLKGETDISKSEQ, seq) == 0)
		return 0;
	if (errno != EBADF)
		return -errno;
	rc = sysfs_number(rdev, "diskseq", seq);
	return rc == -ENOENT ? sysfs_number(rdev, "../diskseq", seq) : rc; /* a partition */
}

static int identify_disk(int fd, struct backing_info *info)
{
	int rc = disk_sequence(fd, info->rdev, &info->diskseq);

	if (rc < 0)
		return rc;
	rc = sysfs_number(info->rdev, "start", &info->start);
	return rc == -ENOENT ? 0 : rc; /* a whole disk */
}

int backing_identify(int fd, struct backing_info *info)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH | AT_STATX_DONT_SYNC, STATX_BASIC_STATS | STATX_BTIME, &sx) != 0)
		return -errno;
	info->dev = makedev(sx.stx_dev_major, sx.stx_dev_minor);
	info->ino = sx.stx_ino;
	info->rdev = makedev(sx.stx_rdev_major, sx.stx_rdev_minor);
	info->is_block = S_ISBLK(sx.stx_mode);
	info->born = 0;
	info->diskseq = 0;
	info->start = 0;
	if (info->is_block)
		return identify_disk(fd, info);
	if (!S_ISREG(sx.stx_mode))
		return -EINVAL;
	if (sx.stx_mask & STATX_BTIME)
		info->born = (uint64_t)sx.stx_btime.tv_sec * 1000000000U + sx.stx_btime.tv_nsec;
	return 0;
}

bool backing_is(int fd, const struct backing_info *info)
{
	struct backing_info now;

	if (backing_identify(fd, &now) != 0)
		return false;
	if (info->is_block && info->diskseq == 0)
		return false;
	return backing_same(&now, info);
}

static bool differ(uint64_t a, uint64_t b)
{
	return a != 0 && b != 0 && a != b;
}

static bool same_disk(const struct backing_info *a, const struct backing_info *b)
{
	if (!a->is_block || !b->is_block || a->rdev != b->rdev)
		return false;
	return a->diskseq == 0 || b->diskseq == 0 || (a->diskseq == b->diskseq && a->start == b->start);
}

bool backing_same(const struct backing_info *a, const struct backing_info *b)
{
	if (a->is_block || b->is_block)
		return same_disk(a, b);
	return a->dev == b->dev && a->ino == b->ino && !differ(a->born, b->born);
}
