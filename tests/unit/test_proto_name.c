/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_proto_name.c - device names and serials: cases F1 to F5 and C7 of the catalogue.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "proto/limits.h"
#include "proto/name.h"

static void good_names(void **state)
{
	static const char *const good[] = {
		"a", "Z", "0", "disk0", "a.b-c_d", "controls", "Control", "control-1", "7.."
	};

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_true(name_valid(good[i]));
}

static void F1_empty(void **state)
{
	(void)state;
	assert_false(name_valid(""));
	assert_true(serial_valid("")); /* none given */
}

static void F2_dots(void **state)
{
	(void)state;
	assert_false(name_valid("."));
	assert_false(name_valid(".."));
	assert_false(name_valid(".hidden"));
	assert_false(name_valid("-x"));
	assert_false(name_valid("_x"));
}

static void F3_control(void **state)
{
	(void)state;
	assert_false(name_valid("control"));
}

static void F4_slashes(void **state)
{
	static const char *const bad[] = { "a/b", "/a", "a/", "a!b", "!", "../../tmp/x", "a\\b" };

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		assert_false(name_valid(bad[i]));
		assert_false(serial_valid(bad[i]));
	}
}

static void F5_lengths(void **state)
{
	char s[300];

	(void)state;
	for (size_t len = 1; len < sizeof(s); len++) {
		memset(s, 'a', len);
		s[len] = '\0';
		assert_int_equal(name_valid(s), len <= VD_NAME_MAX);
		assert_int_equal(serial_valid(s), len <= VD_SERIAL_MAX);
	}
}

/*
 * Newline, control characters, spaces, every byte of UTF-8: nothing but the set is accepted
 * anywhere.
 */
static void C7_every_other_byte(void **state)
{
	static const char set[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

	(void)state;
	for (int b = 1; b < 256; b++) {
		char s[3] = { 'a', (char)b, '\0' };
		bool allowed = strchr(set, b) != NULL;

		assert_int_equal(name_valid(s), allowed);
		assert_int_equal(serial_valid(s), allowed);
		s[0] = (char)b;
		s[1] = 'a';
		assert_int_equal(name_valid(s), allowed && !strchr("._-", b));
		assert_int_equal(serial_valid(s), allowed);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_names),          cmocka_unit_test(F1_empty),   cmocka_unit_test(F2_dots),
		cmocka_unit_test(F3_control),          cmocka_unit_test(F4_slashes), cmocka_unit_test(F5_lengths),
		cmocka_unit_test(C7_every_other_byte),
	};

	return cmocka_run_group_tests_name("proto_name", tests, NULL, NULL);
}
