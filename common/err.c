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

/* The arguments may be of e itself. */
static void __attribute__((format(printf, 2, 0))) say(struct err *e, const char *fmt, va_list ap)
{
	char text[VD_TEXT_SIZE];

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	err_printable(text);
	memcpy(e->text, text, strlen(text) + 1);
}

int err_set(struct err *e, int code, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	e->code = code;
	e->class = CTL_E_FAILED;
	va_start(ap, fmt);
	say(e, fmt, ap);
	va_end(ap);
	return code;
}

static int errno_of(enum ctl_code class)
{
	static const int codes[] = {
		[CTL_E_FAILED] = -EIO,    [CTL_E_INVALID] = -EINVAL,  [CTL_E_NOT_FOUND] = -ENOENT,
		[CTL_E_EXISTS] = -EEXIST, [CTL_E_BUSY] = -EBUSY,      [CTL_E_DENIED] = -EACCES,
		[CTL_E_LIMIT] = -EDQUOT,  [CTL_E_PROTOCOL] = -EPROTO,
	};

	return codes[class];
}

int err_class(struct err *e, enum ctl_code class, const char *fmt, ...)
{
	int code = errno_of(class);
	va_list ap;

	if (!e)
		return code;
	e->code = code;
	e->class = class;
	va_start(ap, fmt);
	say(e, fmt, ap);
	va_end(ap);
	return code;
}

int err_reword(struct err *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	say(e, fmt, ap);
	va_end(ap);
	return e->code;
}
