/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/ids.h - the ids behind the names in vdused.conf(5).
 */
#ifndef CONTROL_CONFIG_IDS_H
#define CONTROL_CONFIG_IDS_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The uid (gid) for a word: a name of the user (group) database, else a number below 2^32 - 1. May
 * ask directory services, and so take its time.
 */
bool config_user(const char *word, uint32_t *id);
bool config_group(const char *word, uint32_t *id);

#endif
