/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/policy.h - who may do what. Pure: decides from the configuration, the caller's ids
 * as the kernel vouches for them, and what is there; knows neither connections nor device records
 * (control/device/access.h does). Used in vdused's main process.
 *
 *   administrator    root, and whom "admins" names: everything, without limits
 *   tenant           whom "tenants" names: his own devices, within his limits
 *   anybody          where the configuration has neither: whoever can connect makes devices and
 *                    sees all, and deletes
 *                    his own
 *   stranger         anyone else where it has one of them; and always whoever has a worker's uid:
 *                    nothing but version
 */
#ifndef CONTROL_CONFIG_POLICY_H
#define CONTROL_CONFIG_POLICY_H

#include "control/config/config.h"
#include "control/sys/owner.h"

enum policy_role { POLICY_STRANGER, POLICY_ANYBODY, POLICY_TENANT, POLICY_ADMIN };

enum policy_op { POLICY_VERSION, POLICY_LIST, POLICY_SHOW, POLICY_CREATE, POLICY_DELETE, POLICY_CHANGE };

struct policy_device { /* one that is there */
	const char *name;
	const char *tenant; /* whose it is, "" = nobody's; stays when the configuration changes */
	uint32_t owner_uid; /* who made it */
};

/* sums over a tenant's devices, those that are being created or deleted included */
struct policy_use {
	uint64_t devices, queues, bytes, bounce;
};

/* Count one more device; sums stop at their largest value. */
void policy_count(struct policy_use *use, uint32_t queues, uint64_t bytes, uint64_t bounce);

struct policy_request { /* a device to be made */
	const char *name;
	uint32_t queues;
	uint32_t bus; /* enum ctl_bus */
	bool probe;
	bool stop; /* on an error of its file: I/O waits */
	uint64_t bounce; /* bytes */
};

enum policy_role policy_role(const struct config *c, const struct owner *who);

/*
 * A number that is the same for all whose connections count together: a tenant's users, whatever
 * uids they have; all strangers; else a uid.
 */
uint64_t policy_share(const struct config *c, const struct owner *who);

/* May he do this at all? 0, or -EACCES with what to ask the administrator for. */
int policy_may(const struct config *c, const struct owner *who, enum policy_op op, struct err *e);

/* Is d one of those that he may look at (POLICY_LIST)? */
bool policy_sees(const struct config *c, const struct owner *who, const struct policy_device *d);

/*
 * POLICY_SHOW, POLICY_DELETE and POLICY_CHANGE (upgrade, resize, recover, resume) of a name; d is
 * the device of that name, NULL = there is none. 0, -ENOENT or -EACCES. A tenant gets the same
 * answer for another's device and for none at all.
 */
int policy_device(const struct config *c, const struct owner *who, enum policy_op op, const char *name,
		  const struct policy_device *d, struct err *e);

/*
 * POLICY_CREATE, first part: may he use that name? *t is the tenant the device will belong to, NULL
 * = nobody's, which has no limits.
 */
int policy_create(const struct config *c, const struct owner *who, const char *name, const struct tenant **t,
		  struct err *e);

/*
 * Second part: does it fit with what t has already? 0, -EACCES (what t may never have) or -EDQUOT.
 */
int policy_fits(const struct tenant *t, const struct policy_request *r, const struct policy_use *use, struct err *e);

/* Third part, once the size of the file is known; use is without this device. 0 or -EDQUOT. */
int policy_size_fits(const struct tenant *t, uint64_t size, const struct policy_use *use, struct err *e);

#endif
