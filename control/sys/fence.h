/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/fence.h - has all I/O of a device's workers ended? Main process and helpers.
 *
 * The end of a process does not say so. The kernel waits for asynchronous I/O when the memory of
 * the process is given up, which is done by whoever uses it last; that may be anybody who reads in
 * /proc/PID at that moment, and then the process ends without waiting for anything.
 *
 * So the state file is locked. The hand-over helper locks the description that it has opened for
 * the worker; the worker maps the file and closes the descriptor, and from then on its mapping
 * alone keeps the description, and with it the lock. The kernel removes mappings after it has
 * waited for the I/O, whoever does it. Nobody else ever has a descriptor of that description.
 */
#ifndef CONTROL_SYS_FENCE_H
#define CONTROL_SYS_FENCE_H

#include <errno.h>

/* Some I/O has not ended, or a worker lives. No call of ours has another reason to say this. */
#define FENCE_HELD (-EINPROGRESS)

/*
 * Take the lock for fd, an open of the state file for reading and writing that is the caller's
 * own; waits for it for up to ms milliseconds. 0, FENCE_HELD or another negative errno.
 */
int fence_take(int fd, long long ms);

/*
 * Does anybody have it? Never waits. path: of the state file. 0 if nobody has, or there is no such
 * file; FENCE_HELD; or another negative errno when it cannot be told.
 */
int fence_look(const char *path);

/* Milliseconds until the next look, when so many were waited: the longer, the more rarely. */
int fence_pause_ms(long long waited_ms);

#endif
