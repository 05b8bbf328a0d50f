/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/test_ctl_args.c - the command line of vduse-ctl: what is understood, and how the rest
 * is refused (C9 numbers, F1 to F5 names).
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "control/ctl/args.h"
#include "control/ctl/help.h"

#define WORDS_MAX 24

/* Parse one line, split at blanks; '' is an empty word. The words live until the next call. */
static int parse(const char *line, struct tool_args *a, struct err *e)
{
	static char text[512];
	char *argv[WORDS_MAX + 1] = { (char *)(size_t) "vduse-ctl" };
	int argc = 1;
	char *save = NULL;

	*e = (struct err){ 0 };
	(void)strncpy(text, line, sizeof(text) - 1);
	for (char *w = strtok_r(text, " ", &save); w && argc < WORDS_MAX; w = strtok_r(NULL, " ", &save))
		argv[argc++] = strcmp(w, "''") == 0 ? w + 2 : w;
	return tool_args_parse(argc, argv, a, e);
}

static void create_with_everything(void **state)
{
	/* In any order, with both spellings of values, the name in front, behind or between. */
	static const char *const lines[] = {
		"create disk0 --file /x --read-only --direct --queues 4 --queue-size 512 --serial A-1 --block-size "
		"4096 --on-error stop",
		"--json create --file=/x --read-only --direct --queues=4 --queue-size=512 --serial=A-1 "
		"--block-size=4096 --on-error=stop disk0",
		"--file /x --read-only create --direct --queues 4 disk0 --queue-size 512 --serial A-1 "
		"--block-size 4096 --on-error stop",
	};
	struct tool_args a;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(lines[i], &a, &e), 0);
		assert_int_equal(a.command, TOOL_CREATE);
		assert_string_equal(a.name, "disk0");
		assert_string_equal(a.file, "/x");
		assert_string_equal(a.serial, "A-1");
		assert_int_equal(a.queues, 4);
		assert_int_equal(a.queue_size, 512);
		assert_int_equal(a.block_size, 4096);
		assert_true(a.read_only && a.direct && a.stop);
		assert_int_equal(a.json, i == 1);
	}
}

static void create_defaults(void **state)
{
	struct tool_args a;
	struct err e;

	(void)state;
	assert_int_equal(parse("create disk0 --file /x", &a, &e), 0);
	assert_null(a.serial);
	assert_true(a.queues == 0 && a.queue_size == 0 && a.block_size == 0);
	assert_false(a.read_only || a.direct || a.stop || a.json || a.force || a.all || a.help || a.version);
	assert_int_equal(parse("create disk0 --file /x --on-error report", &a, &e), 0);
	assert_false(a.stop);
}

static void other_commands(void **state)
{
	struct tool_args a;
	struct err e;

	(void)state;
	assert_int_equal(parse("list --json", &a, &e), 0);
	assert_true(a.command == TOOL_LIST && a.json);
	assert_int_equal(parse("show disk0", &a, &e), 0);
	assert_int_equal(a.command, TOOL_SHOW);
	assert_int_equal(parse("delete --force disk0", &a, &e), 0);
	assert_true(a.command == TOOL_DELETE && a.force && !a.all);
	assert_int_equal(parse("delete --all", &a, &e), 0);
	assert_true(a.all && !a.name);
	assert_int_equal(parse("check", &a, &e), 0);
	assert_int_equal(a.command, TOOL_CHECK);
	assert_int_equal(parse("version", &a, &e), 0);
	assert_int_equal(a.command, TOOL_VERSION);
	assert_int_equal(parse("--version", &a, &e), 0);
	assert_true(a.version && a.command == TOOL_NONE);
	assert_int_equal(parse("show -- disk0", &a, &e), 0);
	assert_string_equal(a.name, "disk0");
}

static void any_number_of_names(void **state)
{
	static const char *const lines[] = {
		"apply --dry-run b --config-dir /d a c",
		"--dry-run apply b a --config-dir=/d -- c",
		"apply b a c --config-dir /d --dry-run",
	};
	struct tool_args a;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(lines[i], &a, &e), 0);
		assert_int_equal(a.command, TOOL_APPLY);
		assert_true(a.dry_run && a.nnames == 3 && !a.name);
		assert_string_equal(a.names[0], "b");
		assert_string_equal(a.names[1], "a");
		assert_string_equal(a.names[2], "c");
		assert_string_equal(a.config_dir, "/d");
	}
	assert_int_equal(parse("apply", &a, &e), 0);
	assert_int_equal(a.nnames, 0);
	assert_true(parse("apply a -b", &a, &e) < 0);
	assert_true(parse("apply a ../b", &a, &e) < 0);
	assert_true(parse("apply --units /u --dry-run", &a, &e) < 0);
	assert_non_null(strstr(e.text, "--dry-run or --units, not both"));
	assert_true(parse("show a --json --config", &a, &e) < 0);
}

static void commands_that_change(void **state)
{
	struct tool_args a;
	struct err e;

	(void)state;
	assert_int_equal(parse("recover disk0", &a, &e), 0);
	assert_int_equal(a.command, TOOL_RECOVER);
	assert_string_equal(a.name, "disk0");
	assert_int_equal(parse("--json resume disk0", &a, &e), 0);
	assert_int_equal(a.command, TOOL_RESUME);
	assert_int_equal(parse("upgrade disk0", &a, &e), 0);
	assert_true(a.command == TOOL_UPGRADE && !a.all);
	assert_int_equal(parse("--all upgrade", &a, &e), 0);
	assert_true(a.command == TOOL_UPGRADE && a.all && !a.name);
	assert_int_equal(parse("resize disk0", &a, &e), 0);
	assert_true(a.command == TOOL_RESIZE && a.size == 0);
	assert_int_equal(parse("resize --json disk0 40G", &a, &e), 0);
	assert_true(a.size == 40ULL << 30 && a.json);
	assert_string_equal(a.name, "disk0");
}

static void posixly_correct_changes_nothing(void **state)
{
	struct tool_args a;
	struct err e;

	(void)state;
	assert_int_equal(setenv("POSIXLY_CORRECT", "1", 1), 0);
	assert_int_equal(parse("create disk0 --file /x", &a, &e), 0);
	assert_string_equal(a.file, "/x");
	assert_int_equal(unsetenv("POSIXLY_CORRECT"), 0);
}

static void socket_sources(void **state)
{
	struct tool_args a;
	struct err e;

	(void)state;
	(void)unsetenv("VDUSED_SOCKET");
	assert_int_equal(parse("list", &a, &e), 0);
	assert_string_equal(a.socket, TOOL_SOCKET_DEFAULT);
	(void)setenv("VDUSED_SOCKET", "/env", 1);
	assert_int_equal(parse("list", &a, &e), 0);
	assert_string_equal(a.socket, "/env");
	assert_int_equal(parse("list --socket /opt", &a, &e), 0);
	assert_string_equal(a.socket, "/opt");
	(void)setenv("VDUSED_SOCKET", "", 1);
	assert_int_equal(parse("list", &a, &e), 0);
	assert_string_equal(a.socket, TOOL_SOCKET_DEFAULT);
	(void)unsetenv("VDUSED_SOCKET");
}

struct refusal {
	const char *line, *text; /* the text must contain this */
};

static void refused(const struct refusal *cases, size_t n)
{
	struct tool_args a;
	struct err e;

	for (size_t i = 0; i < n; i++) {
		assert_int_equal(parse(cases[i].line, &a, &e), -EINVAL);
		assert_int_equal(e.code, -EINVAL);
		if (!strstr(e.text, cases[i].text))
			fail_msg("\"%s\" gives \"%s\", without \"%s\"", cases[i].line, e.text, cases[i].text);
	}
}
#define REFUSED(cases) refused(cases, sizeof(cases) / sizeof((cases)[0]))

static void unknown_things(void **state)
{
	static const struct refusal cases[] = {
		{ "", "a command is missing" },
		{ "--json", "a command is missing" },
		{ "creat x", "the commands are create, list" },
		{ "''", "unknown command" },
		{ "--bogus list", "option \"--bogus\": see \"vduse-ctl --help\"" },
		{ "list --bogus", "see \"vduse-ctl list --help\"" },
		{ "list -x", "unknown option \"-x\"" },
		{ "list -xy", "unknown option \"-x\"" },
		{ "list --force", "list has no option --force" },
		{ "show disk0 --all", "show has no option --all" },
		{ "delete disk0 --file /x", "delete has no option --file" },
		{ "list --version", "list has no option --version" },
		{ "list disk0", "unexpected argument \"disk0\"" },
		{ "show a b", "unexpected argument \"b\"" },
		{ "create disk0 --f /x", "ambiguous" },
		{ "list --json=yes", "--json takes no value" },
		{ "create disk0 --file", "--file needs a value" },
		{ "create disk0 --file /x --file /y", "--file is given twice" },
		{ "show", "needs the NAME" },
		{ "delete", "or --all" },
		{ "delete disk0 --all", "not both" },
		{ "create disk0", "--file PATH" },
		{ "create disk0 --file=", "--file PATH" },
		{ "create --file /x", "needs the NAME" },
		{ "create disk0 --file /x --on-error", "--on-error needs a value" },
		{ "create disk0 --file /x --on-error ignore", "--on-error \"ignore\": must be report" },
		{ "create disk0 --file /x --on-error=", "must be report" },
		{ "create disk0 --file /x --on-error stop --on-error report", "--on-error is given twice" },
		{ "recover", "recover needs the NAME of a device: see" },
		{ "recover --all", "recover has no option --all" },
		{ "recover a b", "unexpected argument \"b\"" },
		{ "resume", "resume needs the NAME of a device: see" },
		{ "resume disk0 --force", "resume has no option --force" },
		{ "resume a b", "unexpected argument \"b\"" },
		{ "upgrade", "upgrade needs the NAME of a device, or --all" },
		{ "upgrade disk0 --all", "upgrade takes a NAME or --all, not both" },
		{ "upgrade --all --force", "upgrade has no option --force" },
		{ "resize", "resize needs the NAME of a device: see" },
		{ "resize --all", "resize has no option --all" },
		{ "resize disk0 1G 2G", "unexpected argument \"2G\"" },
		{ "resize 40G! disk0", "is not a device name" },
		{ "resize disk0 --on-error stop", "resize has no option --on-error" },
		{ "show -1", "unknown option \"-1\"" },
	};

	(void)state;
	REFUSED(cases);
}

static void F1_to_F5_names(void **state)
{
	static const struct refusal cases[] = {
		{ "show ''", "the first a letter or a digit" },
		{ "show .", "is not a device name" },
		{ "show ..", "is not a device name" },
		{ "show control", "not \"control\"" },
		{ "create a/b --file /x", "is not a device name" },
		{ "create a!b --file /x", "is not a device name" },
		{ "delete -- -x", "is not a device name" },
		{ "show a\nb", "\"a?b\" is not" },
		{ "show 123456789012345678901234567890123", "1 to 32 characters" },
		{ "create d --file /x --serial=", "1 to 20 characters" },
		{ "create d --file /x --serial a/b", "\"a/b\" is not a serial" },
		{ "create d --file /x --serial 123456789012345678901", "1 to 20 characters" },
	};

	(void)state;
	REFUSED(cases);
}

static void C9_numbers(void **state)
{
	static const char *const words[] = { "-1",
					     "+1",
					     "",
					     "x",
					     "1x",
					     "08",
					     "00",
					     "0x10",
					     "1e2",
					     "1.0",
					     "9223372036854775808",
					     "4294967297",
					     "99999999999999999999" };
	static const char *const names[] = { "queues", "queue-size", "block-size" };
	char line[128], want[32];

	(void)state;
	for (size_t n = 0; n < 3; n++) {
		for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
			struct refusal r = { line, want };

			(void)snprintf(line, sizeof(line), "create d --file /x --%s=%s", names[n], words[i]);
			(void)snprintf(want, sizeof(want), "--%s: ", names[n]);
			refused(&r, 1);
		}
	}
}

static void number_ranges(void **state)
{
	static const struct refusal cases[] = {
		{ "create d --file /x --queues 0", "not between 1 and 16" },
		{ "create d --file /x --queues 17", "not between 1 and 16" },
		{ "create d --file /x --queue-size 8", "power of two between 16 and 1024" },
		{ "create d --file /x --queue-size 0", "power of two between 16 and 1024" },
		{ "create d --file /x --queue-size 100", "power of two between 16 and 1024" },
		{ "create d --file /x --queue-size 2048", "power of two between 16 and 1024" },
		{ "create d --file /x --block-size 0", "neither 512 nor 4096" },
		{ "create d --file /x --block-size 1024", "neither 512 nor 4096" },
	};
	struct tool_args a;
	struct err e;

	(void)state;
	REFUSED(cases);
	assert_int_equal(parse("create d --file /x --queues 1 --queue-size 16 --block-size 512", &a, &e), 0);
	assert_int_equal(parse("create d --file /x --queues 16 --queue-size 1024 --block-size 4096", &a, &e), 0);
}

/* How sizes are read: test_ctl_number.c. */
static void sizes(void **state)
{
	static const struct refusal cases[] = {
		{ "resize disk0 ''", "\"\" is not a size: give all bytes" },
		{ "resize disk0 +10G", "\"+10G\" is not a size" },
		{ "resize disk0 -1G", "a SIZE has no sign" },
		{ "resize disk0 -1", "a SIZE has no sign" },
		{ "resize disk0 -- -1G", "\"-1G\" is not a size" },
		{ "resize disk0 0", "at least one block" },
		{ "resize disk0 1\t2", "\"1?2\" is not a size" },
	};

	(void)state;
	REFUSED(cases);
}

static void every_command_is_offered(void **state)
{
	struct tool_args a;
	struct err e;

	(void)state;
	assert_int_equal(parse("bogus", &a, &e), -EINVAL);
	for (int c = TOOL_NONE + 1; c <= TOOL_LAST; c++) {
		const char *word = tool_command_text((enum tool_command)c);

		assert_true(word[0] != '\0' && strstr(e.text, word) && strstr(tool_help(TOOL_NONE), word));
	}
}

static void help_wins_over_what_is_missing(void **state)
{
	static const char *const lines[] = { "--help", "-h", "create --help", "list -h", "delete --help --force" };
	struct tool_args a;
	struct err e;

	(void)state;
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		assert_int_equal(parse(lines[i], &a, &e), 0);
		assert_true(a.help);
	}
	assert_int_equal(parse("create --help", &a, &e), 0);
	assert_int_equal(a.command, TOOL_CREATE);
}

static void help_fits_a_terminal(void **state)
{
	(void)state;
	for (int c = TOOL_NONE; c <= TOOL_LAST; c++) {
		const char *text = tool_help((enum tool_command)c);
		int lines = 0, column = 0;

		for (; *text; text++) {
			column = *text == '\n' ? 0 : column + 1;
			lines += *text == '\n';
			assert_true(column <= 80);
		}
		assert_int_equal(column, 0);
		assert_true(lines <= 24);
		assert_true(c == TOOL_NONE ||
			    strstr(tool_help((enum tool_command)c), tool_command_text((enum tool_command)c)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(create_with_everything),
		cmocka_unit_test(create_defaults),
		cmocka_unit_test(other_commands),
		cmocka_unit_test(any_number_of_names),
		cmocka_unit_test(commands_that_change),
		cmocka_unit_test(sizes),
		cmocka_unit_test(every_command_is_offered),
		cmocka_unit_test(posixly_correct_changes_nothing),
		cmocka_unit_test(socket_sources),
		cmocka_unit_test(unknown_things),
		cmocka_unit_test(F1_to_F5_names),
		cmocka_unit_test(C9_numbers),
		cmocka_unit_test(number_ranges),
		cmocka_unit_test(help_wins_over_what_is_missing),
		cmocka_unit_test(help_fits_a_terminal),
	};

	return cmocka_run_group_tests_name("ctl_args", tests, NULL, NULL);
}
