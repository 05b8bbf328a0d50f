/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/tree.h - a whole text in the syntax of vdused.conf(5). Runs in vdused's main
 * process at start and in its reload helper; in vduse-ctl for vdused.device(5). Trusts no byte.
 */
#ifndef CONTROL_CONFIG_TREE_H
#define CONTROL_CONFIG_TREE_H

#include <stddef.h>

#include "control/config/value.h"

/*
 * Understand a text of len bytes, which need not end in NUL: each of its settings is one of
 * keys[0..n) and is stored at dst + offset. 0, or -EINVAL with "FILE:LINE: what is wrong" (then dst
 * is unspecified), or -ENOMEM.
 */
int config_tree(const struct parse *p, const char *text, size_t len, const struct key *keys, size_t n, void *dst);

#endif
