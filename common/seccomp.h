/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/seccomp.h - a table of allowed system calls and the filter made from it.
 * Runs in the process that confines itself, before it sees a hostile byte; trusts its table.
 *
 * A row allows one call, if all its argument tests hold; several rows of one call are alternatives.
 * So a row without tests makes the other rows of the same call pointless: seccomp_check_table()
 * refuses that, since libseccomp would silently take the wider rule.
 * Everything not in the table, and every other architecture (x32 and i386 included), kills the
 * process.
 */
#ifndef COMMON_SECCOMP_H
#define COMMON_SECCOMP_H

#include <seccomp.h>
#include <stddef.h>

#define SECCOMP_TESTS_MAX 4U

struct seccomp_row {
	int nr; /* SCMP_SYS(name) */
	unsigned tests;
	/* ANDed; the compared values are 64 bits wide */
	struct scmp_arg_cmp test[SECCOMP_TESTS_MAX];
	const char *reason; /* why the process cannot do without it */
};

/* Different system calls in the table (rows of one call count once). Pure. */
size_t seccomp_count_calls(const struct seccomp_row *table, size_t rows);

/*
 * 0, or -EINVAL when a row lacks a reason, or one call has both a row without tests and another
 * row. Pure.
 */
int seccomp_check_table(const struct seccomp_row *table, size_t rows);

/*
 * Load the filter into every thread of the process (TSYNC), for good. Rows in front are tested
 * first: put the calls of the data path there. Allocates. Returns 0 or a negative errno.
 */
int seccomp_enter(const struct seccomp_row *table, size_t rows);

/* Write the filter as pseudo code (libseccomp's PFC) to fd. Returns 0 or a negative errno. */
int seccomp_dump(const struct seccomp_row *table, size_t rows, int fd);

#endif
