/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/message.h - records for a channel's table, good ones and mutated ones, judged a second
 * time by a plain list of field rules. Runs in the targets ctl and work.
 */
#ifndef TESTS_FUZZ_MESSAGE_H
#define TESTS_FUZZ_MESSAGE_H

#include "proto/msg.h"
#include "tests/fuzz/fuzz.h"

enum field_kind {
	FIELD_TEXT, /* NUL-terminated, zeros behind it */
	FIELD_ZERO, /* all zero */
	FIELD_RANGE, /* lo <= value <= hi; size 4 or 8 */
	FIELD_MASK, /* no bit outside of hi */
};

struct field {
	uint16_t type; /* of the message */
	enum field_kind kind;
	size_t at, size;
	uint64_t lo, hi;
};

struct channel {
	const struct msg_rule *table;
	size_t rows;
	const struct field *field;
	size_t fields;
	/* What the list cannot say; NULL: nothing. */
	bool (*more)(uint16_t type, const uint8_t *msg);
	/* Make a good message where lo in every range is not enough; NULL: it is. */
	void (*sample)(uint16_t type, uint8_t variant, uint8_t *msg);
};

/* Does every field of that type obey its rule? Earlier records, of len bytes, may end before it. */
bool message_fields_good(const struct field *field, size_t fields, uint16_t type, const uint8_t *msg, size_t len);

/* Build one record from the input and have msg_check judge it. */
void message_one(const struct channel *c, struct input *in);

#endif
