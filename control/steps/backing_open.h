/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/steps/backing_open.h - opening a backing file again, for a worker or to see whether that
 * works. Helpers only.
 */
#ifndef CONTROL_STEPS_BACKING_OPEN_H
#define CONTROL_STEPS_BACKING_OPEN_H

#include "control/steps/backing.h"
#include "control/sys/caps.h"
#include "control/sys/owner.h"

/*
 * In a helper: take on the owner's ids for file access. Needs CAP_SETUID, CAP_SETGID. Capabilities
 * that override file permissions are gone afterwards unless the owner is root. 0 or a negative
 * errno.
 */
int backing_become(const struct owner *o, struct err *e);

/*
 * In a helper, after backing_become(): an open file description of its own for one worker
 * generation, locked against everybody else (F_OFD_SETLK for regular files, O_EXCL for block
 * devices). path_fd: the O_PATH fd; info: what it must still be, a disk also as large. Returns an
 * fd or a negative errno.
 */
int backing_open(int path_fd, const struct backing_arg *a, const struct backing_info *info, struct err *e);

/*
 * The same, for a file that is about to become free: whoever has it is waited for, up to ms
 * milliseconds.
 */
int backing_open_soon(int path_fd, const struct backing_arg *a, const struct backing_info *info, long long ms,
		      struct err *e);

/*
 * The same while a worker has it: everything but the lock is tried, and it is closed again. 0 or a
 * negative errno.
 */
int backing_try(int path_fd, const struct backing_arg *a, const struct backing_info *info, struct err *e);

/*
 * 0, or -ESTALE with the remedy when fd, an O_PATH descriptor perhaps, is not what info
 * describes.
 */
int backing_must_be(int fd, const struct backing_info *info, struct err *e);

#endif
