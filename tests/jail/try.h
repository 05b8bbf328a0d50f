/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/jail/try.h - one call in one fresh, sealed worker. Test code.
 */
#ifndef TESTS_JAIL_TRY_H
#define TESTS_JAIL_TRY_H

#include "tests/jail/inject.h"

/* In the main thread of a new worker. False, with e, when there was no worker to try it in. */
bool try_sealed(const struct call *c, struct fate *f, struct err *e);

enum verdict { DENIED, DENIED_BY_ERRNO, NO_SUCH_DOOR, NOT_DENIED };

/* An error that is not about rights means that the filter let the call through: not denied. */
enum verdict try_judge(const struct call *c, struct fate f);

/* It must kill the process; reported as one case. */
void try_forbidden(const char *name, const struct call *c);

/* It must not; reported as one case. */
void try_allowed(const char *name, const struct call *c);

#endif
