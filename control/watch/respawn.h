/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/watch/respawn.h - a device whose worker died gets the next generation. Main process only.
 */
#ifndef CONTROL_WATCH_RESPAWN_H
#define CONTROL_WATCH_RESPAWN_H

#include "control/device/device.h"

/*
 * For a step's begin(): it ends when the device has a serving worker, or with an error when it will
 * have none. Always 0.
 */
int respawn_wait(struct device *d);

/* Its worker, which served, has ended: for struct service. */
void respawn_died(struct device *d, const struct err *why);

/* The device is off the bus: whatever respawning was under way is not needed any more. */
void respawn_cancel(struct device *d);

/*
 * What an earlier vdused left of the device is known; e->code 0: its worker serves, or none is
 * needed. Else the next one is started, in fail mode where there is no backing file.
 */
void respawn_adopted(struct device *d, const struct err *e);

/*
 * An ordinary worker serves where one in fail mode did; or it could not, and one in fail mode is
 * needed again.
 */
void respawn_recovered(struct device *d);
void respawn_failed_again(struct device *d, const struct err *why);

/* A FAILED device gets one more worker, so that it can be removed in order. */
void respawn_now(struct device *d);

#endif
