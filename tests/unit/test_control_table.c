/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unit test of control/steps/table.c: vdused(8), Capabilities, tells of the same helpers, with the
 * same capabilities and deadlines, and all of these together are what vdused keeps.
 */
#include "tests/unit/unit.h"

#include <cap-ng.h>
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "control/helper/close_elsewhere.h"
#include "control/steps/table.h"
#include "control/sys/caps.h"

#define MANUAL "man/vdused.8"
#define LINE 200

struct row { /* of the manual */
	char name[VD_STEP_SIZE];
	uint64_t caps;
	unsigned seconds;
};

static struct row rows[HELPER_KINDS + 1];
static unsigned nrows;
static uint64_t permitted;

/* ---- stand-ins ------------------------------------------------------------------------------- */

int helper_start(struct event_base *base, const struct helper_kind *kind, const struct helper_call *call,
		 helper_done *done, void *ctx, struct err *e)
{
	return base && kind && call && done && ctx && e ? -1 : -2;
}

unsigned helper_given_up(uint32_t uid)
{
	return uid == 0;
}

/* ---- the manual ------------------------------------------------------------------------------ */

/* "CAP_SETUID , CAP_SETGID": the bits of those. */
static uint64_t caps_of(char *names)
{
	char *save = NULL;
	uint64_t caps = 0;

	for (char *w = strtok_r(names, " ,\n", &save); w; w = strtok_r(NULL, " ,\n", &save)) {
		int cap;

		assert_memory_equal(w, "CAP_", 4);
		cap = capng_name_to_capability(w + 4);
		assert_true(cap >= 0);
		caps |= CAP_BIT(cap);
	}
	return caps;
}

static void take_line(char *line)
{
	char *name = line + strlen(".It Cm ");

	if (strncmp(line, ".It Dv ", 7) == 0) {
		permitted |= caps_of(line + 7);
	} else if (strncmp(line, ".It Cm ", 7) == 0) {
		assert_true(nrows < sizeof(rows) / sizeof(rows[0]));
		name[strcspn(name, "\n")] = '\0';
		assert_true(strlen(name) < VD_STEP_SIZE);
		memcpy(rows[nrows++].name, name, strlen(name));
	} else if (nrows && isdigit((unsigned char)line[0])) {
		rows[nrows - 1].seconds = (unsigned)strtoul(line, NULL, 10);
	} else if (nrows && strncmp(line, ".Dv CAP_", 8) == 0) {
		rows[nrows - 1].caps |= caps_of(line + 4);
	}
}

static int read_manual(void **state)
{
	FILE *f = fopen(MANUAL, "re");
	char line[LINE];
	bool inside = false;

	(void)state;
	assert_non_null(f);
	while (fgets(line, sizeof(line), f)) {
		if (strncmp(line, ".Ss ", 4) == 0 || strncmp(line, ".Sh ", 4) == 0)
			inside = strcmp(line, ".Ss Capabilities\n") == 0;
		else if (inside)
			take_line(line);
	}
	return fclose(f);
}

/* ---- tests ----------------------------------------------------------------------------------- */

static const struct helper_kind *kind(unsigned i)
{
	return i < HELPER_KINDS ? &helper_kinds[i] : &closer_kind;
}

static void test_every_helper_is_in_the_manual(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= HELPER_KINDS; i++) {
		const struct helper_kind *k = kind(i);
		unsigned r = 0;

		assert_non_null(k->name);
		assert_non_null(k->fn);
		while (r < nrows && strcmp(rows[r].name, k->name) != 0)
			r++;
		if (r == nrows)
			fail_msg("%s does not have the helper \"%s\"", MANUAL, k->name);
		if (rows[r].caps != k->caps)
			fail_msg("\"%s\": other capabilities than in %s", k->name, MANUAL);
		assert_int_equal(rows[r].seconds * 1000, k->deadline_ms);
	}
}

static void test_the_manual_has_no_other(void **state)
{
	(void)state;
	for (unsigned r = 0; r < nrows; r++) {
		unsigned i = 0;

		while (i <= HELPER_KINDS && strcmp(rows[r].name, kind(i)->name) != 0)
			i++;
		if (i > HELPER_KINDS)
			fail_msg("there is no helper \"%s\"", rows[r].name);
	}
}

/* What no helper needs, and the main process does not, is not kept. */
static void test_nothing_is_permitted_that_nobody_needs(void **state)
{
	uint64_t needed = CAP_BIT(CAP_KILL);

	(void)state;
	for (unsigned i = 0; i < HELPER_KINDS; i++)
		needed |= helper_kinds[i].caps;
	assert_int_equal(needed, permitted);
}

/* Only to kill a bind may leave the kernel in a state that nothing mends. */
static void test_only_bind_is_patient(void **state)
{
	(void)state;
	for (unsigned i = 0; i <= HELPER_KINDS; i++)
		assert_int_equal(kind(i)->patient, i == HELPER_BIND);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_helper_is_in_the_manual),
		cmocka_unit_test(test_the_manual_has_no_other),
		cmocka_unit_test(test_nothing_is_permitted_that_nobody_needs),
		cmocka_unit_test(test_only_bind_is_patient),
	};

	return cmocka_run_group_tests_name("control_table", tests, read_manual, NULL);
}
