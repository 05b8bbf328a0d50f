/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tests/fuzz/fuzz_attest.c - target "attest": the parser of a worker's /proc status (P10). Run by
 * libFuzzer. What is accepted is looked at a second time, line by line; what is refused has a
 * printable reason.
 */
#include <string.h>

#include "control/steps/jail_check.h"
#include "tests/fuzz/fuzz.h"

#define UID 2000000001U
#define INHERITED 1U
#define IDS "2000000001\t2000000001\t2000000001\t2000000001"

static const char good[] = "Name:\tvduse-worker\nUid:\t" IDS "\nGid:\t" IDS "\nGroups:\t \nNSpid:\t42\t1\n"
			   "CapInh:\t0000000000000000\nCapPrm:\t0000000000000000\nCapEff:\t0000000000000000\n"
			   "CapBnd:\t0000000000000000\nCapAmb:\t0000000000000000\nNoNewPrivs:\t1\nSeccomp:\t2\n"
			   "Seccomp_filters:\t2\n";

static const char *const must[][2] = {
	{ "Uid:", IDS },
	{ "Gid:", IDS },
	{ "Groups:", "" },
	{ "CapInh:", "0000000000000000" },
	{ "CapPrm:", "0000000000000000" },
	{ "CapEff:", "0000000000000000" },
	{ "CapBnd:", "0000000000000000" },
	{ "CapAmb:", "0000000000000000" },
	{ "NoNewPrivs:", "1" },
	{ "Seccomp:", "2" },
};

/* The first line that begins with key: its value without blanks around it is in [*from, *to). */
static bool line_of(const char *text, const char *key, const char **from, const char **to)
{
	size_t n = strlen(key);

	for (; text[0] != '\0'; text += text[0] == '\n') {
		const char *end = text + strcspn(text, "\n");

		if ((size_t)(end - text) >= n && memcmp(text, key, n) == 0) {
			for (*from = text + n; *from < end && (**from == ' ' || **from == '\t'); ++*from)
				;
			for (*to = end; *to > *from && (*to)[-1] == ' '; --*to)
				;
			return true;
		}
		text = end;
	}
	return false;
}

static void accepted(const char *text)
{
	const char *from, *to;

	for (size_t i = 0; i < sizeof(must) / sizeof(must[0]); i++) {
		PROMISE(line_of(text, must[i][0], &from, &to), "an accepted status has every field");
		PROMISE((size_t)(to - from) == strlen(must[i][1]) && memcmp(from, must[i][1], (size_t)(to - from)) == 0,
			"an accepted field has the only good value");
	}
	PROMISE(line_of(text, "NSpid:", &from, &to) && memchr(from, '\t', (size_t)(to - from)),
		"an accepted worker is in a pid namespace of its own");
	PROMISE(line_of(text, "Seccomp_filters:", &from, &to) && to > from && strtol(from, NULL, 10) > (long)INHERITED,
		"an accepted worker has a filter of its own");
}

static void refused(const struct err *e, int rc)
{
	PROMISE(rc < 0 && e->code == rc, "a refusal has a reason");
	PROMISE(memchr(e->text, '\0', sizeof(e->text)) && e->text[0] != '\0', "the reason is a text");
	for (const char *p = e->text; *p != '\0'; p++)
		PROMISE(*p >= 0x20 && *p < 0x7f, "the reason is printable");
}

/* Either the input as it is, or the good text with parts replaced. */
static char *make_text(struct input *in)
{
	bool raw = in8(in) & 1;
	size_t len = raw ? in->left : sizeof(good) - 1;
	char *text = malloc(len + 1);

	PROMISE(text, "there is memory");
	memcpy(text, raw ? (const char *)in->p : good, len);
	text[len] = '\0';
	while (!raw && in->left > 0) {
		size_t at = in16(in) % len, n = in8(in) % 24;

		for (; n > 0 && at < len; n--)
			text[at++] = (char)in8(in);
	}
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	char *text = make_text(&in);
	struct err e = { 0 };
	int rc = jail_check_status(text, UID, INHERITED, &e);

	if (rc == 0)
		accepted(text);
	else
		refused(&e, rc);
	free(text);
	return 0;
}
