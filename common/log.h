/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * common/log.h - log lines of vdused and its helpers. The worker has no log of its own to write to:
 * it sends WORK_LOG (worker/channel/link.h), which vdused clamps and prints.
 * Lines go to stderr, prefixed "<N>" (sd-daemon(3)) when stderr is the journal, else with the
 * level.
 */
#ifndef COMMON_LOG_H
#define COMMON_LOG_H

#define LOG_LINE_SIZE 1100 /* no line is longer, its newline included */

enum log_level { LOG_ERROR = 0, LOG_WARN = 1, LOG_NOTE = 2, LOG_DEBUG = 3 };

/* Choose what is printed (this level and below) and how; ident goes in front of each line. */
void log_init(const char *ident, enum log_level max);

/* The level set by log_init. */
enum log_level log_max(void);

/* Level for a word (error, warning, notice, debug), or -1. */
int log_level_parse(const char *word);

/* Called with errno for each line that stderr did not take; NULL = nobody. */
void log_on_failure(void (*failed)(int code));

/*
 * One line, made printable, cut at about 1 KiB, in one write(2) to stderr. In vdused and its
 * helpers that never blocks: control/sys/log_writer.h.
 */
void log_line(enum log_level level, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#define log_error(...) log_line(LOG_ERROR, __VA_ARGS__)
#define log_warn(...) log_line(LOG_WARN, __VA_ARGS__)
#define log_note(...) log_line(LOG_NOTE, __VA_ARGS__)
#define log_debug(...) log_line(LOG_DEBUG, __VA_ARGS__)

#endif
