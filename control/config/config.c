/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/config.c - see config.h: which settings vdused.conf(5) has, and the rules between
 * them. Runs in vdused's main process at start and in the reload helper. libconfig parses;
 * config_scan() goes before it.
 */
#include "control/config/config.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "control/config/tree.h"
#include "control/config/value.h"

#define MIB (1ULL << 20)
#define GIB (1ULL << 30)
#define TIB (1ULL << 40)
#define BOUNCE_DEFAULT (64 * MIB) /* the kernel's own */
#define MEMORY_DEFAULT GIB /* page cache of a worker's own I/O counts, so this is no small number */
/* a thread for each of 16 queues and one more, twice during an upgrade, and some room */
#define PIDS_DEFAULT 40U
#define PAGE 4096U
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

void config_defaults(struct config *c)
{
	memset(c, 0, sizeof(*c));
	c->bounce_size = BOUNCE_DEFAULT;
	c->worker_memory = MEMORY_DEFAULT;
	c->worker_pids = PIDS_DEFAULT;
	c->socket_group = CONFIG_NO_ID;
	c->log_level = -1;
}

const struct tenant *config_tenant(const struct config *c, const char *name)
{
	for (uint32_t i = 0; i < c->ntenants; i++)
		if (strcmp(c->tenants[i].name, name) == 0)
			return &c->tenants[i];
	return NULL;
}

/* ---- tenants --------------------------------------------------------------------------------- */

static const struct key tenant_keys[] = {
	{ .name = "name", .set = value_name, .offset = offsetof(struct tenant, name), .required = true },
	{ .name = "users", .set = value_users, .offset = offsetof(struct tenant, who.users) },
	{ .name = "groups", .set = value_groups, .offset = offsetof(struct tenant, who.groups) },
	{ .name = "prefix", .set = value_name, .offset = offsetof(struct tenant, prefix), .required = true },
	{ .name = "devices",
	  .set = value_number,
	  .offset = offsetof(struct tenant, devices),
	  .min = 1,
	  .max = 1024,
	  .required = true },
	{ .name = "queues",
	  .set = value_number,
	  .offset = offsetof(struct tenant, queues),
	  .min = 1,
	  .max = 16384,
	  .required = true },
	{ .name = "bytes",
	  .set = value_bytes,
	  .offset = offsetof(struct tenant, bytes),
	  .min = 1,
	  .max = 1024 * TIB,
	  .required = true },
	{ .name = "bounce",
	  .set = value_bytes,
	  .offset = offsetof(struct tenant, bounce),
	  .min = MIB,
	  .max = TIB,
	  .required = true },
	{ .name = "bus", .set = value_buses, .offset = offsetof(struct tenant, buses), .required = true },
	{ .name = "probe", .set = value_bool, .offset = offsetof(struct tenant, probe) },
};

static const uint32_t *shared_id(const struct id_list *a, const struct id_list *b)
{
	for (uint32_t i = 0; i < a->n; i++)
		for (uint32_t j = 0; j < b->n; j++)
			if (a->id[i] == b->id[j])
				return &a->id[i];
	return NULL;
}

/* A caller's uid, a caller's gid and a device's name each lead to one tenant at most. */
static int check_apart(const struct parse *p, const config_setting_t *s, const struct tenant *t, const struct tenant *o)
{
	const uint32_t *uid = shared_id(&t->who.users, &o->who.users);
	const uint32_t *gid = shared_id(&t->who.groups, &o->who.groups);
	size_t a = strlen(t->prefix), b = strlen(o->prefix);

	if (strcmp(t->name, o->name) == 0)
		return value_bad(p, s, "tenant \"%s\" is there already, in line %u: choose another name", t->name,
				 o->line);
	if (uid || gid)
		return value_bad(p, s, "tenant \"%s\": %s %u is tenant \"%s\" already, in line %u: remove one", t->name,
				 uid ? "user" : "group", uid ? *uid : *gid, o->name, o->line);
	if (memcmp(t->prefix, o->prefix, a < b ? a : b) == 0)
		return value_bad(p, s,
				 "tenant \"%s\": the prefixes \"%s\" and \"%s\" (line %u) have names in common: "
				 "choose another",
				 t->name, t->prefix, o->prefix, o->line);
	return 0;
}

static int check_tenant(const struct parse *p, const config_setting_t *s, const struct tenant *t)
{
	int rc = 0;

	if (!t->who.users.n && !t->who.groups.n)
		return value_bad(p, s, "tenant \"%s\": nobody is it: set \"users\" or \"groups\"", t->name);
	if (!t->buses)
		return value_bad(p, s, "tenant \"%s\": bus: \"virtio\", \"vhost\" or both must be allowed", t->name);
	for (const struct tenant *o = p->c->tenants; o < t && rc == 0; o++)
		rc = check_apart(p, s, t, o);
	return rc;
}

static int set_tenants(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	struct config *c = dst;
	int n = config_setting_is_list(s) ? config_setting_length(s) : -1, rc = 0;

	if (n < 0)
		return value_bad(p, s, "%s: must be a list of groups: ( { ... }, { ... } )", k->name);
	if (n > (int)CONFIG_TENANTS_MAX)
		return value_bad(p, s, "%s: at most %u are possible", k->name, CONFIG_TENANTS_MAX);
	c->restricted = true;
	for (int i = 0; i < n && rc == 0; i++) {
		config_setting_t *m = config_setting_get_elem(s, (unsigned)i);
		struct tenant *t = &c->tenants[i];

		t->line = config_setting_source_line(m);
		rc = value_group(p, m, tenant_keys, COUNT(tenant_keys), t);
		if (rc == 0)
			rc = check_tenant(p, m, t);
		c->ntenants++;
	}
	return rc;
}

/* ---- the file as a whole --------------------------------------------------------------------- */

static int set_admins(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	static const struct key keys[] = {
		{ .name = "users", .set = value_users, .offset = offsetof(struct principals, users) },
		{ .name = "groups", .set = value_groups, .offset = offsetof(struct principals, groups) },
	};

	(void)k;
	p->c->restricted = true;
	return value_group(p, s, keys, COUNT(keys), dst);
}

static int set_bounce_size(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	int rc = value_bytes(p, s, k, dst);

	if (rc == 0 && p->c->bounce_size % PAGE)
		rc = value_bad(p, s, "%s: must be a multiple of %u", k->name, PAGE);
	return rc;
}

static int set_defaults(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	static const struct key keys[] = {
		{ .name = "bounce-size",
		  .set = set_bounce_size,
		  .offset = offsetof(struct config, bounce_size),
		  .min = MIB,
		  .max = GIB },
		{ .name = "memory-max",
		  .set = value_bytes,
		  .offset = offsetof(struct config, worker_memory),
		  .min = 16 * MIB,
		  .max = TIB,
		  .zero = true },
		{ .name = "pids-max",
		  .set = value_number,
		  .offset = offsetof(struct config, worker_pids),
		  .min = 20,
		  .max = 1024,
		  .zero = true },
		{ .name = "cpu-max",
		  .set = value_number,
		  .offset = offsetof(struct config, worker_cpu),
		  .min = 1,
		  .max = 10000,
		  .zero = true },
	};

	(void)k;
	return value_group(p, s, keys, COUNT(keys), dst);
}

static const struct key top_keys[] = {
	{ .name = "socket-group", .set = value_gid, .offset = offsetof(struct config, socket_group) },
	{ .name = "worker-uids", .set = value_uid_range },
	{ .name = "max-deaths",
	  .set = value_number,
	  .offset = offsetof(struct config, max_deaths),
	  .min = 1,
	  .max = 1000000 },
	{ .name = "log-level", .set = value_level, .offset = offsetof(struct config, log_level) },
	{ .name = "defaults", .set = set_defaults },
	{ .name = "admins", .set = set_admins, .offset = offsetof(struct config, admins) },
	{ .name = "tenants", .set = set_tenants },
};

/* Rules between sections, whatever their order in the file. */
static int check_whole(const struct parse *p)
{
	char need[24], have[24];

	for (uint32_t i = 0; i < p->c->ntenants; i++) {
		const struct tenant *t = &p->c->tenants[i];

		if (t->bounce < p->c->bounce_size)
			return err_set(p->e, -EINVAL,
				       "%s:%u: tenant \"%s\": bounce: %s is less than one device takes (bounce-size, "
				       "%s): allow more",
				       p->file, t->line, t->name, value_bytes_text(t->bounce, have),
				       value_bytes_text(p->c->bounce_size, need));
	}
	return 0;
}

int config_parse(const char *text, size_t len, const char *file, struct config *c, struct err *e)
{
	const struct parse p = { .file = file, .manual = "vdused.conf(5)", .e = e, .c = c };
	int rc;

	config_defaults(c);
	c->from_file = true;
	rc = config_tree(&p, text, len, top_keys, COUNT(top_keys), c);
	return rc < 0 ? rc : check_whole(&p);
}
