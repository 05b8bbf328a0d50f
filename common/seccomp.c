/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/seccomp.c - see seccomp.h. Runs in the process that confines itself; trusts its table.
 */
#include "common/seccomp.h"

#include <errno.h>
#include <stdbool.h>

size_t seccomp_count_calls(const struct seccomp_row *table, size_t rows)
{
	size_t calls = 0;

	for (size_t i = 0; i < rows; i++) {
		bool seen = false;

		for (size_t j = 0; j < i && !seen; j++)
			seen = table[j].nr == table[i].nr;
		if (!seen)
			calls++;
	}
	return calls;
}

int seccomp_check_table(const struct seccomp_row *table, size_t rows)
{
	for (size_t i = 0; i < rows; i++) {
		if (!table[i].reason || table[i].reason[0] == '\0' || table[i].tests > SECCOMP_TESTS_MAX)
			return -EINVAL;
		for (size_t j = 0; j < rows; j++)
			if (j != i && table[j].nr == table[i].nr && table[i].tests == 0)
				return -EINVAL;
	}
	return 0;
}

/* The kernel walks the filter from the front: give earlier rows the higher priority. */
static int add_row(scmp_filter_ctx ctx, const struct seccomp_row *r, size_t position)
{
	uint8_t priority = position < 255 ? (uint8_t)(255 - position) : 0;
	int rc = seccomp_rule_add_array(ctx, SCMP_ACT_ALLOW, r->nr, r->tests, r->test);

	return rc < 0 ? rc : seccomp_syscall_priority(ctx, r->nr, priority);
}

/*
 * Rows are added back to front, so that the priority that stays is the one of a call's first row.
 */
static int build(const struct seccomp_row *table, size_t rows, scmp_filter_ctx *out)
{
	scmp_filter_ctx ctx;
	int rc = seccomp_check_table(table, rows);

	if (rc < 0)
		return rc;
	ctx = seccomp_init(SCMP_ACT_KILL_PROCESS);
	if (!ctx)
		return -ENOMEM;
	rc = seccomp_attr_set(ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
	if (rc == 0)
		rc = seccomp_attr_set(ctx, SCMP_FLTATR_CTL_TSYNC, 1);
	for (size_t i = rows; i > 0 && rc == 0; i--)
		rc = add_row(ctx, &table[i - 1], i - 1);
	if (rc < 0) {
		seccomp_release(ctx);
		return rc;
	}
	*out = ctx;
	return 0;
}

int seccomp_enter(const struct seccomp_row *table, size_t rows)
{
	scmp_filter_ctx ctx;
	int rc = build(table, rows, &ctx);

	if (rc < 0)
		return rc;
	/*
	 * The context is not released: free() could need a call that the filter no longer allows.
	 */
	return seccomp_load(ctx);
}

int seccomp_dump(const struct seccomp_row *table, size_t rows, int fd)
{
	scmp_filter_ctx ctx;
	int rc = build(table, rows, &ctx);

	if (rc < 0)
		return rc;
	rc = seccomp_export_pfc(ctx, fd);
	seccomp_release(ctx);
	return rc;
}
