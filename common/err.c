/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/err.c - error texts. Runs in every process; trusts its callers, not the bytes they print.
 */
#include "common/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void err_printable(char *s)
{
	for (; *s; s++)
		if (*s < 0x20 || *s > 0x7e)
			*s = '?';
}

const char *err_str(int code)
{
	const char *s = strerrordesc_np(-code);

	return s ? s : "unknown error";
}

bool err_is_shortage(int code)
{
	return code == -EMFILE || code == -ENFILE || code == -EAGAIN || code == -ENOMEM || code == -ENOBUFS;
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	e->code = code;
	va_start(ap, fmt);
	(void)vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	err_printable(e->text);
	return code;
}
