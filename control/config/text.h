/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/text.h - the text of a file that says who may do what, or what is to be made. Runs
 * in vdused's main process at start, in its reload helper, and in vduse-ctl.
 */
#ifndef CONTROL_CONFIG_TEXT_H
#define CONTROL_CONFIG_TEXT_H

#include <stddef.h>

#include "common/err.h"

/*
 * The text of a regular file that belongs to root or to this process's uid, that nobody else can
 * write, of at most CONFIG_FILE_MAX bytes. 0 with *text (the caller frees it) and *len, or a
 * negative errno, -ENOENT among them.
 */
int config_text(const char *file, char **text, size_t *len, struct err *e);

#endif
