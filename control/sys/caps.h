/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/sys/caps.h - which capabilities vdused and its helpers hold (libcap-ng). Runs in vdused.
 *
 * The main process keeps the permitted set below, so that helpers can be given their one
 * capability, but has only CAP_KILL effective itself. vdused(8) lists and justifies the set.
 */
#ifndef CONTROL_SYS_CAPS_H
#define CONTROL_SYS_CAPS_H

#include <linux/capability.h>
#include <stdint.h>

#include "common/err.h"

#define CAP_BIT(c) (1ULL << (c))

/*
 * At start: drop everything outside the permitted set, from the bounding set too, and lock the
 * securebits. Fails, naming them, when capabilities that vdused needs are missing.
 */
int caps_supervisor(struct err *e);

/* In a helper: keep exactly mask (CAP_BIT()s), permitted and effective. */
int caps_helper(uint64_t mask, struct err *e);

#endif
