/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/policy.c - see policy.h. Runs in vdused's main process. Ids are the kernel's word
 * (SO_PEERCRED, SO_PEERGROUPS: what they were when the caller connected, as vdused's user namespace
 * names them); names are the caller's.
 */
#include "control/config/policy.h"

#include <errno.h>
#include <string.h>

#include "control/config/value.h"
#include "proto/ctl_msg.h"

/* ---- who is it ------------------------------------------------------------------------------- */

static bool has(const struct id_list *l, uint32_t id)
{
	for (uint32_t i = 0; i < l->n; i++)
		if (l->id[i] == id)
			return true;
	return false;
}

static bool is_one_of(const struct principals *p, const struct owner *who)
{
	if (has(&p->users, who->uid) || has(&p->groups, who->gid))
		return true;
	for (uint32_t i = 0; i < who->ngroups; i++)
		if (has(&p->groups, who->groups[i]))
			return true;
	return false;
}

static bool is_tenant(const struct config *c, const struct owner *who)
{
	for (uint32_t i = 0; i < c->ntenants; i++)
		if (is_one_of(&c->tenants[i].who, who))
			return true;
	return false;
}

enum policy_role policy_role(const struct config *c, const struct owner *who)
{
	if (who->uid == 0)
		return POLICY_ADMIN;
	if (c->uid_first && who->uid >= c->uid_first && who->uid <= c->uid_last)
		return POLICY_STRANGER;
	if (!c->restricted)
		return POLICY_ANYBODY;
	if (is_one_of(&c->admins, who))
		return POLICY_ADMIN;
	return is_tenant(c, who) ? POLICY_TENANT : POLICY_STRANGER;
}

uint64_t policy_share(const struct config *c, const struct owner *who)
{
	enum policy_role role = policy_role(c, who);
	uint32_t low = role == POLICY_STRANGER ? 0 : who->uid;

	for (uint32_t i = 0; role == POLICY_TENANT && i < c->ntenants; i++)
		if (is_one_of(&c->tenants[i].who, who)) {
			low = i;
			break;
		}
	return (uint64_t)role << 32 | low;
}

int policy_may(const struct config *c, const struct owner *who, enum policy_op op, struct err *e)
{
	if (op == POLICY_VERSION || policy_role(c, who) != POLICY_STRANGER)
		return 0;
	return err_class(e, CTL_E_DENIED,
			 "uid %u is neither a tenant of vdused nor an administrator: ask the administrator to enter it "
			 "under \"tenants\" in vdused.conf(5)",
			 who->uid);
}

/* ---- devices that are there ------------------------------------------------------------------ */

static bool has_tenant(const struct config *c, const struct owner *who, const struct policy_device *d)
{
	const struct tenant *t = d->tenant[0] ? config_tenant(c, d->tenant) : NULL;

	return t && is_one_of(&t->who, who);
}

bool policy_sees(const struct config *c, const struct owner *who, const struct policy_device *d)
{
	switch (policy_role(c, who)) {
	case POLICY_ADMIN:
	case POLICY_ANYBODY:
		return true;
	case POLICY_TENANT:
		return has_tenant(c, who, d);
	case POLICY_STRANGER:
		break;
	}
	return false;
}

/* His tenant whose prefix the name has; prefixes have no names in common. */
static const struct tenant *tenant_for(const struct config *c, const struct owner *who, const char *name)
{
	for (uint32_t i = 0; i < c->ntenants; i++) {
		const struct tenant *t = &c->tenants[i];

		if (strncmp(name, t->prefix, strlen(t->prefix)) == 0)
			return is_one_of(&t->who, who) ? t : NULL;
	}
	return NULL;
}

/* What to tell somebody who is a tenant of some name: the first one's prefix is an example. */
static const char *some_prefix(const struct config *c, const struct owner *who)
{
	for (uint32_t i = 0; i < c->ntenants; i++)
		if (is_one_of(&c->tenants[i].who, who))
			return c->tenants[i].prefix;
	return "";
}

static int not_there(struct err *e)
{
	return err_class(e, CTL_E_NOT_FOUND, "there is no such device: see \"vduse-ctl list\"");
}

int policy_device(const struct config *c, const struct owner *who, enum policy_op op, const char *name,
		  const struct policy_device *d, struct err *e)
{
	enum policy_role role = policy_role(c, who);

	if (policy_may(c, who, op, e) < 0)
		return -EACCES;
	if (role == POLICY_TENANT) {
		if (d && has_tenant(c, who, d))
			return 0;
		if (!d && tenant_for(c, who, name))
			return not_there(e);
		return err_class(e, CTL_E_DENIED,
				 "that is none of your devices (their names begin with \"%s\"): ask the administrator",
				 some_prefix(c, who));
	}
	if (!d)
		return not_there(e);
	if ((op == POLICY_DELETE || op == POLICY_CHANGE) && role == POLICY_ANYBODY && who->uid != d->owner_uid)
		return err_class(e, CTL_E_DENIED,
				 "the device belongs to another user: only its owner and root may %s it",
				 op == POLICY_DELETE ? "delete" : "change");
	return 0;
}

/* ---- a new device ---------------------------------------------------------------------------- */

int policy_create(const struct config *c, const struct owner *who, const char *name, const struct tenant **t,
		  struct err *e)
{
	*t = NULL;
	if (policy_may(c, who, POLICY_CREATE, e) < 0)
		return -EACCES;
	if (policy_role(c, who) != POLICY_TENANT)
		return 0;
	*t = tenant_for(c, who, name);
	if (*t)
		return 0;
	return err_class(e, CTL_E_DENIED,
			 "your devices' names begin with \"%s\": choose such a name, or ask the administrator",
			 some_prefix(c, who));
}

/*
 * A file that is refused for its size counts until its create is undone: several of those must not
 * wrap round.
 */
static void add(uint64_t *sum, uint64_t more)
{
	if (__builtin_add_overflow(*sum, more, sum))
		*sum = UINT64_MAX;
}

void policy_count(struct policy_use *use, uint32_t queues, uint64_t bytes, uint64_t bounce)
{
	add(&use->devices, 1);
	add(&use->queues, queues);
	add(&use->bytes, bytes);
	add(&use->bounce, bounce);
}

/* Neither sum can overflow: nothing is added before it is known to fit. */
static bool fits(uint64_t used, uint64_t more, uint64_t limit)
{
	return used <= limit && more <= limit - used;
}

static int over(const struct tenant *t, const char *what, const char *used, const char *more, const char *limit,
		struct err *e)
{
	return err_class(
		e, CTL_E_LIMIT,
		"tenant \"%s\" has %s of %s %s, and this device takes %s: delete one, or ask the administrator "
		"for more",
		t->name, used, limit, what, more);
}

static int check_sum(const struct tenant *t, const char *what, uint64_t used, uint64_t more, uint64_t limit,
		     struct err *e)
{
	char a[24], b[24], c[24];

	if (fits(used, more, limit))
		return 0;
	return over(t, what, value_bytes_text(used, a), value_bytes_text(more, b), value_bytes_text(limit, c), e);
}

int policy_fits(const struct tenant *t, const struct policy_request *r, const struct policy_use *use, struct err *e)
{
	int rc;

	if (!t)
		return 0;
	if (r->bus > CTL_BUS_LAST || !(t->buses & 1U << r->bus))
		return err_class(e, CTL_E_DENIED,
				 "tenant \"%s\" may not use this bus: give --bus %s, or ask the administrator", t->name,
				 t->buses & 1U << CTL_BUS_VHOST ? "vhost" : "virtio");
	if (r->probe && !t->probe)
		return err_class(
			e, CTL_E_DENIED,
			"tenant \"%s\" may not have its disks probed by this host: leave out --probe, or ask the "
			"administrator",
			t->name);
	if (r->stop && r->bus == CTL_BUS_VIRTIO)
		return err_class(
			e, CTL_E_DENIED,
			"tenant \"%s\" may not let this host's own tasks wait for its file: leave out --on-error "
			"stop, or give --bus vhost",
			t->name);
	rc = check_sum(t, "devices", use->devices, 1, t->devices, e);
	if (rc == 0)
		rc = check_sum(t, "queues", use->queues, r->queues, t->queues, e);
	if (rc == 0)
		rc = check_sum(t, "bytes of bounce memory", use->bounce, r->bounce, t->bounce, e);
	return rc;
}

int policy_size_fits(const struct tenant *t, uint64_t size, const struct policy_use *use, struct err *e)
{
	return t ? check_sum(t, "bytes", use->bytes, size, t->bytes, e) : 0;
}
