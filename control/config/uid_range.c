/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/uid_range.c - see uid_range.h. Pure; the text is root's.
 */
#include "control/config/uid_range.h"

#include <ctype.h>
#include <stdlib.h>

bool uid_range_parse(const char *text, uint32_t *first, uint32_t *last)
{
	unsigned long long a, b;
	char *end;

	if (!isdigit((unsigned char)text[0]))
		return false;
	a = strtoull(text, &end, 10);
	if (*end != '-' || !isdigit((unsigned char)end[1]))
		return false;
	b = strtoull(end + 1, &end, 10);
	if (*end || a == 0 || b < a || b >= UINT32_MAX || b - a >= UIDS_MAX)
		return false;
	*first = (uint32_t)a;
	*last = (uint32_t)b;
	return true;
}
