/*
 * control/steps/backing.h - backing files: checking what a client sent, and opening it again for a worker.
 * Runs in helpers only: opening, fstat() and even close() of a file of a client's choosing can block for
 * ever (FUSE, NFS), so vdused's main process never holds the client's descriptor. What it keeps is an
 * O_PATH descriptor, which holds no lock and needs no right.
 */
#ifndef CONTROL_STEPS_BACKING_H
#define CONTROL_STEPS_BACKING_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "common/blkconf.h"
#include "control/helper/helper.h"
#include "control/sys/owner.h"

struct backing_info { /* what was found, kept in the device record */
	uint64_t dev, ino, rdev; /* identity */
	uint64_t size; /* bytes */
	uint64_t
		born; /* ns since 1970, 0 = its file system does not say: tells it from a later file of the same inode number */
	uint32_t is_block;
	uint32_t reserved;
	struct blk_unmap unmap; /* what was promised to the driver, whatever becomes of the disk below */
	char path[VD_FILE_SIZE]; /* as the kernel names it, printable, for people only */
};

struct backing_arg {
	uint32_t block_size; /* bytes: size must be a multiple, and not below the disk's own */
	bool read_only;
	bool direct;
};

/*
 * helper_fn with backing_arg. HELPER_FD is the client's connection, HELPER_FD + 1 not used: receives
 * CTL_FILE from it (the descriptor never enters the main process) and checks the file.
 * Result: backing_info and one O_PATH fd. Errors: -EINVAL for what the client can mend.
 */
int backing_check(const void *arg, struct helper_out *out);
#define BACKING_CHECK_MS 6000U
#define BACKING_RECV_MS 5000

/*
 * In a helper: take on the owner's ids for file access. Needs CAP_SETUID, CAP_SETGID. Capabilities
 * that override file permissions are gone afterwards unless the owner is root. 0 or a negative errno.
 */
int backing_become(const struct owner *o, struct err *e);
#define BACKING_CAPS (CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_DAC_OVERRIDE))

/*
 * In a helper, after backing_become(): an open file description of its own for one worker generation,
 * locked against everybody else (F_OFD_SETLK for regular files, O_EXCL for block devices).
 * path_fd: the O_PATH fd; info: what it must still be. Returns an fd or a negative errno.
 */
int backing_open(int path_fd, const struct backing_arg *a, const struct backing_info *info, struct err *e);

/*
 * Is fd, an O_PATH descriptor perhaps, what info describes? Does not ask a server, should the file turn out to have one.
 */
bool backing_is(int fd, const struct backing_info *info);

/* Both are the same file or disk. */
bool backing_same(const struct backing_info *a, const struct backing_info *b);

#endif
