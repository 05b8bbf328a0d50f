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

static struct err e;

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
	optind = 1;
	memset(&e, 0, sizeof(e));
	return options_parse(o, argc, argv, &e);
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
	static const struct {
		const char *option, *value, *text;
	} rows[] = {
		{ "--runtime-dir", "relative", "--runtime-dir \"relative\": must be an absolute path" },
		{ "--worker-uids", "0-10", "--worker-uids \"0-10\": must be FIRST-LAST" },
		{ "--socket-group", "no-such-group-here", "create it with groupadd" },
		{ "--log-level", "loud", "must be error, warning, notice or debug" },
		{ "--max-deaths", "0", "must be a number from 1 to 1000000" },
		{ "--max-deaths", NULL, "option \"--max-deaths\": needs a value" },
		{ "--nonsense", NULL, "option \"--nonsense\": it is unknown" },
		{ "--version=2", NULL, "or takes no value" },
		{ "stray", NULL, "argument \"stray\": vdused takes options only" },
	};
	static struct options o;
	char longish[200];

	(void)state;
	memset(longish, 'a', sizeof(longish) - 1);
	longish[0] = '/';
	longish[sizeof(longish) - 1] = '\0';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(parse(&o, rows[i].option, rows[i].value), -EINVAL);
		assert_non_null(strstr(e.text, rows[i].text));
		assert_int_equal(e.class, CTL_E_INVALID);
	}
	assert_int_equal(parse(&o, "--runtime-dir", longish), -EINVAL);
	assert_non_null(strstr(e.text, "too long"));
	assert_int_equal(parse(&o, "--socket", longish), -EINVAL);
}

static void test_help_and_version(void **state)
{
	static struct options o;

	(void)state;
	assert_int_equal(parse(&o, "--help", NULL), 1);
	assert_int_equal(parse(&o, "--version", NULL), 1);
}

/* The last test: getopt would look for more letters where this one was. */
static void test_there_are_no_letters(void **state)
{
	static struct options o;

	(void)state;
	assert_int_equal(parse(&o, "-xy", NULL), -EINVAL);
	assert_non_null(strstr(e.text, "option \"-xy\": it is unknown"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_mistakes_are_refused),
		cmocka_unit_test(test_help_and_version),
		cmocka_unit_test(test_there_are_no_letters),
	};

	return cmocka_run_group_tests_name("control_options", tests, NULL, NULL);
}
