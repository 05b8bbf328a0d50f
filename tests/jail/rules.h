/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/rules.h - P7, rule by rule: what worker/jail/syscalls.c allows works, and nothing
 * beside it. Test code.
 */
#ifndef TESTS_JAIL_RULES_H
#define TESTS_JAIL_RULES_H

/* Each row as it is meant, then with each compared argument changed. */
void rules_edges(void);

/*
 * Each row left out, in the variant worker: its call must kill. So no row stands in the shadow of
 * others.
 */
void rules_cut(const char *variant);

#endif
