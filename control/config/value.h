/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/value.h - the values of vdused.conf(5), one function for each kind. Runs where
 * config_parse() runs, on settings that libconfig has read. Each returns 0, or -EINVAL with
 * "FILE:LINE: what is wrong".
 */
#ifndef CONTROL_CONFIG_VALUE_H
#define CONTROL_CONFIG_VALUE_H

#include <errno.h>
#include <libconfig.h>

#include "control/config/config.h"

struct parse { /* what all of them need */
	const char *file;
	const char *manual; /* that says what may be in it */
	struct err *e;
	struct config *c; /* for value_uid_range() alone */
};

struct key { /* one setting that a group may have */
	const char *name;
	int (*set)(const struct parse *p, config_setting_t *s, const struct key *k, void *dst);
	size_t offset; /* of what is set, in the struct that the group fills */
	uint64_t min, max; /* of numbers */
	bool required;
	bool zero; /* of numbers: 0, for no limit, is possible too */
};

#define KEYS_MAX 16U

/* Fill e with the line of s and a text; -EINVAL. */
#define value_bad(p, s, fmt, ...)                                                                                      \
	err_set((p)->e, -EINVAL, "%s:%u: " fmt, (p)->file, config_setting_source_line(s), ##__VA_ARGS__)

/*
 * s must be a group (the root counts); each of its members must be one of keys[0..n), n <=
 * KEYS_MAX, and is handed to that key's set() with dst + offset. Members that are required must be
 * there.
 */
int value_group(const struct parse *p, config_setting_t *s, const struct key *keys, size_t n, void *dst);

/* For struct key: a uint32_t; a uint64_t of bytes ("100G", or a number); a bool. */
int value_number(const struct parse *p, config_setting_t *s, const struct key *k, void *dst);
int value_bytes(const struct parse *p, config_setting_t *s, const struct key *k, void *dst);
int value_bool(const struct parse *p, config_setting_t *s, const struct key *k, void *dst);

/* A char[VD_NAME_SIZE] with what a device's name may be made of. */
int value_name(const struct parse *p, config_setting_t *s, const struct key *k, void *dst);

/* A struct id_list, out of an array or list of names and numbers; one id, out of one of these. */
int value_users(const struct parse *p, config_setting_t *s, const struct key *k, void *dst);
int value_groups(const struct parse *p, config_setting_t *s, const struct key *k, void *dst);
int value_uid(const struct parse *p, config_setting_t *s, const struct key *k, void *dst);
int value_gid(const struct parse *p, config_setting_t *s, const struct key *k, void *dst);

/* A uint32_t of 1 << enum ctl_bus; uid_first and uid_last; an enum log_level. */
int value_buses(const struct parse *p, config_setting_t *s, const struct key *k, void *dst);
int value_uid_range(const struct parse *p, config_setting_t *s, const struct key *k, void *dst);
int value_level(const struct parse *p, config_setting_t *s, const struct key *k, void *dst);

/* Number and unit: "512M"; K M G T are powers of 1024. False for anything else. */
bool value_parse_bytes(const char *text, uint64_t *bytes);

/* The other way round, in the largest unit that loses nothing. buf holds 24 bytes. */
const char *value_bytes_text(uint64_t bytes, char buf[24]);

#endif
