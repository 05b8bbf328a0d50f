/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/backing_id.h - by what a backing file or disk is known again. Helpers; the main
 * process compares only.
 *
 * A regular file is its inode and the time it was born. A block device is not its number:
 * device-mapper, loop and sd hand a freed one to the next disk at once. It is the kernel's
 * sequence number of the disk, which no other gets before the next boot, and where on the disk it
 * begins, as partitions can be made anew on the same disk.
 */
#ifndef CONTROL_STEPS_BACKING_ID_H
#define CONTROL_STEPS_BACKING_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blkconf.h"
#include "proto/limits.h"

struct backing_info { /* what was found, kept in the device record */
	uint64_t dev, ino, rdev; /* identity; of a block device's node, rdev alone counts */
	uint64_t size; /* bytes */
	/* ns since 1970, 0 = its file system does not say; tells a later file of that inode */
	uint64_t born;
	uint64_t diskseq; /* of a block device, 0 = not known: no disk is taken for that one */
	uint64_t start; /* of a partition, in sectors of 512 bytes */
	uint32_t is_block;
	uint32_t on_tmpfs; /* a regular file whose I/O waits for no disk; 0 also where not known */
	/* what was promised to the driver, whatever becomes of the disk below */
	struct blk_unmap unmap;
	char path[VD_FILE_SIZE]; /* as the kernel names it, printable, for people only */
};

/*
 * Fill in what identifies fd, which may be an O_PATH descriptor: all but size, path and on_tmpfs.
 * Does not ask a server, should the file turn out to have one. 0 or a negative errno; -EINVAL for
 * what is neither a regular file nor a block device.
 */
int backing_identify(int fd, struct backing_info *info);

/* Is fd, an O_PATH descriptor perhaps, what info describes? */
bool backing_is(int fd, const struct backing_info *info);

/* Both are, or may be, the same file or disk: what is not known does not tell them apart. */
bool backing_same(const struct backing_info *a, const struct backing_info *b);

#endif
