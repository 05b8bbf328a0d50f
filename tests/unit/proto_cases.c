/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/proto_cases.c - see proto_cases.h. Test code only.
 */
#include "tests/unit/proto_cases.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static msg_states first_state(const struct msg_rule *rule)
{
	return rule->states & -rule->states;
}

static const struct msg_rule *row(const struct channel *c, uint16_t type)
{
	for (size_t i = 0; i < c->rows; i++)
		if (c->table[i].type == type)
			return &c->table[i];
	fail_msg("no row for type %u", type);
	return NULL;
}

void case_build(const struct channel *c, const struct msg_rule *rule, union record *r)
{
	memset(r, 0, sizeof(*r));
	assert_true(rule->size + 64 < sizeof(*r));
	c->sample(rule, r->bytes);
	msg_init(r->bytes, rule->type, rule->size);
}

enum msg_verdict case_verdict(const struct channel *c, const struct msg_rule *rule, const union record *r, size_t len)
{
	const struct msg_rule *found;
	enum msg_verdict v;

	v = msg_check(c->table, c->rows, r->bytes, len, false, rule->fds, first_state(rule), &found);
	if (v == MSG_OK)
		assert_ptr_equal(found, rule);
	else
		assert_null(found);
	return v;
}

void case_good(const struct channel *c)
{
	union record r;

	for (size_t i = 0; i < c->rows; i++) {
		case_build(c, &c->table[i], &r);
		assert_int_equal(case_verdict(c, &c->table[i], &r, c->table[i].size), MSG_OK);
	}
}

static void header_sizes(const struct channel *c, const struct msg_rule *rule)
{
	const uint32_t bad[] = { 0, 1, 7, 8, rule->size - 1, rule->size + 1, 0x7fffffff, 0xffffffff };
	struct msg_hdr h;
	union record r;

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (bad[i] == rule->size)
			continue;
		case_build(c, rule, &r);
		memcpy(&h, r.bytes, sizeof(h));
		h.size = bad[i];
		memcpy(r.bytes, &h, sizeof(h));
		assert_int_equal(case_verdict(c, rule, &r, rule->size), MSG_SIZE);
	}
}

void case_lengths(const struct channel *c)
{
	union record r;

	for (size_t i = 0; i < c->rows; i++) {
		const struct msg_rule *rule = &c->table[i];

		case_build(c, rule, &r);
		for (size_t len = 0; len < sizeof(struct msg_hdr); len++)
			assert_int_equal(case_verdict(c, rule, &r, len), MSG_SHORT);
		for (size_t len = sizeof(struct msg_hdr); len < rule->size; len++)
			assert_int_equal(case_verdict(c, rule, &r, len), MSG_SIZE);
		assert_int_equal(case_verdict(c, rule, &r, rule->size + 1U), MSG_SIZE);
		assert_int_equal(case_verdict(c, rule, &r, sizeof(r)), MSG_SIZE);
		header_sizes(c, rule);
	}
}

void case_truncated(const struct channel *c)
{
	const struct msg_rule *found;
	union record r;

	for (size_t i = 0; i < c->rows; i++) {
		const struct msg_rule *rule = &c->table[i];

		case_build(c, rule, &r);
		assert_int_equal(
			msg_check(c->table, c->rows, r.bytes, rule->size, true, rule->fds, first_state(rule), &found),
			MSG_SIZE);
	}
}

void case_glued(const struct channel *c)
{
	union record r, one;

	for (size_t i = 0; i < c->rows; i++) {
		const struct msg_rule *rule = &c->table[i];

		if (2U * rule->size > sizeof(r))
			continue;
		case_build(c, rule, &one);
		memset(&r, 0, sizeof(r));
		memcpy(r.bytes, one.bytes, rule->size);
		memcpy(r.bytes + rule->size, one.bytes, rule->size);
		assert_int_equal(case_verdict(c, rule, &r, 2U * rule->size), MSG_SIZE);
	}
}

void case_versions(const struct channel *c)
{
	const uint16_t bad[] = { 0, MSG_PROTO_VERSION + 1, MSG_PROTO_VERSION << 8, 0xffff };
	union record r;

	for (size_t i = 0; i < c->rows; i++) {
		for (size_t v = 0; v < sizeof(bad) / sizeof(bad[0]); v++) {
			case_build(c, &c->table[i], &r);
			memcpy(r.bytes, &bad[v], sizeof(bad[v]));
			assert_int_equal(case_verdict(c, &c->table[i], &r, c->table[i].size), MSG_VERSION);
		}
	}
}

static bool has_type(const struct channel *c, uint32_t type)
{
	for (size_t i = 0; i < c->rows; i++)
		if (c->table[i].type == type)
			return true;
	return false;
}

void case_unknown(const struct channel *c)
{
	const struct msg_rule *found;
	union record r = { 0 };

	for (uint32_t type = 0; type <= 0xffff; type++) {
		if (has_type(c, type))
			continue;
		msg_init(r.bytes, (uint16_t)type, sizeof(struct msg_hdr));
		assert_int_equal(
			msg_check(c->table, c->rows, r.bytes, sizeof(struct msg_hdr), false, 0, c->all_states, &found),
			MSG_UNKNOWN);
	}
}

void case_fds(const struct channel *c)
{
	const uint32_t counts[] = { 0, 1, 2, 3, 4, 253, 0xffffffff };
	const struct msg_rule *found;
	union record r;

	for (size_t i = 0; i < c->rows; i++) {
		const struct msg_rule *rule = &c->table[i];

		case_build(c, rule, &r);
		for (size_t n = 0; n < sizeof(counts) / sizeof(counts[0]); n++)
			assert_int_equal(msg_check(c->table, c->rows, r.bytes, rule->size, false, counts[n],
						   first_state(rule), &found),
					 counts[n] == rule->fds ? MSG_OK : MSG_FDS);
	}
}

void case_states(const struct channel *c)
{
	const struct msg_rule *found;
	union record r;

	for (size_t i = 0; i < c->rows; i++) {
		const struct msg_rule *rule = &c->table[i];

		case_build(c, rule, &r);
		assert_true((rule->states & ~c->all_states) == 0 && rule->states != 0);
		for (msg_states s = 1; s != 0; s <<= 1)
			assert_int_equal(msg_check(c->table, c->rows, r.bytes, rule->size, false, rule->fds, s, &found),
					 rule->states & s ? MSG_OK : MSG_STATE);
		assert_int_equal(msg_check(c->table, c->rows, r.bytes, rule->size, false, rule->fds, 0, &found),
				 MSG_STATE);
	}
}

void case_reserved(const struct channel *c, uint16_t type, size_t offset, size_t size)
{
	const struct msg_rule *rule = row(c, type);
	union record r;

	assert_true(offset + size <= rule->size);
	case_build(c, rule, &r);
	for (size_t bit = 0; bit < size * 8; bit++) {
		r.bytes[offset + bit / 8] ^= (unsigned char)(1U << bit % 8);
		assert_int_equal(case_verdict(c, rule, &r, rule->size), MSG_CONTENT);
		r.bytes[offset + bit / 8] ^= (unsigned char)(1U << bit % 8);
	}
	assert_int_equal(case_verdict(c, rule, &r, rule->size), MSG_OK);
}

void case_string(const struct channel *c, uint16_t type, size_t offset, size_t size)
{
	const struct msg_rule *rule = row(c, type);
	union record r;

	assert_true(offset + size <= rule->size);
	case_build(c, rule, &r);
	memset(r.bytes + offset, 'a', size); /* not terminated */
	assert_int_equal(case_verdict(c, rule, &r, rule->size), MSG_CONTENT);
	for (size_t i = 2; i < size; i++) { /* "a", NUL, zeros, and one byte that is not */
		memset(r.bytes + offset, 0, size);
		r.bytes[offset] = 'a';
		r.bytes[offset + i] = 0x80;
		assert_int_equal(case_verdict(c, rule, &r, rule->size), MSG_CONTENT);
	}
}

void case_value(const struct channel *c, uint16_t type, size_t offset, uint32_t value, enum msg_verdict want)
{
	const struct msg_rule *rule = row(c, type);
	union record r;

	case_build(c, rule, &r);
	memcpy(r.bytes + offset, &value, sizeof(value));
	assert_int_equal(case_verdict(c, rule, &r, rule->size), want);
}
