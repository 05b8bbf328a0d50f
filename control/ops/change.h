/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ops/change.h - what upgrade, recover and resize have in common: one change of a device at a time. Main process only.
 * d->changed is called once, always from the event loop or before the call that set it returns.
 */
#ifndef CONTROL_OPS_CHANGE_H
#define CONTROL_OPS_CHANGE_H

#include "control/device/device.h"

#define CHANGE_BROKEN "the kernel gave the device up, and no worker can serve it: delete it"
#define CHANGE_ADOPTING "it is being looked at by a vdused that was just started: try again in a moment"

/* NULL, or why the device cannot be changed now. */
const char *change_busy(const struct device *d);

struct find_arg; /* control/steps/find_file.h */

/* What the helpers that look for its backing file, or try it, need to know of a device. */
void change_find_arg(const struct device *d, struct find_arg *a);

/* 0 when it has a worker that serves it, and not in fail mode; else a negative errno, with what is the matter and the remedy in e. */
int change_worker(const struct device *d, struct err *e);

/* The change is over: forget it and tell whoever asked for it. */
void change_end(struct device *d, const struct err *e);

#endif
