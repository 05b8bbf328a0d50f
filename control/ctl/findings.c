/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/findings.c - see findings.h. Runs in vduse-ctl, as its caller.
 */
#include "control/ctl/findings.h"

#include <stdarg.h>
#include <stdio.h>

struct check_item *check_add(struct check_list *l, const char *item, enum check_status status, const char *fmt, ...)
{
	struct check_item *i = &l->items[l->n < CHECK_ITEMS_MAX ? l->n++ : CHECK_ITEMS_MAX - 1];
	va_list ap;

	*i = (struct check_item){ .item = item, .status = status };
	va_start(ap, fmt);
	(void)vsnprintf(i->detail, sizeof(i->detail), fmt, ap);
	va_end(ap);
	err_printable(i->detail);
	return i;
}

void check_remedy(struct check_item *i, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(i->remedy, sizeof(i->remedy), fmt, ap);
	va_end(ap);
	err_printable(i->remedy);
}
