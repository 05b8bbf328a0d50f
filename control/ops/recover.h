/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/recover.h - vduse-ctl recover. Main process only; see change.h.
 */
#ifndef CONTROL_OPS_RECOVER_H
#define CONTROL_OPS_RECOVER_H

#include "control/device/device.h"

/*
 * A device in fail mode gets an ordinary worker. When that does not live, it is in fail mode again.
 */
void change_recover(struct device *d, device_done *done);

extern const struct operation op_recover;

#endif
