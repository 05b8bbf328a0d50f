/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/inject.h - make a worker's own thread execute one system call instruction, with
 * registers and memory of our choice: what an attacker can do who has taken the process over. By
 * ptrace, as root. Test code.
 */
#ifndef TESTS_JAIL_INJECT_H
#define TESTS_JAIL_INJECT_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "tests/jail/subject.h"

#define INJECT_ARGS 6U
#define INJECT_SLOT 512U /* bytes of memory that one argument may have */

struct arg {
	uint64_t value;
	const void *bytes; /* copied into the worker; the argument is its address there */
	size_t size;
};

/* The ways into the kernel. */
enum entry { BY_SYSCALL, BY_INT80, BY_VSYSCALL };

struct call {
	enum entry entry;
	uint64_t nr; /* what is in rax; BY_VSYSCALL: offset in its page */
	struct arg arg[INJECT_ARGS];
};

enum fate_kind {
	FATE_SIGSYS, /* the whole process died by it */
	FATE_RETURNED, /* value: what the call returned */
	FATE_SIGNAL, /* value: another signal */
	FATE_EXITED, /* value: exit status */
	FATE_BLOCKED, /* the call waits, or the thread died alone */
};

struct fate {
	enum fate_kind kind;
	long value;
};

/* Stop the thread tid of s, which sleeps in a system call. 0 or a negative errno. */
int inject_attach(pid_t tid);

/* One call; to be repeated as long as calls return. */
struct fate inject_call(struct subject *s, pid_t tid, const struct call *c);

/* "killed (SIGSYS)", "returned -13 (Permission denied)". */
const char *fate_text(struct fate f);

#endif
