/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/uid_range.h - the setting worker-uids, as the command line and vdused.conf(5) say
 * it. Pure.
 */
#ifndef CONTROL_CONFIG_UID_RANGE_H
#define CONTROL_CONFIG_UID_RANGE_H

#include <stdbool.h>
#include <stdint.h>

#define UIDS_MAX 65536U

/*
 * Parse "FIRST-LAST": FIRST above 0, at most UIDS_MAX numbers, none of them the one that means
 * nobody. False when the text is anything else; *first and *last are untouched then.
 */
bool uid_range_parse(const char *text, uint32_t *first, uint32_t *last);

#endif
