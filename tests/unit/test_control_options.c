/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vdused's command line: defaults, and that mistakes are named.
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "control/config/options.h"

static int parse(struct options *o, const char *a, const char *b)
{
	char buf[3][256] = { "vdused", "", "" };
	char *argv[] = { buf[0], buf[1], buf[2], NULL };
	int argc = 1 + (a != NULL) + (b != NULL);

	if (a)
		(void)snprintf(buf[1], sizeof(buf[1]), "%s", a);
	if (b)
		(void)snprintf(buf[2], sizeof(buf[2]), "%s", b);
	argv[argc] = NULL;
	optind = 0;
	return options_parse(o, argc, argv);
}

static void test_defaults(void **state)
{
	static struct options o;

	(void)state;
	assert_int_equal(parse(&o, NULL, NULL), 0);
	assert_string_equal(o.socket, "/run/vdused/control.sock");
	assert_int_equal(o.uid_first, 2000000000U);
	assert_int_equal(o.has_group, 0);
	assert_int_equal(parse(&o, "--runtime-dir", "/tmp/x//"), 0);
	assert_string_equal(o.socket, "/tmp/x/control.sock");
	assert_int_equal(parse(&o, "--socket-group", "root"), 0);
	assert_int_equal(o.has_group, 1);
}

static void test_mistakes_are_refused(void **state)
{
	static struct options o;
	char longish[200];

	(void)state;
	memset(longish, 'a', sizeof(longish) - 1);
	longish[0] = '/';
	longish[sizeof(longish) - 1] = '\0';
	assert_int_equal(parse(&o, "--runtime-dir", "relative"), -EINVAL);
	assert_int_equal(parse(&o, "--runtime-dir", longish), -EINVAL);
	assert_int_equal(parse(&o, "--socket", longish), -EINVAL);
	assert_int_equal(parse(&o, "--worker-uids", "0-10"), -EINVAL);
	assert_int_equal(parse(&o, "--socket-group", "no-such-group-here"), -EINVAL);
	assert_int_equal(parse(&o, "--log-level", "loud"), -EINVAL);
	assert_int_equal(parse(&o, "--nonsense", NULL), -EINVAL);
	assert_int_equal(parse(&o, "stray", NULL), -EINVAL);
}

static void test_help_and_version(void **state)
{
	static struct options o;

	(void)state;
	assert_int_equal(parse(&o, "--help", NULL), 1);
	assert_int_equal(parse(&o, "--version", NULL), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_mistakes_are_refused),
		cmocka_unit_test(test_help_and_version),
	};

	return cmocka_run_group_tests_name("control_options", tests, NULL, NULL);
}
