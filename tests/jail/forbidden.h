/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/forbidden.h - what a worker that is taken over might want to do. Test code.
 */
#ifndef TESTS_JAIL_FORBIDDEN_H
#define TESTS_JAIL_FORBIDDEN_H

#include "tests/jail/inject.h"

struct forbidden {
	const char *name; /* begins with the number of the promise it breaks: P1 to P11 */
	struct call call;
};

/* Short forms for tables of calls: a number, a text, an object; a call with its arguments. */
/* clang-format off */
#define N(v) { .value = (uint64_t)(v) }
#define T(text) { .bytes = (text), .size = sizeof(text) }
#define B(object) { .bytes = &(object), .size = sizeof(object) }
#define CALL(call_nr, ...) { .entry = BY_SYSCALL, .nr = (uint64_t)(call_nr), .arg = { __VA_ARGS__ } }
/* clang-format on */

extern const struct forbidden forbidden_files[]; /* P1, P10 */
extern const struct forbidden forbidden_processes[]; /* P2, P4 */
extern const struct forbidden forbidden_objects[]; /* P3 */
extern const struct forbidden forbidden_kernel[]; /* P5, P6, P8 */
extern const struct forbidden forbidden_tricks[]; /* P7 */
extern const struct forbidden forbidden_memory[]; /* P9 */
extern const struct forbidden forbidden_device[]; /* P11 */

#endif
