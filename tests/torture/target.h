/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/target.h - what the checker writes to and reads from. Part of the checker. All
 * calls block until the operation is done and give 0 or a negative errno; offsets and lengths are
 * multiples of unit.
 */
#ifndef TORTURE_TARGET_H
#define TORTURE_TARGET_H

#include <stddef.h>
#include <stdint.h>

struct target {
	const struct target_ops *ops;
	uint32_t unit; /* bytes */
	int fd;
	void *ctx; /* of a target that is none, in the checker's own tests */
};

struct target_ops {
	int (*read)(struct target *t, void *buf, size_t len, uint64_t offset);
	int (*write)(struct target *t, const void *buf, size_t len, uint64_t offset);
	int (*zero)(struct target *t, uint64_t offset, uint64_t len);
	int (*discard)(struct target *t, uint64_t offset, uint64_t len);
	int (*flush)(struct target *t);
};

/* A block device's node or a regular file, with O_DIRECT where it is a block device. */
int target_open(struct target *t, const char *path);

#endif
