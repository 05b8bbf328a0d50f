/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/server/params.h - the settings of a new device: their limits, and what holds where a
 * client does not say. Main process only. The form of r was checked by proto/ctl_msg.c.
 */
#ifndef CONTROL_SERVER_PARAMS_H
#define CONTROL_SERVER_PARAMS_H

#include "common/err.h"
#include "control/device/device.h"
#include "proto/ctl_msg.h"

/* 0, or -EINVAL with the rule that a number breaks (CTL_E_INVALID). */
int params_check(const struct ctl_create *r, struct err *e);

/* How many queues it will have. */
uint32_t params_queues(const struct ctl_create *r);

/* Once params_check() is content. */
void params_set(struct device *d, const struct ctl_create *r);

#endif
