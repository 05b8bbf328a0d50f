/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_ctl_print.c - sizes and status words as people read them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "control/ctl/print.h"

static void sizes(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 512, "512" },
		{ 1023, "1023" },
		{ 1024, "1K" },
		{ 1536, "1.5K" },
		{ 1048575, "1023.9K" },
		{ 1048576, "1M" },
		{ 1ULL << 30, "1G" },
		{ 3ULL << 29, "1.5G" },
		{ (10ULL << 30) + 1, "10G" },
		{ 1ULL << 40, "1T" },
		{ 1ULL << 50, "1P" },
		{ 5ULL << 59, "2.5E" },
		{ 1ULL << 62, "4E" },
		{ UINT64_MAX, "15.9E" },
	};
	char buf[16];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		print_size(cases[i].bytes, buf);
		assert_string_equal(buf, cases[i].text);
	}
}

static void status_words(void **state)
{
	char buf[96];

	(void)state;
	print_status_words(0, buf);
	assert_string_equal(buf, "reset");
	print_status_words(1, buf);
	assert_string_equal(buf, "ACKNOWLEDGE");
	print_status_words(0xf, buf);
	assert_string_equal(buf, "ACKNOWLEDGE DRIVER FEATURES_OK DRIVER_OK");
	print_status_words(0xffffffff, buf);
	assert_string_equal(buf, "ACKNOWLEDGE DRIVER FEATURES_OK DRIVER_OK NEEDS_RESET FAILED");
	print_status_words(0x30, buf); /* no bit that has a name */
	assert_string_equal(buf, "");
}

static void errno_words(void **state)
{
	char buf[96];

	(void)state;
	print_errno_words(28, buf);
	assert_string_equal(buf, "No space left on device (ENOSPC)");
	print_errno_words(5, buf);
	assert_string_equal(buf, "Input/output error (EIO)");
	print_errno_words(4095, buf);
	assert_string_equal(buf, "error 4095");
	print_errno_words(UINT32_MAX, buf);
	assert_string_equal(buf, "error 4294967295");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(status_words),
		cmocka_unit_test(errno_words),
	};

	return cmocka_run_group_tests_name("ctl_print", tests, NULL, NULL);
}
