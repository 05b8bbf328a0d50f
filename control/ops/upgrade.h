/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/upgrade.h - a device gets a worker of the installed binary. Main process only; see
 * change.h.
 */
#ifndef CONTROL_OPS_UPGRADE_H
#define CONTROL_OPS_UPGRADE_H

#include "control/device/device.h"

/*
 * A worker of the installed binary takes over: it is started and sealed beside the old one, which
 * then drains and ends, and gets the device. Nobody above sees more than the pause between the two.
 * If the new one cannot be used, the old one stays. A replacement or adoption that is under way is
 * waited for.
 */
void change_upgrade(struct device *d, device_done *done);

extern const struct operation op_upgrade;

#endif
