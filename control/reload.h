/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/reload.h - the configuration of the running vdused: read at start, and again at SIGHUP.
 * Main process; at SIGHUP a helper reads and checks the file, since asking for users and groups can
 * take long.
 */
#ifndef CONTROL_RELOAD_H
#define CONTROL_RELOAD_H

#include "control/device/device.h"

/*
 * Read the file that line names; svc gets the configuration, its options (line and configuration
 * merged) and the limits of workers. 0 or a negative errno.
 */
int reload_first(struct service *svc, const struct options *line, struct err *e);

/*
 * Read it again. A file with a mistake changes nothing. What holds for what is there already
 * (socket-group, worker-uids; limits of devices that live) stays until the next start. Everything
 * is logged.
 */
void reload_begin(struct service *svc);

#endif
