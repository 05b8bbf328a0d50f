/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/proto_cases.h - what must hold for every message of a channel's table, so that a new
 * message is tested as soon as it has a row and a sample. Test code only.
 */
#ifndef TESTS_UNIT_PROTO_CASES_H
#define TESTS_UNIT_PROTO_CASES_H

#include "proto/msg.h"

#define CASE_SIZE_MAX 16384U

struct channel {
	const struct msg_rule *table;
	size_t rows;
	msg_states all_states;
	/* Fill buf, zeroed, with a message that is good in every respect but has no header yet. */
	void (*sample)(const struct msg_rule *rule, void *buf);
};

/* Storage for a record, with room for one that is too long. */
union record {
	uint64_t align;
	unsigned char bytes[CASE_SIZE_MAX];
};

/* A good message with its header. */
void case_build(const struct channel *c, const struct msg_rule *rule, union record *r);

/*
 * msg_check of a record of len bytes in the first state that allows it, with the right number of
 * fds.
 */
enum msg_verdict case_verdict(const struct channel *c, const struct msg_rule *rule, const union record *r, size_t len);

/* Each asserts with cmocka, for every row of the table. */
void case_good(const struct channel *c);
void case_lengths(const struct channel *c);
void case_truncated(const struct channel *c);
void case_glued(const struct channel *c);
void case_versions(const struct channel *c);
void case_unknown(const struct channel *c);
void case_fds(const struct channel *c);
void case_states(const struct channel *c);

/*
 * Every bit of [offset, offset + size) set alone in a good message of that type must be
 * MSG_CONTENT.
 */
void case_reserved(const struct channel *c, uint16_t type, size_t offset, size_t size);

/* A string field: no NUL in it, and something behind its NUL, must be MSG_CONTENT. */
void case_string(const struct channel *c, uint16_t type, size_t offset, size_t size);

/* A 32-bit field: the value must give the verdict. */
void case_value(const struct channel *c, uint16_t type, size_t offset, uint32_t value, enum msg_verdict want);

#endif
