/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/number.h - numbers and sizes as people write them on vduse-ctl's command line. Runs
 * as the tool's caller; what it reads is the caller's own. Pure.
 */
#ifndef CONTROL_CTL_NUMBER_H
#define CONTROL_CTL_NUMBER_H

#include <stdint.h>

#include "common/err.h"

/*
 * Up to six plain decimal digits, no sign, no leading zero. Returns 0, or -EINVAL with a text that
 * begins with what.
 */
int tool_number(const char *what, const char *text, uint32_t *out, struct err *e);

/*
 * A size in bytes as truncate(1) takes it: "4096", "512M", "40G", "40GiB"; powers of 1024 only, and
 * neither signs nor fractions. From 1 to VD_CAPACITY_MAX. Returns 0, or -EINVAL with a text.
 */
int tool_size(const char *text, uint64_t *out, struct err *e);

#endif
