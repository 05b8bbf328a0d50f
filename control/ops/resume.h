/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/resume.h - vduse-ctl resume. Main process only.
 */
#ifndef CONTROL_OPS_RESUME_H
#define CONTROL_OPS_RESUME_H

#include "control/device/device.h"

/* What halted goes on. 0 or a negative errno. */
int change_resume(struct device *d, struct err *e);

#endif
