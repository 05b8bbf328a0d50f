/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/rules.c - see rules.h. The cases are made from the table itself. Runs as root. Test
 * code.
 */
#include "tests/jail/rules.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/jail/report.h"
#include "tests/jail/try.h"
#include "worker/jail/syscalls.h"

#define NAME_SIZE 128

static const char *call_name(int nr)
{
	static char name[32];
	char *found = seccomp_syscall_resolve_num_arch(SCMP_ARCH_X86_64, nr);

	(void)snprintf(name, sizeof(name), "%s", found ? found : "?");
	free(found);
	return name;
}

/* A call that the row is there for; arguments that it does not look at are zero. */
static struct call meant(const struct seccomp_row *r)
{
	struct call c = { .entry = BY_SYSCALL, .nr = (uint64_t)r->nr };

	for (unsigned i = 0; i < r->tests; i++) {
		const struct scmp_arg_cmp *t = &r->test[i];

		c.arg[t->arg].value = t->op == SCMP_CMP_MASKED_EQ ? t->datum_b : t->datum_a;
	}
	return c;
}

/*
 * What the table means: a number that a rule compares has nothing above its 32 bits, unless the
 * rule masks it.
 */
static bool holds(const struct scmp_arg_cmp *t, uint64_t v)
{
	switch (t->op) {
	case SCMP_CMP_EQ:
		return v == t->datum_a;
	case SCMP_CMP_GE:
		return v >= t->datum_a && v <= UINT32_MAX;
	case SCMP_CMP_MASKED_EQ:
		return (v & t->datum_a) == t->datum_b;
	default:
		return false;
	}
}

static bool table_allows(const struct call *c)
{
	for (size_t i = 0; i < worker_syscalls_rows; i++) {
		const struct seccomp_row *r = &worker_syscalls[i];
		bool all = (uint64_t)r->nr == c->nr;

		for (unsigned k = 0; k < r->tests && all; k++)
			all = holds(&r->test[k], c->arg[r->test[k].arg].value);
		if (all)
			return true;
	}
	return false;
}

static void one_change(size_t row, const struct scmp_arg_cmp *t, uint64_t v)
{
	struct call c = meant(&worker_syscalls[row]);
	char name[NAME_SIZE];

	c.arg[t->arg].value = v;
	if (table_allows(&c))
		return;
	(void)snprintf(name, sizeof(name), "P7 rule %zu, %s: argument %u is 0x%llx", row, call_name((int)c.nr), t->arg,
		       (unsigned long long)v);
	try_forbidden(name, &c);
}

/*
 * One more, one less, and bits above the 32 that the kernel looks at, over this value and over ones
 * not allowed.
 */
static void change_number(size_t row, const struct scmp_arg_cmp *t)
{
	uint64_t v = t->datum_a;
	const uint64_t changed[] = { v - 1, v + 1, v | 1ULL << 32, v | 1ULL << 63, v | ~0ULL << 32 };

	for (size_t i = 0; i < sizeof(changed) / sizeof(changed[0]); i++)
		one_change(row, t, changed[i]);
	if (t->op != SCMP_CMP_GE)
		return;
	for (uint64_t fd = 0; fd < v; fd++)
		one_change(row, t, fd | 1ULL << 32);
}

/* Each kind of bit that must be as it is: the lowest three, the middle, the ends of both halves. */
static void change_bits(size_t row, const struct scmp_arg_cmp *t)
{
	static const unsigned bits[] = { 0, 1, 2, 3, 24, 25, 31, 32, 63 };

	for (size_t i = 0; i < sizeof(bits) / sizeof(bits[0]); i++)
		if (t->datum_a >> bits[i] & 1)
			one_change(row, t, t->datum_b ^ 1ULL << bits[i]);
}

static void changes(size_t row)
{
	const struct seccomp_row *r = &worker_syscalls[row];

	for (unsigned i = 0; i < r->tests; i++) {
		if (r->test[i].op == SCMP_CMP_MASKED_EQ)
			change_bits(row, &r->test[i]);
		else
			change_number(row, &r->test[i]);
	}
}

void rules_edges(void)
{
	char name[NAME_SIZE];

	for (size_t i = 0; i < worker_syscalls_rows; i++) {
		struct call c = meant(&worker_syscalls[i]);

		(void)snprintf(name, sizeof(name), "rule %zu, %s: allowed as it is meant", i, call_name((int)c.nr));
		try_allowed(name, &c);
		changes(i);
	}
}

static void cut_one(size_t row, const char *variant)
{
	struct call c = meant(&worker_syscalls[row]);
	struct err e = { 0 };
	char name[NAME_SIZE], order[16];
	struct fate f;

	(void)snprintf(name, sizeof(name), "rule %zu, %s: nothing else allows it", row, call_name((int)c.nr));
	if (!report_wanted(name))
		return;
	(void)snprintf(order, sizeof(order), "cut%02u", (unsigned)row % 100);
	if (subject_binary(variant, order, &e) != 0)
		report(false, name, "%s", e.text);
	else if (try_sealed(&c, &f, &e))
		report(f.kind == FATE_SIGSYS, name, "without it: %s", fate_text(f));
	else /* it does not get as far as that without it */
		report(strstr(e.text, "killed by signal 31") != NULL, name, "without it: %s", e.text);
}

void rules_cut(const char *variant)
{
	for (size_t i = 0; i < worker_syscalls_rows; i++)
		cut_one(i, variant);
}
