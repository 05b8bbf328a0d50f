/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/device/access.c - see access.h. Runs in vdused's main process.
 */
#include "control/device/access.h"

#include <errno.h>
#include <string.h>

#include "control/helper/helper.h"

static struct policy_device seen_by_policy(const struct device *d)
{
	return (struct policy_device){ .name = d->name, .tenant = d->tenant, .owner_uid = d->owner.uid };
}

static void sum_up(const struct service *svc, const struct tenant *t, const struct device *except,
		   struct policy_use *use)
{
	const struct device *d = NULL;

	memset(use, 0, sizeof(*use));
	TAILQ_FOREACH(d, &svc->devices, link) {
		if (d != except && strcmp(d->tenant, t->name) == 0)
			policy_count(use, d->queues, d->backing.size, d->bounce_size);
	}
}

struct device *access_find(struct service *svc, const struct owner *who, enum policy_op op, const char *name,
			   struct err *e)
{
	struct device *d = device_find(svc, name);
	struct policy_device p;

	if (d)
		p = seen_by_policy(d);
	return policy_device(svc->config, who, op, name, d ? &p : NULL, e) < 0 ? NULL : d;
}

bool access_sees(const struct device *d, const struct owner *who)
{
	struct policy_device p = seen_by_policy(d);

	return policy_sees(d->svc->config, who, &p);
}

struct device *access_after(struct service *svc, const struct owner *who, const char *after)
{
	struct device *d = device_after(svc, after);

	while (d && !access_sees(d, who))
		d = TAILQ_NEXT(d, link);
	return d;
}

unsigned access_count(struct service *svc, const struct owner *who)
{
	const struct device *d;
	unsigned n = 0;

	TAILQ_FOREACH(d, &svc->devices, link)
		n += access_sees(d, who);
	return n;
}

int access_create(struct service *svc, const struct owner *who, const struct policy_request *r, const struct tenant **t,
		  struct err *e)
{
	int rc = policy_create(svc->config, who, r->name, t, e);
	struct policy_use use;

	if (rc < 0 || !*t)
		return rc;
	sum_up(svc, *t, NULL, &use);
	return policy_fits(*t, r, &use, e);
}

int access_size(const struct device *d, struct err *e)
{
	const struct tenant *t = config_tenant(d->svc->config, d->tenant);
	struct policy_use use;

	if (!d->tenant[0])
		return 0;
	if (!t)
		return err_class(e, CTL_E_DENIED,
				 "tenant \"%s\" is not in the configuration any more: ask the administrator",
				 d->tenant);
	sum_up(d->svc, t, d, &use);
	return policy_size_fits(t, d->backing.size, &use, e);
}

static int start_below(const struct owner *who, uint32_t uid, unsigned max, struct err *e)
{
	if (who->uid == 0 || uid == 0 || helper_given_up(uid) < max)
		return 0;
	return err_class(
		e, CTL_E_BUSY,
		"%u steps for uid %u already hang in the kernel (a disk, or a file system whose server does not "
		"answer?): mend those first",
		max, uid);
}

int access_start(const struct owner *who, uint32_t uid, struct err *e)
{
	return start_below(who, uid, STUCK_MAX, e);
}

int access_start_delete(const struct device *d, const struct owner *who, struct err *e)
{
	unsigned max = STUCK_MAX;
	const struct device *o;

	TAILQ_FOREACH(o, &d->svc->devices, link)
		max += o->owner.uid == d->owner.uid ? 2 : 0;
	return start_below(who, d->owner.uid, max, e);
}
