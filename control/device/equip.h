/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/equip.h - what a device gives its workers, which know nothing of it
 * (control/supervise/worker.h): parameters, descriptors, and an ear for what happens to them. Main
 * process only.
 */
#ifndef CONTROL_DEVICE_EQUIP_H
#define CONTROL_DEVICE_EQUIP_H

#include "control/device/device.h"

/* Of every worker of a device: for worker_init(). */
extern const struct worker_events equip_events;

/* Parameters of the worker of that generation, for the device as it is now. */
void equip_params(const struct device *d, uint32_t generation, struct worker_params *p);

/*
 * worker_start() for the next generation of d; w is one of its two. The generation counts as used
 * when this returns 0.
 */
int equip_start(struct device *d, struct worker *w, bool standby, worker_started *started, struct err *e);

#endif
