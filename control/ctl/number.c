/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/ctl/number.c - see number.h. Runs in vduse-ctl, as its caller.
 */
#include "control/ctl/number.h"

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool digit(char c)
{
	return c >= '0' && c <= '9';
}

int tool_number(const char *what, const char *text, uint32_t *out, struct err *e)
{
	uint32_t v = 0;
	size_t i;

	for (i = 0; i < 6 && digit(text[i]); i++)
		v = v * 10 + (uint32_t)(text[i] - '0');
	if (i == 0 || text[i] != '\0' || (text[0] == '0' && i > 1))
		return err_class(e, CTL_E_INVALID, "%s: \"%.20s\" is not a plain decimal number in range", what, text);
	*out = v;
	return 0;
}

/*
 * "" is 1, "K" and "KiB" are 1024, and so on; 0 for what is no unit. "KB" is none: it means 1000 to
 * some.
 */
static uint64_t unit(const char *text)
{
	static const char letters[] = "KMGT", small[] = "kmgt";
	uint64_t factor = 1;

	if (text[0] == '\0')
		return 1;
	if (text[1] != '\0' && strcmp(text + 1, "iB") != 0)
		return 0;
	for (size_t i = 0; letters[i]; i++) {
		factor *= 1024;
		if (text[0] == letters[i] || text[0] == small[i])
			return factor;
	}
	return 0;
}

int tool_size(const char *text, uint64_t *out, struct err *e)
{
	uint64_t v = 0, factor;
	bool over = false;
	size_t i;

	for (i = 0; digit(text[i]); i++)
		over = over || __builtin_mul_overflow(v, 10U, &v) ||
		       __builtin_add_overflow(v, (uint64_t)(text[i] - '0'), &v);
	factor = unit(text + i);
	if (i == 0 || factor == 0 || (text[0] == '0' && i > 1))
		return err_class(
			e, CTL_E_INVALID,
			"\"%.30s\" is not a size: give all bytes that the disk is to have as a plain number, or a "
			"number with K, M, G or T (powers of 1024), for example 40G",
			text);
	if (over || __builtin_mul_overflow(v, factor, &v) || v > VD_CAPACITY_MAX)
		return err_class(e, CTL_E_INVALID, "\"%.30s\" is more than a disk can have, which is 4 EiB (4194304T)",
				 text);
	if (v == 0)
		return err_class(e, CTL_E_INVALID, "\"%.30s\" is no size for a disk: give at least one block", text);
	*out = v;
	return 0;
}
