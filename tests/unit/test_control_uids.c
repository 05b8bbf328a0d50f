/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Worker uids: one per device, none twice, numbers in use by running processes are left alone.
 */
#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#include "control/device/uid_pool.h"

static void test_each_number_once(void **state)
{
	static struct uids u;
	unsigned char seen[100] = { 0 };

	(void)state;
	uid_pool_init(&u, 3000000000U, 3000000099U);
	for (int i = 0; i < 100; i++) {
		uint32_t uid = uid_pool_take(&u);

		assert_in_range(uid, 3000000000U, 3000000099U);
		assert_int_equal(seen[uid - 3000000000U], 0);
		seen[uid - 3000000000U] = 1;
	}
	assert_int_equal(uid_pool_take(&u), 0);
	uid_pool_give_back(&u, 3000000042U);
	assert_int_equal(uid_pool_take(&u), 3000000042U);
	assert_int_equal(uid_pool_take(&u), 0);
}

static void test_freed_numbers_rest(void **state)
{
	static struct uids u;
	uint32_t a;

	(void)state;
	uid_pool_init(&u, 3000000000U, 3000000009U);
	a = uid_pool_take(&u);
	uid_pool_give_back(&u, a);
	assert_int_not_equal(uid_pool_take(&u), a);
	uid_pool_give_back(&u, 17); /* not ours: nothing happens */
}

static void test_numbers_of_running_processes_are_taken(void **state)
{
	static struct uids u;
	uint32_t me = getuid();

	(void)state;
	if (me == 0)
		me = 1; /* root's own number is never in a range: look at a range without it */
	uid_pool_init(&u, me, me + 1);
	if (getuid() != 0)
		assert_int_equal(uid_pool_take(&u), me + 1);
	else
		assert_int_not_equal(uid_pool_take(&u), 0);
}

static void test_range_is_parsed_strictly(void **state)
{
	static const char *const bad[] = { "",    "1",       "0-5",  "5-4",  "1-",    "-1",          "1-2x",
					   "a-b", "1-65537", " 1-2", "1--2", "1 - 2", "1-4294967295" };
	uint32_t a, b;

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(uid_range_parse(bad[i], &a, &b));
	assert_true(uid_range_parse("1-65536", &a, &b));
	assert_true(uid_range_parse("2000000000-2000004095", &a, &b));
	assert_int_equal(a, 2000000000U);
	assert_int_equal(b, 2000004095U);
	assert_true(uid_range_parse("7-7", &a, &b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_each_number_once),
		cmocka_unit_test(test_freed_numbers_rest),
		cmocka_unit_test(test_numbers_of_running_processes_are_taken),
		cmocka_unit_test(test_range_is_parsed_strictly),
	};

	return cmocka_run_group_tests_name("control_uids", tests, NULL, NULL);
}
