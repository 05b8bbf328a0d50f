/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/delete.h - removing a device, or what a failed create left of it. Main process only.
 */
#ifndef CONTROL_OPS_DELETE_H
#define CONTROL_OPS_DELETE_H

#include "control/device/device.h"

/*
 * Undo whatever the record says is there: detach, stop the worker, destroy. done is called once.
 * After success the device is freed as soon as done returns; after an error it is as it was before
 * (-EBUSY) or FAILED.
 */
void delete_run(struct device *d, bool force, device_done *done);

/* The same as an undo; d->force says how. */
extern const struct operation op_delete;

#endif
