/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of common/err.c: an error has an errno for the code that meets it, and a class for
 * whoever asked.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <string.h>

#include "common/err.h"

static void test_a_step_that_failed(void **state)
{
	static const int codes[] = { -EINVAL, -ENOENT, -EEXIST, -EBUSY, -EACCES, -ENOSPC, -EDQUOT, -EPROTO, -EIO };

	(void)state;
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++) {
		struct err e = { 0 };

		assert_int_equal(err_set(&e, codes[i], "%s: no\n", "it"), codes[i]);
		assert_int_equal(e.code, codes[i]);
		assert_int_equal(e.class, CTL_E_FAILED);
		assert_string_equal(e.text, "it: no?");
	}
	assert_int_equal(err_set(NULL, -EBUSY, "no"), -EBUSY);
}

static void test_every_class(void **state)
{
	static const int codes[CTL_E_LAST + 1] = {
		[CTL_E_FAILED] = -EIO,    [CTL_E_INVALID] = -EINVAL,  [CTL_E_NOT_FOUND] = -ENOENT,
		[CTL_E_EXISTS] = -EEXIST, [CTL_E_BUSY] = -EBUSY,      [CTL_E_DENIED] = -EACCES,
		[CTL_E_LIMIT] = -EDQUOT,  [CTL_E_PROTOCOL] = -EPROTO,
	};

	(void)state;
	for (enum ctl_code c = CTL_E_FAILED; c <= CTL_E_LAST; c++) {
		struct err e = { 0 };

		assert_int_equal(err_class(&e, c, "%d\t", 7), codes[c]);
		assert_int_equal(e.code, codes[c]);
		assert_int_equal(e.class, c);
		assert_string_equal(e.text, "7?");
		assert_int_equal(err_class(NULL, c, "no"), codes[c]);
	}
}

/* As where an error is passed on by somebody who knows more: what it is, it stays. */
static void test_other_words(void **state)
{
	struct err e = { .step = "bind" };

	(void)state;
	(void)err_class(&e, CTL_E_BUSY, "/srv/a is locked");
	assert_int_equal(err_reword(&e, "no worker: %.300s\n", e.text), -EBUSY);
	assert_int_equal(e.class, CTL_E_BUSY);
	assert_string_equal(e.step, "bind");
	assert_string_equal(e.text, "no worker: /srv/a is locked?");
	(void)err_reword(&e, "%0600d", 1);
	assert_int_equal(strlen(e.text), VD_TEXT_SIZE - 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_step_that_failed),
		cmocka_unit_test(test_every_class),
		cmocka_unit_test(test_other_words),
	};

	return cmocka_run_group_tests_name("common_err", tests, NULL, NULL);
}
