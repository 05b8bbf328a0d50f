/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/log.c - see log.h. Single-threaded users only: vdused, its helpers, its log writer.
 */
#include "common/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/err.h"

#define LOG_TEXT_SIZE 1024

static const char *log_ident = "vdused";
static enum log_level log_level_max = LOG_NOTE;
static int log_to_journal;
static void (*log_failed)(int code);

/*
 * systemd says in JOURNAL_STREAM which device and inode the journal's stream has (systemd.exec(5)).
 */
static int stderr_is_journal(void)
{
	const char *v = getenv("JOURNAL_STREAM");
	unsigned long long dev, ino;
	struct stat st;
	char *end;

	if (!v || fstat(STDERR_FILENO, &st) != 0)
		return 0;
	dev = strtoull(v, &end, 10);
	if (end == v || *end != ':')
		return 0;
	ino = strtoull(end + 1, NULL, 10);
	return st.st_dev == dev && st.st_ino == ino;
}

void log_init(const char *ident, enum log_level max)
{
	log_ident = ident;
	log_level_max = max;
	log_to_journal = stderr_is_journal();
}

enum log_level log_max(void)
{
	return log_level_max;
}

void log_on_failure(void (*failed)(int code))
{
	log_failed = failed;
}

int log_level_parse(const char *word)
{
	static const char *const words[] = { "error", "warning", "notice", "debug" };

	for (int i = 0; i < 4; i++)
		if (strcmp(word, words[i]) == 0)
			return i;
	return -1;
}

void log_line(enum log_level level, const char *fmt, ...)
{
	static const char *const prefix[] = { "<3>", "<4>", "<5>", "<7>" };
	static const char *const word[] = { "error: ", "warning: ", "", "debug: " };
	char text[LOG_TEXT_SIZE], line[LOG_LINE_SIZE];
	va_list ap;
	int n;

	if (level > log_level_max)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	err_printable(text);
	if (log_to_journal)
		n = snprintf(line, sizeof(line), "%s%s\n", prefix[level], text);
	else
		n = snprintf(line, sizeof(line), "%s: %s%s\n", log_ident, word[level], text);
	if (write(STDERR_FILENO, line, (size_t)n) < 0 && log_failed)
		log_failed(errno);
}
