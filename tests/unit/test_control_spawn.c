/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit tests of control/steps/spawn.c: what is the matter when a worker cannot be started. No
 * process is made here.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "control/steps/jail_check.h"
#include "control/steps/spawn.h"

static struct helper_result res;
static struct helper_out out = { .result = &res };
static struct jail_arg arg;
static struct rlimit was;

static int no_descriptors(void **state)
{
	struct rlimit none;

	(void)state;
	memset(&res, 0, sizeof(res));
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &was), 0);
	none = was;
	none.rlim_cur = 0;
	return setrlimit(RLIMIT_NOFILE, &none);
}

static int as_before(void **state)
{
	(void)state;
	return setrlimit(RLIMIT_NOFILE, &was);
}

static void test_the_host_is_short(void **state)
{
	(void)state;
	(void)snprintf(arg.binary, sizeof(arg.binary), "/proc/self/exe");
	assert_int_equal(jail_spawn(&arg, &out), -EMFILE);
	assert_int_equal(jail_check_worker(1, 1000, &res.err), -EMFILE);
}

static void test_the_binary_is_not_there(void **state)
{
	(void)state;
	(void)snprintf(arg.binary, sizeof(arg.binary), "/nonexistent/vduse-worker");
	assert_int_equal(jail_spawn(&arg, &out), -ENOENT);
	assert_int_equal(res.err.class, CTL_E_FAILED); /* it is not the device that was not found */
	assert_non_null(strstr(res.err.text, "vdused --worker"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_the_host_is_short, no_descriptors, as_before),
		cmocka_unit_test(test_the_binary_is_not_there),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
