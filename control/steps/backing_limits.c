/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/backing_limits.c - see backing_limits.h. Runs in helpers; sysfs and the kernel's
 * answers about a file are trusted.
 */
#include "control/steps/backing_limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "common/fd.h"
#include "proto/worker_msg.h"

#ifndef STATX_DIOALIGN
#define STATX_DIOALIGN 0x2000U
#endif
/* of stx_dio_mem_align and stx_dio_offset_align: behind the fields that older headers know */
#define DIOALIGN_AT 0x98

#define FILE_GRANULARITY 4096U

/*
 * A number of the disk's queue, which a partition's directory does not have but the one above it; 0
 * = there is none.
 */
static uint64_t queue_limit(uint64_t rdev, const char *what)
{
	static const char *const where[] = { "", "../" };
	char path[96], text[32];

	for (size_t i = 0; i < sizeof(where) / sizeof(where[0]); i++) {
		(void)snprintf(path, sizeof(path), "/sys/dev/block/%u:%u/%squeue/%s", major(rdev), minor(rdev),
			       where[i], what);
		if (file_read(AT_FDCWD, path, text, sizeof(text)) > 0)
			return strtoull(text, NULL, 10);
	}
	return 0;
}

void limits_unmap(int fd, const struct backing_info *info, struct blk_unmap *u)
{
	struct stat st;

	memset(u, 0, sizeof(*u));
	if (info->is_block) {
		u->discard_max = queue_limit(info->rdev, "discard_max_bytes");
		u->granularity = (uint32_t)queue_limit(info->rdev, "discard_granularity");
		u->by_zeroing = queue_limit(info->rdev, "write_zeroes_max_bytes") != 0;
		return;
	}
	if (fstat(fd, &st) != 0)
		return;
	/*
	 * Every file system of the list in backing.c makes holes; a file of one that may not have
	 * any is answered so later.
	 */
	u->discard_max = VD_CAPACITY_MAX;
	u->granularity = st.st_blksize > FILE_GRANULARITY ? (uint32_t)st.st_blksize : FILE_GRANULARITY;
	u->by_zeroing = 1;
}

/* False: kernel or file system does not say. */
static bool ask(int fd, struct direct_align *align)
{
	struct statx sx;

	if (statx(fd, "", AT_EMPTY_PATH, STATX_DIOALIGN, &sx) != 0 || !(sx.stx_mask & STATX_DIOALIGN))
		return false;
	memcpy(align, (const unsigned char *)&sx + DIOALIGN_AT, sizeof(*align));
	return true;
}

int limits_direct(int fd, const struct backing_arg *a, const char *path, struct direct_align *align, struct err *e)
{
	*align = (struct direct_align){ 1, 1 };
	if (!a->direct)
		return 0;
	if (!ask(fd, align)) /* whatever it wants, it is no more than this */
		*align = (struct direct_align){ WORK_ALIGN_MAX, WORK_ALIGN_MAX };
	if (align->mem == 0 || align->len == 0)
		return err_class(e, CTL_E_INVALID, "%s: its file system has no direct I/O: leave out --direct", path);
	if (align->mem > WORK_ALIGN_MAX || align->len > WORK_ALIGN_MAX)
		return err_class(e, CTL_E_INVALID, "%s: direct I/O needs blocks of %u bytes there: leave out --direct",
				 path, align->mem > align->len ? align->mem : align->len);
	return 0;
}

int limits_check_direct(int fd, const struct backing_arg *a, const char *path, struct err *e)
{
	struct direct_align align;
	int rc = limits_direct(fd, a, path, &align, e);

	if (rc < 0 || !a->direct || !ask(fd, &align) || align.len <= a->block_size)
		return rc;
	return err_class(
		e, CTL_E_INVALID,
		"%s: direct I/O needs blocks of %u bytes there: create the device with --block-size %u, or leave "
		"out --direct",
		path, align.len, align.len);
}
