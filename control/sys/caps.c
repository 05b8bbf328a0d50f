/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/caps.c - see caps.h. Runs in vdused before it serves, and in each helper before its
 * step.
 */
#include "control/sys/caps.h"

#include <cap-ng.h>
#include <errno.h>
#include <linux/securebits.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>

static const unsigned kept[] = {
	CAP_NET_ADMIN, /* vdpa netlink: attach and detach helpers */
	CAP_SYS_ADMIN, /* namespaces and mounts of a worker's jail: spawn helper */
	CAP_SETUID, /* a worker's uid: spawn helper; the owner's fsuid: file helpers */
	CAP_SETGID, /* the same for gids */
	CAP_SETPCAP, /* empty bounding set and locked securebits of a worker: spawn helper */
	CAP_SYS_RESOURCE, /* PR_SET_IO_FLUSHER of a worker: spawn helper */
	CAP_CHOWN, /* a vhost node goes to who created it, and back: bind and detach helpers */
	CAP_KILL, /* workers run under other uids */
	/* hand-over helper for a client that is root; detach helper for a tenant's vhost node */
	CAP_DAC_OVERRIDE,
};

#define KEPT (sizeof(kept) / sizeof(kept[0]))

static int name_missing(struct err *e)
{
	char list[256] = "";
	size_t len = 0;

	for (size_t i = 0; i < KEPT; i++) {
		if (capng_have_capability(CAPNG_PERMITTED, kept[i]))
			continue;
		len += (size_t)snprintf(list + len, sizeof(list) - len, " cap_%s", capng_capability_to_name(kept[i]));
		if (len >= sizeof(list))
			break;
	}
	if (!list[0])
		return 0;
	return err_set(e, -EPERM, "missing capabilities:%s: run vdused as root, or let its unit grant them", list);
}

int caps_supervisor(struct err *e)
{
	int rc;

	if (capng_get_caps_process() != 0)
		return err_set(e, -EPERM, "cannot read the capabilities of this process");
	rc = name_missing(e);
	if (rc < 0)
		return rc;
	capng_clear(CAPNG_SELECT_ALL);
	for (size_t i = 0; i < KEPT; i++)
		if (capng_update(CAPNG_ADD, CAPNG_PERMITTED | CAPNG_EFFECTIVE | CAPNG_BOUNDING_SET, kept[i]) != 0)
			return err_set(e, -EPERM, "cannot set up capabilities");
	if (capng_apply(CAPNG_SELECT_ALL) != 0)
		return err_set(e, -EPERM, "cannot drop capabilities");
	if (prctl(PR_SET_SECUREBITS, SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_CAP_AMBIENT_RAISE |
					     SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED) != 0)
		return err_set(e, -errno, "cannot lock the securebits: %s", err_str(-errno));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return err_set(e, -errno, "cannot set no_new_privs: %s", err_str(-errno));
	capng_clear(CAPNG_SELECT_CAPS);
	for (size_t i = 0; i < KEPT; i++)
		(void)capng_update(CAPNG_ADD, CAPNG_PERMITTED, kept[i]);
	(void)capng_update(CAPNG_ADD, CAPNG_EFFECTIVE, CAP_KILL);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return err_set(e, -EPERM, "cannot lower the effective capabilities");
	return 0;
}

int caps_helper(uint64_t mask, struct err *e)
{
	capng_clear(CAPNG_SELECT_CAPS);
	for (unsigned c = 0; c <= CAP_LAST_CAP; c++)
		if (mask & CAP_BIT(c))
			(void)capng_update(CAPNG_ADD, CAPNG_PERMITTED | CAPNG_EFFECTIVE, c);
	if (capng_apply(CAPNG_SELECT_CAPS) != 0)
		return err_set(e, -EPERM, "a helper cannot set its capabilities");
	return 0;
}
