/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/unit/cpu.h - kill a worker before a certain store to memory that outlives it. For unit
 * tests.
 *
 * How: that memory is mapped read-only. A store faults; the handler counts it, lets this one
 * instruction pass with the trap flag set, and closes the pages again. When its number is up, it
 * jumps out instead: from there on nothing of that worker has happened, as after SIGKILL (on one
 * host memory is coherent). One thread alone may store.
 */
#ifndef TESTS_CPU_H
#define TESTS_CPU_H

#include <setjmp.h>
#include <stddef.h>

struct cpu {
	void *page[2]; /* what outlives it; NULL = only one */
	size_t len[2];
	long left; /* stores until the kill; < 0: no kill */
	long made;
	/* the test fills it in with sigsetjmp() and calls cpu_open() when it comes back */
	sigjmp_buf killed;
};

extern struct cpu cpu;

void cpu_install(void); /* in each test: cmocka puts its own handlers in front */
void cpu_close(void); /* stores count */
void cpu_open(void); /* they do not */

#endif
