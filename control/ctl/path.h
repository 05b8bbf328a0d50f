/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/path.h - paths of backing files, which may lead through directories that somebody
 * else can write. Runs as the tool's caller, or as the owner of a device (owner.h).
 */
#ifndef CONTROL_CTL_PATH_H
#define CONTROL_CTL_PATH_H

#include <stdbool.h>
#include <sys/stat.h>

/*
 * open(2), with O_CLOEXEC; no_links: -ELOOP where any part of the path is a symbolic link. A
 * descriptor, which is the caller's, or a negative errno.
 */
int path_open(const char *path, int flags, bool no_links);

/*
 * What is there, without opening it in earnest: a watchdog would start, a tape be wound back. 0 or
 * a negative errno, as above.
 */
int path_look(const char *path, bool no_links, struct stat *st);

#endif
