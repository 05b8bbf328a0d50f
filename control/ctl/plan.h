/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/plan.h - what has to be done that a device is as its file says. Runs as the tool's
 * caller. Looks at backing files, and changes nothing.
 */
#ifndef CONTROL_CTL_PLAN_H
#define CONTROL_CTL_PLAN_H

#include "control/ctl/device_file.h"

enum plan_action {
	PLAN_NONE, /* it is so already */
	PLAN_CREATE,
	PLAN_RESIZE, /* its backing file has grown */
	PLAN_CONFLICT, /* it differs in what cannot be changed while it exists */
	PLAN_LATER, /* it is being made or deleted */
	PLAN_LAST = PLAN_LATER,
};

#define PLAN_DIFFERENCES 11

struct difference {
	const char *setting; /* as in vdused.device(5) */
	const char *is, *wanted; /* texts that live as long as the plan and the device file */
	char number[2][24];
};

struct plan {
	enum plan_action action;
	struct ctl_info now; /* unless it is to be created */
	uint64_t size; /* PLAN_RESIZE: bytes that it will have */
	size_t n; /* PLAN_CONFLICT: what differs */
	struct difference differ[PLAN_DIFFERENCES];
};

/*
 * now: what vdused says of the device, NULL where it has none. What the file does not say is not
 * looked at, but for switches, which are off then. p must not be copied.
 */
void plan_make(struct plan *p, const struct device_file *f, const struct ctl_info *now);

#endif
