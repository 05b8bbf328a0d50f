/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * control/config/scan.c - see scan.h. Runs where config_parse() runs; trusts no byte. Each function
 * takes one token and leaves the cursor behind it.
 */
#include "control/config/scan.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#define INT_DIGITS 10U
#define INT_LARGEST "2147483647"

struct cursor {
	const char *at, *end;
	unsigned line;
	const char *file;
	struct err *e;
};

static int bad(const struct cursor *c, unsigned line, const char *text)
{
	return err_set(c->e, -EINVAL, "%s:%u: %s", c->file, line, text);
}

static bool digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static bool letter(char ch)
{
	return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || ch == '*';
}

static bool next_is(const struct cursor *c, const char *s)
{
	size_t n = strlen(s);

	return (size_t)(c->end - c->at) >= n && memcmp(c->at, s, n) == 0;
}

static void skip_line(struct cursor *c)
{
	while (c->at < c->end && *c->at != '\n')
		c->at++;
}

static int skip_comment(struct cursor *c)
{
	unsigned opened = c->line;

	for (c->at += 2; c->at < c->end; c->at++) {
		if (next_is(c, "*/")) {
			c->at += 2;
			return 0;
		}
		c->line += *c->at == '\n';
	}
	return bad(c, opened, "a comment begins here and is not closed: end it with */");
}

static int skip_string(struct cursor *c)
{
	for (c->at++; c->at < c->end && *c->at != '\n'; c->at++) {
		if (*c->at == '"') {
			c->at++;
			return 0;
		}
		if (*c->at == '\\')
			return bad(c, c->line, "no value here needs a backslash: remove it");
	}
	return bad(c, c->line, "a string is not closed on its line: end it with \"");
}

static int check_number(struct cursor *c)
{
	const char *begin = c->at;
	size_t n;

	while (c->at < c->end && digit(*c->at))
		c->at++;
	n = (size_t)(c->at - begin);
	if (n > 1 && *begin == '0')
		return bad(c, c->line, "a number begins with 0: numbers are decimal, remove it");
	if (c->at < c->end && (*c->at == 'x' || *c->at == 'X'))
		return bad(c, c->line, "numbers are decimal here");
	if (c->at < c->end && *c->at == 'L') {
		while (c->at < c->end && *c->at == 'L')
			c->at++;
		return 0;
	}
	if (n > INT_DIGITS || (n == INT_DIGITS && memcmp(begin, INT_LARGEST, INT_DIGITS) > 0))
		return bad(c, c->line,
			   "a number above " INT_LARGEST " needs an L behind it, or quotation marks around it");
	return 0;
}

static int take_one(struct cursor *c)
{
	char ch = *c->at;

	if (ch == '"')
		return skip_string(c);
	if (next_is(c, "/*"))
		return skip_comment(c);
	if (digit(ch))
		return check_number(c);
	if (ch == '@')
		return bad(c, c->line, "@include is not possible: the whole configuration is in this file");
	if (ch == '#' || next_is(c, "//")) {
		skip_line(c);
	} else if (letter(ch)) {
		while (c->at < c->end && (letter(*c->at) || digit(*c->at) || *c->at == '-' || *c->at == '_'))
			c->at++;
	} else {
		c->line += ch == '\n';
		c->at++;
	}
	return 0;
}

static int check_bytes(struct cursor *c)
{
	unsigned line = 1;

	for (const char *p = c->at; p < c->end; p++) {
		line += *p == '\n';
		if (((unsigned char)*p < 0x20 && !strchr("\n\t\r", *p)) || !*p || *p == 0x7f)
			return bad(c, line, "there is a control character: this must be a text file");
	}
	return 0;
}

int config_scan(const char *text, size_t len, const char *file, struct err *e)
{
	struct cursor c = { .at = text, .end = text + len, .line = 1, .file = file, .e = e };
	int rc = check_bytes(&c);

	while (rc == 0 && c.at < c.end)
		rc = take_one(&c);
	return rc;
}
