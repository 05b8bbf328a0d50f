/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/resize.h - a device takes the size that its backing file has got. Main process only;
 * see change.h.
 */
#ifndef CONTROL_OPS_RESIZE_H
#define CONTROL_OPS_RESIZE_H

#include "control/device/device.h"

/*
 * Take the size that the backing file has, or grow it to size bytes (0 = do not) and take that.
 * -EINVAL for less than the device has, -EDQUOT for more than its tenant may have; d->backing.size
 * is the new size at the end.
 */
void change_resize(struct device *d, uint64_t size, device_done *done);

extern const struct operation op_resize;

#endif
