/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/load.h - the file of vdused.conf(5). Read at start by vdused's main process, and
 * at SIGHUP by a helper.
 */
#ifndef CONTROL_CONFIG_LOAD_H
#define CONTROL_CONFIG_LOAD_H

#include "control/config/config.h"

/*
 * Read a file: a regular one that belongs to this process's uid (root), that nobody else can write,
 * of at most CONFIG_FILE_MAX bytes. One that is missing gives the defaults unless it is required. 0
 * or a negative errno.
 */
int config_load(const char *file, bool required, struct config *c, struct err *e);

#endif
