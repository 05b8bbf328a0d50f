/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_proto_msg.c - the envelope helpers of proto/msg.c.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "proto/msg.h"

static void zero_looks_at_every_byte(void **state)
{
	unsigned char b[64] = { 0 };

	(void)state;
	assert_true(msg_zero(b, 0));
	assert_true(msg_zero(b, sizeof(b)));
	for (size_t i = 0; i < sizeof(b); i++) {
		b[i] = 0x80;
		assert_false(msg_zero(b, sizeof(b)));
		assert_true(msg_zero(b, i));
		b[i] = 0;
	}
}

static void string_C7_nul_inside(void **state)
{
	char s[8] = "abc";

	(void)state;
	assert_true(msg_string(s, sizeof(s)));
	assert_true(msg_string("\0\0\0", 4));
	memcpy(s, "abc\0def", 8);
	assert_false(msg_string(s, sizeof(s)));
	memcpy(s, "abc\0\0\0\0x", 8);
	assert_false(msg_string(s, sizeof(s)));
	memset(s, 'a', sizeof(s));
	assert_false(msg_string(s, sizeof(s)));
	s[7] = '\0';
	assert_true(msg_string(s, sizeof(s)));
	assert_false(msg_string(s, 0));
}

static void set_string_cuts_and_pads(void **state)
{
	char s[8];

	(void)state;
	memset(s, 'x', sizeof(s));
	msg_set_string(s, sizeof(s), "ab");
	assert_memory_equal(s, "ab\0\0\0\0\0\0", 8);
	msg_set_string(s, sizeof(s), "0123456789");
	assert_memory_equal(s, "0123456\0", 8);
	msg_set_string(s, sizeof(s), "");
	assert_true(msg_zero(s, sizeof(s)));
}

static void init_writes_the_header_only(void **state)
{
	unsigned char b[16];
	struct msg_hdr h;

	(void)state;
	memset(b, 0xaa, sizeof(b));
	msg_init(b, 7, 16);
	memcpy(&h, b, sizeof(h));
	assert_int_equal(h.version, MSG_PROTO_VERSION);
	assert_int_equal(h.type, 7);
	assert_int_equal(h.size, 16);
	assert_int_equal(b[8], 0xaa);
}

static void no_table_accepts_nothing(void **state)
{
	const struct msg_rule *rule;
	struct msg_hdr h;

	(void)state;
	msg_init(&h, 1, sizeof(h));
	assert_int_equal(msg_check(NULL, 0, &h, sizeof(h), false, 0, ~0U, &rule), MSG_UNKNOWN);
	assert_null(rule);
}

static void every_verdict_has_words(void **state)
{
	(void)state;
	for (int v = MSG_OK; v <= MSG_CONTENT; v++) {
		assert_string_not_equal(msg_verdict_text((enum msg_verdict)v), "malformed");
		for (int w = MSG_OK; w < v; w++)
			assert_string_not_equal(msg_verdict_text((enum msg_verdict)v),
						msg_verdict_text((enum msg_verdict)w));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(zero_looks_at_every_byte), cmocka_unit_test(string_C7_nul_inside),
		cmocka_unit_test(set_string_cuts_and_pads), cmocka_unit_test(init_writes_the_header_only),
		cmocka_unit_test(no_table_accepts_nothing), cmocka_unit_test(every_verdict_has_words),
	};

	return cmocka_run_group_tests_name("proto_msg", tests, NULL, NULL);
}
