/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/report.c - see report.h. Test code.
 */
#include "tests/jail/report.h"

#include <fnmatch.h>
#include <stdarg.h>
#include <stdio.h>

#define LISTED_MAX 64U

static char **wanted;
static unsigned our_part, all_parts = 1;
static unsigned passed, failed, skipped, listed;
static char list[LISTED_MAX][128];

void report_want(char **patterns, unsigned part, unsigned parts)
{
	wanted = patterns;
	our_part = part;
	all_parts = parts;
}

static bool matches(const char *name)
{
	for (unsigned i = 0; wanted && wanted[i]; i++)
		if (fnmatch(wanted[i], name, 0) == 0)
			return true;
	return !wanted || !wanted[0];
}

bool report_wanted(const char *name)
{
	static unsigned asked;

	return matches(name) && asked++ % all_parts == our_part;
}

void report(bool ok, const char *name, const char *fmt, ...)
{
	va_list ap;

	if (ok)
		passed++;
	else
		failed++;
	(void)printf("%sok %u %s: ", ok ? "" : "not ", passed + failed + skipped, name);
	va_start(ap, fmt);
	(void)vprintf(fmt, ap);
	va_end(ap);
	(void)printf("\n");
	(void)fflush(stdout);
}

void report_skip(const char *name, const char *why)
{
	skipped++;
	(void)printf("ok %u %s # SKIP %s\n", passed + failed + skipped, name, why);
}

void report_errno(const char *name, const char *error)
{
	if (listed < LISTED_MAX)
		(void)snprintf(list[listed], sizeof(list[listed]), "%s: %s", name, error);
	listed++;
}

int report_end(void)
{
	(void)printf("# let through by the filter and denied by errno: %u\n", listed);
	for (unsigned i = 0; i < listed && i < LISTED_MAX; i++)
		(void)printf("#   %s\n", list[i]);
	(void)printf("attempts: %u passed, %u failed, %u skipped\n", passed, failed, skipped);
	return failed == 0 && passed > 0 ? 0 : 1;
}
