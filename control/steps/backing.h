/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/backing.h - backing files: checking what a client sent. Runs in helpers only:
 * opening, fstat() and even close() of a file of a client's choosing can block for ever (FUSE,
 * NFS), so vdused's main process never holds the client's descriptor. What it keeps is an O_PATH
 * descriptor, which holds no lock and needs no right, but keeps its file system busy: so not in
 * fail mode.
 */
#ifndef CONTROL_STEPS_BACKING_H
#define CONTROL_STEPS_BACKING_H

#include <stdbool.h>
#include <stdint.h>

#include "common/blkconf.h"
#include "control/helper/helper.h"
#include "control/steps/backing_id.h"
#include "control/sys/owner.h"

struct backing_arg {
	uint32_t block_size; /* bytes: size must be a multiple, and not below the disk's own */
	bool read_only;
	bool direct;
};

struct backing_check_arg {
	struct backing_arg how;
	struct owner owner; /* the client */
};

/*
 * helper_fn with backing_check_arg. HELPER_FD is the client's connection, HELPER_FD + 1 not used:
 * receives CTL_FILE from it (the descriptor never enters the main process) and checks the file,
 * with the client's rights: also that its name leads to no other one, which would be found in its
 * place one day.
 * Result: backing_info and one O_PATH fd. Errors: -EINVAL for what the client can mend.
 */
int backing_check(const void *arg, struct helper_out *out);
#define BACKING_RECV_MS 5000

/*
 * In a helper: all of that for a file that is open as fd; fills info. 0 or a negative errno,
 * -EINVAL for what can be mended by whoever chose the file.
 */
int backing_examine(int fd, const struct backing_arg *a, struct backing_info *info, struct err *e);

/*
 * Is fd, an O_PATH descriptor perhaps, on a file system that is served from? Asks its server,
 * if it has one.
 */
bool backing_known_fs(int fd);

/* Is fd, which info describes, a regular file on a tmpfs? All its I/O is done at once then. */
bool backing_on_tmpfs(int fd, const struct backing_info *info);

#endif
