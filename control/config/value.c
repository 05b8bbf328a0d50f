/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/value.c - see value.h. Runs where config_parse() runs. The text is root's, but a
 * slip in it must not become a right of somebody's: what is not exactly understood is refused.
 */
#include "control/config/value.h"

#include <stdio.h>
#include <string.h>

#include "common/log.h"
#include "control/config/ids.h"
#include "control/config/uid_range.h"
#include "proto/ctl_msg.h"
#include "proto/name.h"

#define OVERFLOW_ID 65534U /* what the kernel calls every id that it cannot name */

static const char *name_of(const config_setting_t *s)
{
	const char *name = config_setting_name(s);

	return name ? name : "";
}

/* ---- groups ---------------------------------------------------------------------------------- */

static int set_member(const struct parse *p, config_setting_t *m, const struct key *keys, size_t n, void *dst,
		      uint32_t *seen)
{
	for (size_t i = 0; i < n; i++) {
		if (strcmp(keys[i].name, name_of(m)) != 0)
			continue;
		*seen |= 1U << i;
		return keys[i].set(p, m, &keys[i], (char *)dst + keys[i].offset);
	}
	return value_bad(p, m, "there is no setting \"%s\" here: see %s", name_of(m), p->manual);
}

int value_group(const struct parse *p, config_setting_t *s, const struct key *keys, size_t n, void *dst)
{
	uint32_t seen = 0;
	int rc = 0;

	if (!config_setting_is_group(s))
		return value_bad(p, s, "%s: must be a group of settings: { ... }", name_of(s));
	for (int i = 0; i < config_setting_length(s) && rc == 0; i++)
		rc = set_member(p, config_setting_get_elem(s, (unsigned)i), keys, n, dst, &seen);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (keys[i].required && !(seen & 1U << i))
			rc = value_bad(p, s, "\"%s\" is missing here: it must be set", keys[i].name);
	return rc;
}

/* ---- numbers --------------------------------------------------------------------------------- */

static bool is_int(const config_setting_t *s)
{
	return config_setting_type(s) == CONFIG_TYPE_INT || config_setting_type(s) == CONFIG_TYPE_INT64;
}

static bool in_range(const struct key *k, uint64_t n)
{
	return (n >= k->min && n <= k->max) || (k->zero && n == 0);
}

static const char *or_zero(const struct key *k)
{
	return k->zero ? ", or 0 for no limit" : "";
}

int value_number(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	long long n = is_int(s) ? config_setting_get_int64(s) : -1;
	uint32_t *to = dst;

	if (n < 0 || !in_range(k, (uint64_t)n))
		return value_bad(p, s, "%s: must be a number from %llu to %llu%s", k->name, (unsigned long long)k->min,
				 (unsigned long long)k->max, or_zero(k));
	*to = (uint32_t)n;
	return 0;
}

bool value_parse_bytes(const char *text, uint64_t *bytes)
{
	static const char units[] = "KMGT";
	const char *at = text, *unit;
	uint64_t n = 0;

	while (*at >= '0' && *at <= '9') {
		if (n > VD_CAPACITY_MAX / 10)
			return false;
		n = n * 10 + (uint64_t)(*at++ - '0');
	}
	if (at == text || (at > text + 1 && text[0] == '0') || n > VD_CAPACITY_MAX)
		return false;
	if (*at) {
		unit = strchr(units, *at);
		if (!unit || at[1])
			return false;
		for (long i = unit - units; i >= 0; i--) {
			if (n > VD_CAPACITY_MAX / 1024)
				return false;
			n *= 1024;
		}
	}
	*bytes = n;
	return true;
}

const char *value_bytes_text(uint64_t bytes, char buf[24])
{
	static const char units[] = "KMGT";
	const char *unit = "";

	for (size_t i = 0; i < 4 && bytes && bytes % 1024 == 0; i++, bytes /= 1024)
		unit = &units[i];
	(void)snprintf(buf, 24, "%llu%.1s", (unsigned long long)bytes, unit);
	return buf;
}

int value_bytes(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	const char *text = config_setting_get_string(s);
	char low[24], high[24];
	uint64_t n = 0;
	bool ok;

	if (text) {
		ok = value_parse_bytes(text, &n);
	} else {
		ok = is_int(s) && config_setting_get_int64(s) >= 0;
		n = ok ? (uint64_t)config_setting_get_int64(s) : 0;
	}
	if (!ok || !in_range(k, n))
		return value_bad(p, s, "%s: must be a size from \"%s\" to \"%s\", with the unit K, M, G, T or none%s",
				 k->name, value_bytes_text(k->min, low), value_bytes_text(k->max, high), or_zero(k));
	memcpy(dst, &n, sizeof(n));
	return 0;
}

int value_bool(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	bool *to = dst;

	if (config_setting_type(s) != CONFIG_TYPE_BOOL)
		return value_bad(p, s, "%s: must be true or false", k->name);
	*to = config_setting_get_bool(s);
	return 0;
}

/* ---- words ----------------------------------------------------------------------------------- */

int value_name(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	const char *text = config_setting_get_string(s);

	if (!text || !name_valid(text))
		return value_bad(p, s, "%s: must be a string, " NAME_RULE, k->name);
	msg_set_string(dst, VD_NAME_SIZE, text);
	return 0;
}

int value_uid_range(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	const char *text = config_setting_get_string(s);

	(void)dst;
	if (!text || !uid_range_parse(text, &p->c->uid_first, &p->c->uid_last))
		return value_bad(p, s, "%s: must be \"FIRST-LAST\", both above 0, at most 65536 numbers", k->name);
	return 0;
}

int value_level(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	const char *text = config_setting_get_string(s);
	int32_t *to = dst;

	*to = text ? log_level_parse(text) : -1;
	if (*to < 0)
		return value_bad(p, s, "%s: must be \"error\", \"warning\", \"notice\" or \"debug\"", k->name);
	return 0;
}

/* ---- ids ------------------------------------------------------------------------------------- */

typedef bool lookup_fn(const char *word, uint32_t *id);

static int one_id(const struct parse *p, config_setting_t *s, const char *kind, lookup_fn *look_up, uint32_t *id)
{
	const char *text = config_setting_get_string(s);
	char number[24];

	if (!text && is_int(s)) {
		(void)snprintf(number, sizeof(number), "%lld", config_setting_get_int64(s));
		text = number;
	}
	if (!text)
		return value_bad(p, s, "a %s is a name in quotation marks, or a number", kind);
	if (!look_up(text, id))
		return value_bad(p, s, "there is no %s \"%s\": make it first, or give its number", kind, text);
	if (*id == OVERFLOW_ID)
		return value_bad(p, s, "%s %u: stands for everybody whom the kernel cannot name: use another", kind,
				 *id);
	return 0;
}

static int id_list(const struct parse *p, config_setting_t *s, const char *kind, lookup_fn *look_up, void *dst)
{
	struct id_list *l = dst;
	uint32_t id = 0;

	if (!config_setting_is_array(s) && !config_setting_is_list(s))
		return value_bad(p, s, "%s: must be a list: [ ... ]", name_of(s));
	for (int i = 0; i < config_setting_length(s); i++) {
		config_setting_t *m = config_setting_get_elem(s, (unsigned)i);
		int rc = one_id(p, m, kind, look_up, &id);

		if (rc < 0)
			return rc;
		for (uint32_t j = 0; j < l->n; j++)
			if (l->id[j] == id)
				return value_bad(p, m, "%s %u is here twice: remove one", kind, id);
		if (l->n == CONFIG_IDS_MAX)
			return value_bad(p, m, "%s: at most %u are possible", name_of(s), CONFIG_IDS_MAX);
		l->id[l->n++] = id;
	}
	return 0;
}

int value_users(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	(void)k;
	return id_list(p, s, "user", config_user, dst);
}

int value_groups(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	(void)k;
	return id_list(p, s, "group", config_group, dst);
}

int value_uid(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	(void)k;
	return one_id(p, s, "user", config_user, dst);
}

int value_gid(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	(void)k;
	return one_id(p, s, "group", config_group, dst);
}

int value_buses(const struct parse *p, config_setting_t *s, const struct key *k, void *dst)
{
	static const char *const words[] = { [CTL_BUS_VIRTIO] = "virtio", [CTL_BUS_VHOST] = "vhost" };
	uint32_t *to = dst, bit;

	if (!config_setting_is_array(s) && !config_setting_is_list(s))
		return value_bad(p, s, "%s: must be a list: [ ... ]", k->name);
	for (int i = 0; i < config_setting_length(s); i++) {
		config_setting_t *m = config_setting_get_elem(s, (unsigned)i);
		const char *text = config_setting_get_string(m);

		for (bit = 0; bit <= CTL_BUS_LAST; bit++)
			if (text && strcmp(text, words[bit]) == 0)
				break;
		if (bit > CTL_BUS_LAST)
			return value_bad(p, m, "%s: there are \"virtio\" and \"vhost\"", k->name);
		if (*to & 1U << bit)
			return value_bad(p, m, "%s: \"%s\" is here twice: remove one", k->name, words[bit]);
		*to |= 1U << bit;
	}
	return 0;
}
