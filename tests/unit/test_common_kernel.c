/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * P22: the kernel floor.
 */
#include "tests/unit/unit.h"

#include "common/kernel_version.h"

static void test_P22_floor(void **state)
{
	static const struct {
		const char *release;
		enum kernel_fitness fit;
	} cases[] = {
		{ "6.12.117+deb12-cloud-amd64", KERNEL_OK },
		{ "6.12.97", KERNEL_OK },
		{ "6.12.96", KERNEL_UNFIXED },
		{ "6.12", KERNEL_UNFIXED },
		{ "6.13.12", KERNEL_UNFIXED },
		{ "6.18.40", KERNEL_OK },
		{ "6.18.39-1", KERNEL_UNFIXED },
		{ "6.19.99", KERNEL_UNFIXED },
		{ "7.0.9", KERNEL_UNFIXED },
		{ "7.1.4", KERNEL_UNFIXED },
		{ "7.1.5-rc1", KERNEL_OK },
		{ "7.2.0", KERNEL_OK },
		{ "8.0.0", KERNEL_OK },
		{ "6.11.99", KERNEL_OLD },
		{ "6.1.0-37-amd64", KERNEL_OLD },
		{ "5.15.11", KERNEL_OLD },
		{ "", KERNEL_UNKNOWN },
		{ "six", KERNEL_UNKNOWN },
		{ "6", KERNEL_UNKNOWN },
		{ "-6.12.117", KERNEL_UNKNOWN },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(kernel_check(cases[i].release), cases[i].fit);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_P22_floor),
	};

	return cmocka_run_group_tests_name("common_kernel", tests, NULL, NULL);
}
