/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/torture/recovery.h - how long requests stood still after each death of a worker. Part of
 * the checker.
 */
#ifndef TORTURE_RECOVERY_H
#define TORTURE_RECOVERY_H

#include <stddef.h>

/*
 * deaths: the file that the killer writes, a line "DEATH BIRTH HOW" for each: when a worker ended
 * and when the next one was seen (CLOCK_MONOTONIC, ns). ended: when operations ended (is sorted).
 * For each row of deaths without an operation between them a line "NUMBER-OF-DEATHS MILLISECONDS"
 * is appended to the file out: from the first death to the first operation that ended after the
 * birth of the last successor. 0 or a negative errno.
 */
int recovery_write(const char *deaths, const char *out, long long *ended, size_t n);

#endif
