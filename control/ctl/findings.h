/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/findings.h - what the probes of `vduse-ctl check` found. Runs as the tool's caller.
 */
#ifndef CONTROL_CTL_FINDINGS_H
#define CONTROL_CTL_FINDINGS_H

#include <stddef.h>

#include "common/err.h"

enum check_status { CHECK_OK, CHECK_WARNING, CHECK_MISSING };

struct check_item {
	const char *item; /* "module vduse" */
	enum check_status status;
	char detail[VD_TEXT_SIZE]; /* what was found */
	char remedy[VD_TEXT_SIZE]; /* "" when there is nothing to do */
};

#define CHECK_ITEMS_MAX 24
struct check_list {
	size_t n;
	struct check_item items[CHECK_ITEMS_MAX];
};

/*
 * Append an item with its printable detail; returns it so that a remedy can be set. item must live
 * on.
 */
struct check_item *check_add(struct check_list *l, const char *item, enum check_status status, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

void check_remedy(struct check_item *i, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
