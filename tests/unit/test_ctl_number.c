/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_ctl_number.c - sizes as people write them: what is understood, and that nothing
 * wraps (C9).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "control/ctl/number.h"

static void sizes(void **state)
{
	static const struct {
		const char *text;
		uint64_t bytes;
	} cases[] = {
		{ "1", 1 },
		{ "512", 512 },
		{ "4096", 4096 },
		{ "1K", 1024 },
		{ "1KiB", 1024 },
		{ "3m", 3 << 20 },
		{ "40G", 40ULL << 30 },
		{ "40GiB", 40ULL << 30 },
		{ "40giB", 40ULL << 30 },
		{ "2T", 2ULL << 40 },
		{ "4194304T", 1ULL << 62 },
		{ "4611686018427387904", 1ULL << 62 },
	};
	struct err e = { 0 };
	uint64_t size;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size = 0;
		assert_int_equal(tool_size(cases[i].text, &size, &e), 0);
		assert_true(size == cases[i].bytes);
	}
}

/*
 * Refused with a text that begins with the word and has that in it; what out points to is left
 * alone.
 */
static void refused(const char *const *words, size_t n, const char *text)
{
	char begin[40];

	for (size_t i = 0; i < n; i++) {
		struct err e = { 0 };
		uint64_t size = 4711;

		(void)snprintf(begin, sizeof(begin), "\"%.30s\" is ", words[i]);
		assert_int_equal(tool_size(words[i], &size, &e), -EINVAL);
		assert_int_equal(e.code, -EINVAL);
		assert_true(size == 4711);
		if (!strstr(e.text, text) || strncmp(e.text, begin, strlen(begin)) != 0)
			fail_msg("%s gives %s", words[i], e.text);
	}
}
#define REFUSED(words, text) refused(words, sizeof(words) / sizeof((words)[0]), text)

static void C9_no_sizes(void **state)
{
	static const char *const words[] = { "",     "G",     "K G",  "1KK",  " 1",   "1 ",     "+10G", "-1",
					     "-1G",  "1.5G",  "1,5G", "40GB", "40Gi", "40GiBs", "40B",  "40P",
					     "40iB", "40GIB", "040G", "00",   "0x40", "1e9",    "forty" };

	(void)state;
	REFUSED(words, "is not a size: give all bytes");
}

static void C9_sizes_that_overflow(void **state)
{
	static const char *const words[] = {
		"4611686018427387905",
		"4194305T",
		"16777216T", /* 2^64 */
		"16777217T", /* 2^64 + 1 T */
		"18446744073709551616",
		"18446744073709551617K",
		"99999999999999999999999999999999999999",
	};

	(void)state;
	REFUSED(words, "more than a disk can have");
}

static void C9_no_bytes(void **state)
{
	static const char *const words[] = { "0", "0K", "0T", "0GiB" };

	(void)state;
	REFUSED(words, "at least one block");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(C9_no_sizes),
		cmocka_unit_test(C9_sizes_that_overflow),
		cmocka_unit_test(C9_no_bytes),
	};

	return cmocka_run_group_tests_name("ctl_number", tests, NULL, NULL);
}
