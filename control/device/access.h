/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/access.h - what control/config/policy.h says about the devices that are there.
 * Main process only; a device's record is what counts, from the moment its create begins to the end
 * of its delete, so that requests that run side by side cannot exceed a limit together.
 */
#ifndef CONTROL_DEVICE_ACCESS_H
#define CONTROL_DEVICE_ACCESS_H

#include "control/config/policy.h"
#include "control/device/device.h"

/*
 * The device that a show or delete is about, NULL with e (-ENOENT, -EACCES) where there is none for
 * this caller.
 */
struct device *access_find(struct service *svc, const struct owner *who, enum policy_op op, const char *name,
			   struct err *e);

bool access_sees(const struct device *d, const struct owner *who);

/* First device behind after that he may look at. */
struct device *access_after(struct service *svc, const struct owner *who, const char *after);

/* How many he may look at. */
unsigned access_count(struct service *svc, const struct owner *who);

/*
 * Before a record is made: name, bus, number of devices and queues, bounce memory. *t as with
 * policy_create().
 */
int access_create(struct service *svc, const struct owner *who, const struct policy_request *r, const struct tenant **t,
		  struct err *e);

/* In a create, when the size of the file is known. */
int access_size(const struct device *d, struct err *e);

/*
 * May a step be started for a device of this uid, when so many before are hanging in the kernel?
 * Root may always, and for root's devices. 0, or -EBUSY with the reason.
 */
int access_start(const struct owner *who, uint32_t uid, struct err *e);
/* helpers that one uid may have hanging, beside two deletes of each device: one is forced */
#define STUCK_MAX 4U

/* The same for the steps of a delete, which also gets rid of what hangs. */
int access_start_delete(const struct device *d, const struct owner *who, struct err *e);

#endif
