/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/apply_print.h - what vduse-ctl apply prints. Runs as the tool's caller.
 */
#ifndef CONTROL_CTL_APPLY_PRINT_H
#define CONTROL_CTL_APPLY_PRINT_H

#include "control/ctl/json.h"
#include "control/ctl/plan.h"

/* One line for a person: what was done with the device, or, dry, what would be. */
void apply_print(const struct device_file *f, const struct plan *p, bool dry);

/* The same as a member of the array, with e where that failed; without p when there was no plan. */
void apply_print_json(struct json_object *array, const struct device_file *f, const struct plan *p, bool dry,
		      const struct err *e);

#endif
