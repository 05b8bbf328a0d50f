/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proto/name.c - device names and serials. Runs in every process on hostile bytes.
 */
#include "proto/name.h"

#include <string.h>

#include "proto/limits.h"

static bool alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

static bool all_allowed(const char *s, size_t max)
{
	size_t i;

	for (i = 0; s[i]; i++)
		if (i >= max || !(alnum(s[i]) || s[i] == '.' || s[i] == '_' || s[i] == '-'))
			return false;
	return true;
}

bool name_valid(const char *s)
{
	return alnum(s[0]) && all_allowed(s, VD_NAME_MAX) && strcmp(s, "control") != 0;
}

bool serial_valid(const char *s)
{
	return all_allowed(s, VD_SERIAL_MAX);
}
