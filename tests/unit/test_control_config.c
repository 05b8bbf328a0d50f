/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vdused.conf(5): what it may say, and that every mistake is refused with its line (F15, C7, C8,
 * C9).
 */
#include "tests/unit/unit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/log.h"
#include "control/config/config.h"
#include "control/config/load.h"
#include "control/config/options.h"
#include "control/config/value.h"
#include "proto/ctl_msg.h"

static struct config c;
static struct err e;

static int parse(const char *text)
{
	memset(&e, 0, sizeof(e));
	return config_parse(text, strlen(text), "f", &c, &e);
}

static void good(const char *text)
{
	if (parse(text) != 0)
		fail_msg("refused: %s\n%s", e.text, text);
}

/* Refused; the message begins with "f:LINE: " and has part in it. */
static void bad(const char *text, unsigned line, const char *part)
{
	char head[24];

	if (parse(text) != -EINVAL)
		fail_msg("accepted:\n%s", text);
	(void)snprintf(head, sizeof(head), "f:%u: ", line);
	if (strncmp(e.text, head, strlen(head)) != 0 || !strstr(e.text, part))
		fail_msg("\"%s\" is not \"%s...%s\"", e.text, head, part);
}

#define TENANT(rest)                                                                                                   \
	"tenants = ( { name = \"t\"; users = [ 1001 ]; prefix = \"t-\"; devices = 1; queues = 1;\n"                    \
	"bytes = \"1G\"; bounce = \"64M\"; bus = [ \"vhost\" ]; " rest " } );\n"

/* ---- what is right --------------------------------------------------------------------------- */

static void test_nothing_gives_the_defaults(void **state)
{
	(void)state;
	for (int i = 0; i < 2; i++) {
		if (i)
			good("# nothing\n");
		else
			config_defaults(&c);
		assert_int_equal(c.from_file, i);
		assert_false(c.restricted);
		assert_int_equal(c.bounce_size, 64 << 20);
		assert_int_equal(c.worker_memory, 1 << 30);
		assert_int_equal(c.worker_pids, 40);
		assert_int_equal(c.worker_cpu, 0);
		assert_int_equal(c.socket_group, CONFIG_NO_ID);
		assert_int_equal(c.uid_first, 0);
		assert_int_equal(c.max_deaths, 0);
		assert_int_equal(c.log_level, -1);
	}
}

static void test_every_setting(void **state)
{
	const struct tenant *t;

	(void)state;
	good("socket-group = \"daemon\"; worker-uids = \"100000-100099\";\nmax-deaths = 7; log-level = \"debug\";\n"
	     "defaults = { bounce-size = \"128M\"; memory-max = \"2G\"; pids-max = 30; cpu-max = 150; };\n"
	     "admins = { users = [ \"daemon\" ]; groups = ( \"root\", 44 ); };\n"
	     "tenants = (\n { name = \"alice\"; users = [ 1001, 1002 ]; groups = [ \"1003\" ]; prefix = \"alice-\";\n"
	     "   devices = 8; queues = 16; bytes = \"100G\"; bounce = \"1G\"; bus = [ \"virtio\", \"vhost\" ];\n"
	     "   probe = true; },\n"
	     " { name = \"bob\"; groups = [ 4294967294L ]; prefix = \"bob\"; devices = 1; queues = 1; bytes = 4096;\n"
	     "   bounce = 134217728; bus = ( \"vhost\" ); }\n);\n");
	assert_int_equal(c.socket_group, 1);
	assert_int_equal(c.uid_first, 100000);
	assert_int_equal(c.uid_last, 100099);
	assert_int_equal(c.max_deaths, 7);
	assert_int_equal(c.log_level, LOG_DEBUG);
	assert_int_equal(c.bounce_size, 128 << 20);
	assert_int_equal(c.worker_memory, 2ULL << 30);
	assert_int_equal(c.worker_pids, 30);
	assert_int_equal(c.worker_cpu, 150);
	assert_true(c.restricted);
	assert_int_equal(c.admins.users.n, 1);
	assert_int_equal(c.admins.users.id[0], 1);
	assert_int_equal(c.admins.groups.n, 2);
	assert_int_equal(c.admins.groups.id[1], 44);
	assert_int_equal(c.ntenants, 2);
	t = config_tenant(&c, "alice");
	assert_non_null(t);
	assert_int_equal(t->who.users.n, 2);
	assert_int_equal(t->who.groups.id[0], 1003);
	assert_string_equal(t->prefix, "alice-");
	assert_int_equal(t->devices, 8);
	assert_int_equal(t->queues, 16);
	assert_int_equal(t->bytes, 100ULL << 30);
	assert_int_equal(t->bounce, 1ULL << 30);
	assert_int_equal(t->buses, 3);
	assert_true(t->probe);
	t = config_tenant(&c, "bob");
	assert_int_equal(t->who.groups.id[0], 4294967294U);
	assert_int_equal(t->bytes, 4096);
	assert_int_equal(t->buses, 1U << CTL_BUS_VHOST);
	assert_false(t->probe);
	assert_null(config_tenant(&c, "carol"));
}

static void test_sections_that_are_there_restrict_even_when_empty(void **state)
{
	(void)state;
	good("defaults = { };");
	assert_false(c.restricted);
	good("admins = { };");
	assert_true(c.restricted);
	good("tenants = ( );");
	assert_true(c.restricted);
}

static void test_numbers_for_no_limit(void **state)
{
	(void)state;
	good("defaults = { memory-max = 0; pids-max = 0; cpu-max = 0; };");
	assert_int_equal(c.worker_memory, 0);
	assert_int_equal(c.worker_pids, 0);
	bad("defaults = { bounce-size = 0; };", 1, "from \"1M\" to \"1G\"");
}

static void test_sizes(void **state)
{
	static const char *const wrong[] = {
		"",   "K",   "1k", "1KB", "1.5G", "-1",  "+1",       " 1",
		"1 ", "0x1", "08", "1P",  "1e3",  "1M1", "4194305T", "18446744073709551616"
	};
	char buf[24];
	uint64_t n;

	(void)state;
	assert_true(value_parse_bytes("0", &n) && n == 0);
	assert_true(value_parse_bytes("512", &n) && n == 512);
	assert_true(value_parse_bytes("3K", &n) && n == 3072);
	assert_true(value_parse_bytes("4194304T", &n) && n == 1ULL << 62);
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		if (value_parse_bytes(wrong[i], &n))
			fail_msg("\"%s\" is taken for a size", wrong[i]);
	assert_string_equal(value_bytes_text(0, buf), "0");
	assert_string_equal(value_bytes_text(1000, buf), "1000");
	assert_string_equal(value_bytes_text(3 << 20, buf), "3M");
	assert_string_equal(value_bytes_text(1ULL << 62, buf), "4194304T");
	assert_string_equal(value_bytes_text(UINT64_MAX, buf), "18446744073709551615");
}

/* ---- what is wrong --------------------------------------------------------------------------- */

static void test_F15_unknown_settings(void **state)
{
	(void)state;
	bad("max-deaths = 1;\nmax_deaths = 1;\n", 2, "\"max_deaths\"");
	bad("admins = {\n  user = [ 1 ];\n};", 2, "\"user\"");
	bad("defaults = { bounce = 1; };", 1, "\"bounce\"");
	bad(TENANT("\nhome = 1;"), 3, "\"home\"");
	bad("\n\nsocket-mode = 438;\n", 3, "\"socket-mode\"");
}

static void test_F15_syntax(void **state)
{
	(void)state;
	bad("max-deaths = ;\n", 1, "syntax error");
	bad("max-deaths = 1\n\nadmins = { users = [ 1, }", 3, "syntax error");
	bad("admins = { users = [ 1, \"a\" ]; };", 1, "mismatched");
	bad("bytes = 5K;", 1, "syntax error");
}

static void test_F15_C8_duplicates(void **state)
{
	(void)state;
	bad("max-deaths = 1;\nmax-deaths = 1;\n", 2, "duplicate");
	bad("admins = { users = [ 1 ];\nusers = [ 2 ]; };", 2, "duplicate");
	bad("admins = { };\n\nadmins = { };", 3, "duplicate");
	bad("admins = { users = [ 7,\n 8,\n 7 ]; };", 3, "user 7 is here twice");
	bad("admins = { users = ( \"daemon\",\n 1 ); };", 2, "user 1 is here twice");
	bad(TENANT("groups = [ 5, 5 ];"), 2, "group 5 is here twice");
	bad("tenants = ( { name = \"t\"; users = [ 1001 ]; prefix = \"t-\"; devices = 1; queues = 1; bytes = 1;\n"
	    "bounce = \"64M\"; bus = [ \"vhost\",\n\"vhost\" ]; } );",
	    3, "\"vhost\" is here twice");
}

#define TWO(name2, who2, prefix2)                                                                                      \
	"tenants = (\n"                                                                                                \
	"{ name = \"a\"; users = [ 1001 ]; groups = [ 2001 ]; prefix = \"a-\"; devices = 1; queues = 1; bytes = 1;\n"  \
	"  bounce = \"64M\"; bus = [ \"vhost\" ]; },\n"                                                                \
	"{ name = \"" name2 "\"; " who2 "; prefix = \"" prefix2 "\"; devices = 1; queues = 1; bytes = 1;\n"            \
	"  bounce = \"64M\"; bus = [ \"vhost\" ]; } );\n"

static void test_F15_two_tenants_that_are_not_apart(void **state)
{
	(void)state;
	good(TWO("b", "users = [ 1002 ]", "b-"));
	good(TWO("b", "users = [ 2001 ]", "a.")); /* uids and gids are different things */
	bad(TWO("a", "users = [ 1002 ]", "b-"), 4, "\"a\" is there already, in line 2");
	bad(TWO("b", "users = [ 1001 ]", "b-"), 4, "user 1001 is tenant \"a\" already, in line 2");
	bad(TWO("b", "users = [ 1 ]; groups = [ 2001 ]", "b-"), 4, "group 2001 is tenant \"a\" already");
	bad(TWO("b", "users = [ 1002 ]", "a-"), 4, "names in common");
	bad(TWO("b", "users = [ 1002 ]", "a"), 4, "names in common");
	bad(TWO("b", "users = [ 1002 ]", "a-b"), 4, "names in common");
}

static void test_F15_missing_settings(void **state)
{
	static const char *const parts[] = { "name = \"t\";", "prefix = \"t-\";",  "devices = 1;",        "queues = 1;",
					     "bytes = 1;",    "bounce = \"64M\";", "bus = [ \"vhost\" ];" };
	char text[512];

	(void)state;
	for (size_t skip = 0; skip < 7; skip++) {
		(void)strcpy(text, "\ntenants = (\n{ users = [ 1 ]; ");
		for (size_t i = 0; i < 7; i++)
			if (i != skip)
				(void)strcat(text, parts[i]);
		(void)strcat(text, " } );");
		bad(text, 3, "is missing here");
	}
	bad("tenants = ( { name = \"t\"; prefix = \"t-\"; devices = 1; queues = 1; bytes = 1; bounce = \"64M\";\n"
	    "bus = [ \"vhost\" ]; } );",
	    1, "nobody is it");
	bad("tenants = ( { name = \"t\"; users = [ 1 ]; prefix = \"t-\"; devices = 1; queues = 1; bytes = 1;\n"
	    "bounce = \"64M\"; bus = [ ]; } );",
	    1, "must be allowed");
}

static void test_F15_wrong_types(void **state)
{
	static const char *const texts[] = {
		"max-deaths = \"5\";",
		"max-deaths = true;",
		"max-deaths = 1.5;",
		"max-deaths = [ 1 ];",
		"socket-group = 1.0;",
		"socket-group = [ 1 ];",
		"socket-group = false;",
		"worker-uids = 5;",
		"log-level = 3;",
		"log-level = [ ];",
		"defaults = 1;",
		"defaults = [ ];",
		"defaults = ( { } );",
		"admins = ( );",
		"admins = \"root\";",
		"admins = [ 1 ];",
		"tenants = { };",
		"tenants = [ ];",
		"tenants = \"t\";",
		"tenants = ( 1 );",
		"tenants = ( ( ) );",
		"admins = { users = 1; };",
		"admins = { users = { }; };",
		"admins = { users = ( true ); };",
		"admins = { users = ( ( 1 ) ); };",
		"admins = { groups = \"root\"; };",
		"defaults = { bounce-size = true; };",
		"defaults = { bounce-size = 1.5; };",
		"defaults = { pids-max = \"30\"; };",
		"defaults = { cpu-max = [ 1 ]; };",
		"tenants = ( { name = 1; } );",
		"tenants = ( { prefix = [ \"a\" ]; } );",
		"tenants = ( { bus = \"vhost\"; } );",
		"tenants = ( { bus = [ 1 ]; } );",
		"tenants = ( { probe = 1; } );",
		"tenants = ( { devices = \"1\"; } );",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		bad(texts[i], 1, "");
}

static void test_F15_C9_bad_numbers(void **state)
{
	(void)state;
	bad("max-deaths = 0;", 1, "from 1 to 1000000");
	bad("max-deaths = 1000001;", 1, "from 1 to 1000000");
	bad("max-deaths = -1;", 1, "from 1 to 1000000");
	bad("max-deaths = 08;", 1, "begins with 0");
	bad("max-deaths = 0x10;", 1, "decimal");
	bad("max-deaths = 1e99;", 1, "from 1");
	/* what libconfig would cut to 5 */
	bad("\nmax-deaths = 4294967301;", 2, "2147483647");
	bad("max-deaths = -4294967291;", 1, "2147483647");
	bad("max-deaths = 18446744073709551621;", 1, "2147483647");
	bad("max-deaths = 4294967301L;", 1, "from 1 to 1000000");
	bad("max-deaths = 9223372036854775808L;", 1, "from 1 to 1000000");
	bad("max-deaths = 18446744073709551621L;", 1, "from 1 to 1000000");
	bad("admins = { users = [ 4294967295L ]; };", 1, "no user \"4294967295\"");
	bad("admins = { users = [ -1 ]; };", 1, "no user \"-1\"");
	bad("defaults = { pids-max = 19; };", 1, "from 20 to 1024");
	bad("defaults = { cpu-max = 10001; };", 1, "from 1 to 10000");
}

static void test_F15_bad_units(void **state)
{
	(void)state;
	bad("defaults = { bounce-size = \"64MB\"; };", 1, "unit K, M, G, T");
	bad("defaults = { bounce-size = \"64m\"; };", 1, "unit K, M, G, T");
	bad("defaults = { bounce-size = \"1023K\"; };", 1, "\"1M\" to \"1G\"");
	bad("defaults = { bounce-size = \"1025M\"; };", 1, "\"1M\" to \"1G\"");
	bad("defaults = { bounce-size = 1048577; };", 1, "multiple of 4096");
	bad("defaults = { memory-max = \"1M\"; };", 1, "\"16M\" to \"1T\"");
	bad(TENANT("") "defaults = {\nbounce-size = \"65M\"; };", 1, "less than one device takes");
}

static void test_F15_bad_words(void **state)
{
	(void)state;
	bad("log-level = \"loud\";", 1, "\"notice\"");
	bad("worker-uids = \"5-4\";", 1, "FIRST-LAST");
	bad("worker-uids = \"0-4\";", 1, "FIRST-LAST");
	bad("socket-group = \"no-such-group-here\";", 1, "no group \"no-such-group-here\"");
	bad("socket-group = \"*\";", 1, "no group \"*\"");
	bad("admins = { users = [ \"root\",\n\"no-such-user-here\" ]; };", 2, "no user \"no-such-user-here\"");
	bad("admins = { users = [ 65534 ]; };", 1, "stands for everybody");
	bad("admins = { groups = [ 65534 ]; };", 1, "stands for everybody");
	bad("tenants = ( { name = \"a b\"; } );", 1, "1 to 32 characters");
	bad("tenants = ( { prefix = \"\"; } );", 1, "1 to 32 characters");
	bad("tenants = ( { prefix = \"-a\"; } );", 1, "1 to 32 characters");
	bad("tenants = ( { prefix = \"a/\"; } );", 1, "1 to 32 characters");
	bad("tenants = ( { prefix = \"control\"; } );", 1, "not \"control\"");
	bad("tenants = ( { bus = [ \"virtio\", \"pci\" ]; } );", 1, "\"virtio\" and \"vhost\"");
}

/* Mistakes that libconfig 1.5 takes for something else without a word. */
static void test_F15_what_the_library_would_let_pass(void **state)
{
	static const char nul[] = "max-deaths = 1;\n\0admins = { };";

	(void)state;
	bad("max-deaths = 1;\n/* swallows\ntenants = ( );\n", 2, "not closed");
	bad("max-deaths = 1;\n@include \"/etc/passwd\"\n", 2, "@include");
	bad("log-level = \"debug\n\";", 1, "not closed on its line");
	bad("log-level = \"debug", 1, "not closed on its line");
	bad("tenants = ( { name = \"a\\x00b\"; } );", 1, "backslash");
	assert_int_equal(config_parse(nul, sizeof(nul) - 1, "f", &c, &e), -EINVAL);
	assert_non_null(strstr(e.text, "f:2: "));
	bad("max-deaths\x01 = 1;", 1, "control character");
	bad("# \x7f\n", 1, "control character");
	good("/* \" @include */ # /* \"\n// @include /*\nmax-deaths = 3; /**/\r\n\tlog-level = \"notice\"; /* \xc3\xa9 "
	     "**/");
	assert_int_equal(c.max_deaths, 3);
	good("admins = { users = [ 2147483647 ]; };"); /* the largest without an L */
}

static void test_F15_too_many(void **state)
{
	static char text[CONFIG_FILE_MAX + 2];
	size_t at;

	(void)state;
	at = (size_t)snprintf(text, sizeof(text), "admins = { users = [ 1");
	for (unsigned i = 2; i <= CONFIG_IDS_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at, ", %u", i);
	(void)strcpy(text + at, " ]; };");
	good(text);
	assert_int_equal(c.admins.users.n, CONFIG_IDS_MAX);
	(void)strcpy(text + at, ",\n1000 ]; };");
	bad(text, 2, "at most 64");

	at = (size_t)snprintf(text, sizeof(text), "tenants = (\n");
	for (unsigned i = 0; i < CONFIG_TENANTS_MAX; i++)
		at += (size_t)snprintf(text + at, sizeof(text) - at,
				       "%s{name=\"%u\";users=[%u];prefix=\"%u-\";devices=1;queues=1;bytes=\"1G\";"
				       "bounce=\"64M\";bus=[\"vhost\"];}",
				       i ? "," : "", i, 1000 + i, i);
	(void)strcpy(text + at, ");");
	good(text);
	assert_int_equal(c.ntenants, CONFIG_TENANTS_MAX);
	(void)strcpy(text + at, ",{});");
	bad(text, 1, "at most 256");

	memset(text, ' ', sizeof(text));
	assert_int_equal(config_parse(text, CONFIG_FILE_MAX, "f", &c, &e), 0);
	assert_int_equal(config_parse(text, CONFIG_FILE_MAX + 1, "f", &c, &e), -EINVAL);
	assert_non_null(strstr(e.text, "at most 65536"));
}

static void test_C6_depth(void **state)
{
	static char text[30001];

	(void)state;
	memset(text, '(', sizeof(text) - 1);
	memcpy(text, "a=", 2);
	assert_int_equal(parse(text), -EINVAL);
	memset(text + 2, '(', 6000);
	memset(text + 6002, ')', 6000);
	text[12002] = '\0';
	assert_int_equal(parse(text), -EINVAL);
}

/* ---- the file -------------------------------------------------------------------------------- */

static char path[] = "/tmp/vdused-unit.XXXXXX";

static void make_file(const char *text, mode_t mode)
{
	int fd;

	(void)unlink(path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, mode), 0);
	(void)close(fd);
}

static void refused(const char *part)
{
	memset(&e, 0, sizeof(e));
	if (config_load(path, true, &c, &e) >= 0)
		fail_msg("accepted");
	if (strncmp(e.text, path, strlen(path)) != 0 || !strstr(e.text, part))
		fail_msg("\"%s\" does not say \"%s\"", e.text, part);
}

static void test_F15_the_file(void **state)
{
	(void)state;
	assert_true(mkstemp(path) >= 0);
	make_file("max-deaths = 9;", 0600);
	assert_int_equal(config_load(path, true, &c, &e), 0);
	assert_int_equal(c.max_deaths, 9);
	make_file("max-deaths = 9;", 0644);
	assert_int_equal(config_load(path, true, &c, &e), 0);
	make_file("max-deaths = 9;", 0664);
	refused("go-w");
	make_file("max-deaths = 9;", 0602);
	refused("go-w");
	make_file("\n\nmax-deaths = x;", 0600);
	refused(":3: ");
	assert_int_equal(truncate(path, 10 << 20), 0);
	refused("at most 65536");
	(void)unlink(path);
	refused("No such file");
	assert_int_equal(config_load(path, false, &c, &e), 0);
	assert_false(c.from_file);
	assert_int_equal(mkfifo(path, 0600), 0);
	refused("no regular file");
	(void)unlink(path);
	assert_int_equal(mkdir(path, 0700), 0);
	refused("no regular file");
	(void)rmdir(path);
}

static void test_F15_a_file_of_somebody_else(void **state)
{
	(void)state;
	if (geteuid() != 0)
		skip();
	make_file("max-deaths = 9;", 0600);
	assert_int_equal(chown(path, 1, 0), 0);
	refused("belongs to uid 1");
	(void)unlink(path);
}

/* ---- the command line wins ------------------------------------------------------------------- */

static void test_merge(void **state)
{
	static struct options said, o;

	(void)state;
	said.uid_first = 10;
	said.uid_last = 19;
	said.max_deaths = 5;
	said.level = LOG_NOTE;
	config_defaults(&c);
	options_merge(&o, &said, &c);
	assert_int_equal(o.uid_first, 10);
	assert_int_equal(o.max_deaths, 5);
	assert_int_equal(o.level, LOG_NOTE);
	assert_false(o.has_group);
	assert_int_equal(c.uid_first, 10);
	assert_int_equal(c.uid_last, 19);

	good("socket-group = 7; worker-uids = \"20-29\"; max-deaths = 8; log-level = \"error\";");
	options_merge(&o, &said, &c);
	assert_int_equal(o.group, 7);
	assert_true(o.has_group);
	assert_int_equal(o.uid_first, 20);
	assert_int_equal(o.uid_last, 29);
	assert_int_equal(o.max_deaths, 8);
	assert_int_equal(o.level, LOG_ERROR);

	said.said = SAID_GROUP | SAID_UIDS | SAID_DEATHS | SAID_LEVEL;
	options_merge(&o, &said, &c);
	assert_false(o.has_group);
	assert_int_equal(o.uid_first, 10);
	assert_int_equal(c.uid_first, 10);
	assert_int_equal(o.max_deaths, 5);
	assert_int_equal(o.level, LOG_NOTE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_nothing_gives_the_defaults),
		cmocka_unit_test(test_every_setting),
		cmocka_unit_test(test_sections_that_are_there_restrict_even_when_empty),
		cmocka_unit_test(test_numbers_for_no_limit),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_F15_unknown_settings),
		cmocka_unit_test(test_F15_syntax),
		cmocka_unit_test(test_F15_C8_duplicates),
		cmocka_unit_test(test_F15_two_tenants_that_are_not_apart),
		cmocka_unit_test(test_F15_missing_settings),
		cmocka_unit_test(test_F15_wrong_types),
		cmocka_unit_test(test_F15_C9_bad_numbers),
		cmocka_unit_test(test_F15_bad_units),
		cmocka_unit_test(test_F15_bad_words),
		cmocka_unit_test(test_F15_what_the_library_would_let_pass),
		cmocka_unit_test(test_F15_too_many),
		cmocka_unit_test(test_C6_depth),
		cmocka_unit_test(test_F15_the_file),
		cmocka_unit_test(test_F15_a_file_of_somebody_else),
		cmocka_unit_test(test_merge),
	};

	return cmocka_run_group_tests_name("control_config", tests, NULL, NULL);
}
