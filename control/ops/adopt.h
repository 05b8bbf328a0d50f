/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/adopt.h - what an earlier vdused left: devices and workers that are serving, and
 * creates and deletes that it did not finish. Main process, at start; the blocking part is a
 * helper per device.
 *
 *   worker alive   its jail is checked as at birth, but for its limits; it is asked for the backing
 *                  file, and watched from then on
 *   worker dead    the backing file is found by its path with its owner's rights, and must be the
 *                  very same, and the next generation
 *                  started; where it is not found, one in fail mode
 *   half created   undone;  half deleted: deleted, with the same force
 * Other processes with a worker's uid are killed: at most a worker that never got its device.
 */
#ifndef CONTROL_OPS_ADOPT_H
#define CONTROL_OPS_ADOPT_H

#include "control/device/device.h"

/*
 * Take every record in DIR/device up. Until a device has been looked at it is shown as recovering.
 */
void adopt_all(struct service *svc);

extern const struct operation op_adopt;

#endif
