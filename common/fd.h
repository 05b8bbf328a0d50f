/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/fd.h - small helpers around file descriptors. Linked into every process.
 * Rule of the project: every fd is O_CLOEXEC and has one owner; the owner's variable is -1 when it
 * holds none.
 */
#ifndef COMMON_FD_H
#define COMMON_FD_H

#include <stddef.h>

/* Close *fd if it is >= 0 and set it to -1. Keeps errno. */
void fd_close(int *fd);

/* Hand *fd over: returns its value and leaves -1. */
int fd_take(int *fd);

/* Milliseconds of CLOCK_MONOTONIC, for deadlines. */
long long now_ms(void);

/*
 * Read a small file (sysfs, procfs) whole. dirfd/path as for openat. buf gets at most size - 1
 * bytes and a NUL, without a final newline. Returns the length or a negative errno.
 */
int file_read(int dirfd, const char *path, char *buf, size_t size);

/* Write the string to an existing file (sysfs) in one write. Returns 0 or a negative errno. */
int file_write(int dirfd, const char *path, const char *text);

#endif
