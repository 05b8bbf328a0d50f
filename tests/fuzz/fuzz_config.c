/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/fuzz_config.c - target "config": the text of vdused.conf(5) (F15). Run by libFuzzer.
 * What is accepted must keep the promises of control/config/config.h; what is not must have a
 * reason that names the file.
 */
#include <string.h>

#include "control/config/config.h"
#include "control/config/ids.h"
#include "tests/fuzz/fuzz.h"

/* In place of the host's databases. */
bool config_user(const char *word, uint32_t *id)
{
	uint64_t n = 0;

	if (strcmp(word, "root") != 0 && (*word < '0' || *word > '9'))
		return false;
	for (; *word >= '0' && *word <= '9' && n < CONFIG_NO_ID; word++)
		n = n * 10 + (uint64_t)(*word - '0');
	*id = (uint32_t)n;
	return n < CONFIG_NO_ID;
}

bool config_group(const char *word, uint32_t *id)
{
	return config_user(word, id);
}

static void check_ids(const struct id_list *l)
{
	PROMISE(l->n <= CONFIG_IDS_MAX, "a list is longer than it can be");
	for (uint32_t i = 0; i < l->n; i++)
		PROMISE(l->id[i] != CONFIG_NO_ID && l->id[i] != 65534, "an id that stands for others");
}

static void check_tenant(const struct config *c, const struct tenant *t)
{
	PROMISE(t->name[0] && t->prefix[0], "a tenant without name or prefix");
	PROMISE(memchr(t->name, 0, sizeof(t->name)) && memchr(t->prefix, 0, sizeof(t->prefix)),
		"a string without an end");
	PROMISE(t->devices && t->queues && t->bytes && t->buses && t->bounce >= c->bounce_size,
		"a limit is missing, or not even one device fits");
	PROMISE(t->who.users.n || t->who.groups.n, "a tenant that nobody is");
	check_ids(&t->who.users);
	check_ids(&t->who.groups);
	PROMISE(config_tenant(c, t->name) == t, "two tenants of one name");
	for (const struct tenant *o = c->tenants; o < t; o++)
		PROMISE(strncmp(o->prefix, t->prefix, strlen(o->prefix)) &&
				strncmp(o->prefix, t->prefix, strlen(t->prefix)),
			"prefixes with names in common");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct config c;
	struct err e = { 0 };

	if (config_parse((const char *)data, size, "f", &c, &e) != 0) {
		PROMISE(strncmp(e.text, "f:", 2) == 0, "a refusal that does not name the file");
		return 0;
	}
	PROMISE(c.ntenants <= CONFIG_TENANTS_MAX, "too many tenants");
	PROMISE(c.restricted || (!c.ntenants && !c.admins.users.n && !c.admins.groups.n), "rights, but no restriction");
	PROMISE(c.bounce_size >= 1 << 20 && c.bounce_size <= 1 << 30, "bounce memory that the kernel refuses");
	check_ids(&c.admins.users);
	check_ids(&c.admins.groups);
	for (uint32_t i = 0; i < c.ntenants; i++)
		check_tenant(&c, &c.tenants[i]);
	return 0;
}
