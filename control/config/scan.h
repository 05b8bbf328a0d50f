/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/scan.h - a look at the bytes of vdused.conf(5) before libconfig gets them. Pure.
 *
 * libconfig 1.5 takes some mistakes for something else without a word: a number of more than 32
 * bits is cut, a comment that is not closed swallows all settings behind it, a NUL ends the text,
 * @include opens files. In a file that says who may do what, none of them may pass.
 */
#ifndef CONTROL_CONFIG_SCAN_H
#define CONTROL_CONFIG_SCAN_H

#include <stddef.h>

#include "common/err.h"

/* 0, or -EINVAL with e saying "FILE:LINE: what is wrong". */
int config_scan(const char *text, size_t len, const char *file, struct err *e);

#endif
