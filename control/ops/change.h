/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/change.h - what upgrade, recover, resize and resume have in common. Main process
 * only. Whoever starts one has asked device_refuses() before. Its done is called once, always from
 * the event loop or before the call that started it returns.
 */
#ifndef CONTROL_OPS_CHANGE_H
#define CONTROL_OPS_CHANGE_H

#include "control/device/device.h"

struct find_arg; /* control/steps/find_file.h */

/* What the helpers that look for its backing file, or try it, need to know of a device. */
void change_find_arg(const struct device *d, struct find_arg *a);

/*
 * For what needs its backing file. A device that was adopted from its worker, while its file was
 * away, has none: -ENOENT and says so.
 */
int change_has_file(const struct device *d, struct err *e);

#endif
