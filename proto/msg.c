/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto/msg.c - envelope checks. Runs in every process on hostile bytes; trusts only its table.
 */
#include "proto/msg.h"

#include <string.h>

bool msg_zero(const void *p, size_t n)
{
	const unsigned char *b = p;
	unsigned char acc = 0;

	for (size_t i = 0; i < n; i++)
		acc |= b[i];
	return acc == 0;
}

bool msg_string(const char *s, size_t size)
{
	size_t len = strnlen(s, size);

	return len < size && msg_zero(s + len, size - len);
}

void msg_set_string(char *dst, size_t size, const char *src)
{
	size_t len = strnlen(src, size - 1);

	memset(dst, 0, size);
	memcpy(dst, src, len);
}

void msg_init(void *msg, uint16_t type, uint32_t size)
{
	struct msg_hdr h = { .version = MSG_PROTO_VERSION, .type = type, .size = size };

	memcpy(msg, &h, sizeof(h));
}

/* The row of this size, else the first of the type: its size is the wrong one then. */
static const struct msg_rule *find_rule(const struct msg_rule *table, size_t rows, uint16_t type, size_t size)
{
	const struct msg_rule *first = NULL;

	for (size_t i = 0; i < rows; i++) {
		if (table[i].type != type)
			continue;
		if (table[i].size == size)
			return &table[i];
		if (!first)
			first = &table[i];
	}
	return first;
}

enum msg_verdict msg_check(const struct msg_rule *table, size_t rows, const void *buf, size_t len, bool truncated,
			   uint32_t fds, msg_states state, const struct msg_rule **rule)
{
	const struct msg_rule *r;
	struct msg_hdr h;

	*rule = NULL;
	if (len < sizeof(h))
		return MSG_SHORT;
	memcpy(&h, buf, sizeof(h));
	if (h.version != MSG_PROTO_VERSION)
		return MSG_VERSION;
	r = find_rule(table, rows, h.type, len);
	if (!r)
		return MSG_UNKNOWN;
	if (truncated || len != r->size || h.size != r->size)
		return MSG_SIZE;
	if (fds != r->fds)
		return MSG_FDS;
	if (!(r->states & state))
		return MSG_STATE;
	if (r->valid && !r->valid(buf))
		return MSG_CONTENT;
	*rule = r;
	return MSG_OK;
}

const char *msg_verdict_text(enum msg_verdict v)
{
	switch (v) {
	case MSG_OK:
		return "well-formed";
	case MSG_SHORT:
		return "shorter than a message header";
	case MSG_VERSION:
		return "of another protocol version";
	case MSG_UNKNOWN:
		return "of an unknown type";
	case MSG_SIZE:
		return "of the wrong size for its type";
	case MSG_FDS:
		return "with the wrong number of file descriptors";
	case MSG_STATE:
		return "not allowed at this point";
	case MSG_CONTENT:
		return "with a field that breaks its rule";
	}
	return "malformed";
}
