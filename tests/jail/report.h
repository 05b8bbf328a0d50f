/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/report.h - one line per case, and the count. Test code.
 */
#ifndef TESTS_JAIL_REPORT_H
#define TESTS_JAIL_REPORT_H

#include <stdbool.h>

/*
 * Patterns (fnmatch), none: every case is wanted. Of those every parts-th, from the one numbered
 * part (0 and on).
 */
void report_want(char **patterns, unsigned part, unsigned parts);

/* To be asked once for each case. */
bool report_wanted(const char *name);

/* "ok N name: text" or "not ok N name: text". */
void report(bool ok, const char *name, const char *fmt, ...) __attribute__((format(printf, 3, 4)));
void report_skip(const char *name, const char *why);

/* Remember a case that an errno denied and not the filter; listed by report_end(). */
void report_errno(const char *name, const char *error);

/* The lists and "attempts: N passed, N failed, N skipped". Returns the exit status. */
int report_end(void);

#endif
