/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines of the daemons: one line on stderr, `TIME level event process=NAME key=value ...`.
 * Under journald (JOURNAL_STREAM names our stderr) the time is left out and the priority goes
 * before as `<3>`.  Only daemons and programs log; base, tunnel and model do not.
 * A value that came from outside goes through log_quote() first.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* What is less urgent than this is left out; LOG_LEVEL_INFO to start with. */
void log_set_level(enum log_level level);

/* Reads "error", "warn", "info" or "debug"; ERR_INVALID otherwise. */
int log_level_parse(const char *text, enum log_level *level);

/* The process= of each line, copied; none to start with. */
void log_set_name(const char *name);

bool log_is_on(enum log_level level);

/* One line.  format makes the `key=value ...` tail and may be "".  errno is left as it was. */
void log_write(enum log_level level, const char *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#define log_error(event, ...) log_write(LOG_LEVEL_ERROR, event, __VA_ARGS__)
#define log_warn(event, ...)  log_write(LOG_LEVEL_WARN, event, __VA_ARGS__)
#define log_info(event, ...)  log_write(LOG_LEVEL_INFO, event, __VA_ARGS__)
#define log_debug(event, ...)                                                                      \
	do {                                                                                       \
		if (log_is_on(LOG_LEVEL_DEBUG))                                                    \
			log_write(LOG_LEVEL_DEBUG, event, __VA_ARGS__);                            \
	} while (0)

/*
 * Text of any origin as a value that is safe within one line: as it is when it is plain, else in
 * double quotes with \" \\ \n and \xNN; cut at size - 1 with "..." at the end.  Returns buf.
 * size must be at least 8.
 */
const char *log_quote(char *buf, size_t size, const char *text);

/* The same for bytes that may hold NULs. */
const char *log_quote_bytes(char *buf, size_t size, const void *text, size_t length);

/* How often one place in the code may log.  Zeroed at the start. */
struct log_limit {
	uint64_t second; /* the second of CLOCK_MONOTONIC that `written` counts in */
	uint32_t written;
	uint64_t suppressed; /* since the last line that was let through */
};

/*
 * True when a line may be written; *suppressed then says how many were held back before it.
 * now_second is any clock that does not go back.
 */
bool log_limit_allows(
    struct log_limit *limit, uint32_t per_second, uint64_t now_second, uint64_t *suppressed);

/* log_write, but at most per_second lines a second from limit's place; says suppressed=N. */
void log_write_limited(struct log_limit *limit, uint32_t per_second, enum log_level level,
    const char *event, const char *format, ...) __attribute__((format(printf, 5, 6)));

/* For what the network can cause: at most per_second lines a second from this place in the code. */
#define log_limited(level, per_second, event, ...)                                                 \
	do {                                                                                       \
		static struct log_limit log_limit_here;                                            \
		log_write_limited(&log_limit_here, per_second, level, event, __VA_ARGS__);         \
	} while (0)

#endif
