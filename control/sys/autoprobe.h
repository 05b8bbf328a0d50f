/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/autoprobe.h - the host-wide switch /sys/bus/vdpa/drivers_autoprobe, off while a
 * device of ours is added to the bus (control/steps/vdpa_bus.h says why). Main process; sysfs
 * attributes that never block.
 * The old value is kept in a file too, so that the next vdused restores it if this one is killed.
 */
#ifndef CONTROL_SYS_AUTOPROBE_H
#define CONTROL_SYS_AUTOPROBE_H

#include "common/err.h"

/* At start: restore what an earlier vdused left. path: where the old value is kept. */
void autoprobe_restore(const char *path);

/*
 * Switch off; counts, so that several devices can be added at once. 0 or a negative errno with e
 * filled.
 */
int autoprobe_off(const char *path, struct err *e);

/* Undo one autoprobe_off(); the last one restores the old value. */
void autoprobe_on(const char *path);

#endif
