/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/resume.h - vduse-ctl resume. Main process only; see change.h.
 */
#ifndef CONTROL_OPS_RESUME_H
#define CONTROL_OPS_RESUME_H

#include "control/device/device.h"

/* What halted goes on. */
void change_resume(struct device *d, device_done *done);

extern const struct operation op_resume;

#endif
