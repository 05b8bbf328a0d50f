/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/message.c - see message.h. Runs in the targets ctl and work.
 */
#include "tests/fuzz/message.h"

#include <string.h>

static bool text_good(const uint8_t *p, size_t size)
{
	size_t len = 0;

	while (len < size && p[len] != 0)
		len++;
	if (len == size)
		return false;
	for (; len < size; len++)
		if (p[len] != 0)
			return false;
	return true;
}

static uint64_t number(const uint8_t *p, size_t size)
{
	uint64_t v = 0;

	memcpy(&v, p, size);
	return v;
}

static bool field_good(const struct field *f, const uint8_t *msg)
{
	switch (f->kind) {
	case FIELD_TEXT:
		return text_good(msg + f->at, f->size);
	case FIELD_ZERO:
		for (size_t i = 0; i < f->size; i++)
			if (msg[f->at + i] != 0)
				return false;
		return true;
	case FIELD_RANGE:
		return number(msg + f->at, f->size) >= f->lo && number(msg + f->at, f->size) <= f->hi;
	case FIELD_MASK:
		return (number(msg + f->at, f->size) & ~f->hi) == 0;
	}
	return false;
}

bool message_fields_good(const struct field *field, size_t fields, uint16_t type, const uint8_t *msg, size_t len)
{
	for (size_t i = 0; i < fields; i++)
		if (field[i].type == type && field[i].at < len && !field_good(&field[i], msg))
			return false;
	return true;
}

/* ---- building ---- */

static void fill_good(const struct channel *c, const struct msg_rule *rule, uint8_t variant, uint8_t *msg, size_t len)
{
	uint8_t whole[16384] = { 0 };

	msg_init(whole, rule->type, rule->size);
	for (size_t i = 0; i < c->fields; i++)
		if (c->field[i].type == rule->type && c->field[i].kind == FIELD_RANGE)
			memcpy(whole + c->field[i].at, &c->field[i].lo, c->field[i].size);
	if (c->sample)
		c->sample(rule->type, variant, whole);
	memcpy(msg, whole, len);
}

/*
 * Overwrite parts of the record: any bytes anywhere, or a run of one character (long names, missing
 * NULs).
 */
static void patch(uint8_t *msg, size_t len, struct input *in)
{
	size_t at = in16(in) % len;
	uint8_t how = in8(in);
	size_t n = how & 0x3f;

	if (how & 0x80) {
		uint8_t with = in8(in);

		n *= how & 0x40 ? 16 : 1;
		memset(msg + at, with, n < len - at ? n : len - at);
		return;
	}
	for (size_t i = 0; i <= n % 9 && at + i < len; i++)
		msg[at + i] = in8(in);
}

/* Mostly nothing, sometimes a little more or less, or a number of its own. */
static size_t bend(struct input *in, size_t size, size_t max)
{
	uint8_t how = in8(in);

	if (how < 0xc0)
		return size;
	if (how < 0xf0)
		size = size + how - 0xd8;
	else
		size = in16(in);
	return size < max ? size : max;
}

static bool record_good(const struct channel *c, const struct msg_rule *rule, const uint8_t *msg, size_t len,
			bool truncated, uint32_t fds, msg_states state)
{
	struct msg_hdr h;

	if (len != rule->size || truncated || fds != rule->fds || !(rule->states & state))
		return false;
	memcpy(&h, msg, sizeof(h));
	if (h.version != MSG_PROTO_VERSION || h.type != rule->type || h.size != len)
		return false;
	if (len == sizeof(h)) /* no fields, whatever a later version of it has */
		return true;
	return message_fields_good(c->field, c->fields, rule->type, msg, len) && (!c->more || c->more(rule->type, msg));
}

static bool any_row_good(const struct channel *c, const uint8_t *msg, size_t len, bool truncated, uint32_t fds,
			 msg_states state)
{
	for (size_t i = 0; i < c->rows; i++)
		if (record_good(c, &c->table[i], msg, len, truncated, fds, state))
			return true;
	return false;
}

static void judge(const struct channel *c, const uint8_t *msg, size_t len, bool truncated, uint32_t fds,
		  msg_states state)
{
	const struct msg_rule *rule = &c->table[0];
	enum msg_verdict v = msg_check(c->table, c->rows, msg, len, truncated, fds, state, &rule);

	PROMISE(msg_verdict_text(v)[0] != '\0', "every verdict has a text");
	PROMISE((v == MSG_OK) == (rule != NULL), "a rule is given exactly for a good record");
	if (v == MSG_OK)
		PROMISE(record_good(c, rule, msg, len, truncated, fds, state), "what is accepted obeys every rule");
	else
		PROMISE(!any_row_good(c, msg, len, truncated, fds, state), "what obeys every rule is accepted");
}

void message_one(const struct channel *c, struct input *in)
{
	const struct msg_rule *rule = &c->table[in8(in) % c->rows];
	size_t len = bend(in, rule->size, 16384);
	uint8_t where = in8(in), fds = in8(in), variant = in8(in);
	bool truncated = where == 0xff;
	uint8_t *msg = malloc(len + !len); /* as long as the record, so that reading on is found */

	PROMISE(msg, "there is memory");
	fill_good(c, rule, variant, msg, len);
	for (uint8_t n = in8(in) % 32; n > 0 && len > 0; n--)
		patch(msg, len, in);
	judge(c, msg, len, truncated, fds < 0x80 ? rule->fds : fds & 7U, where < 0x80 ? rule->states : where & 15U);
	free(msg);
}
