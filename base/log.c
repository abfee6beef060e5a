/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Log lines on stderr, each by one write(2), so that lines of several processes do not mix.
 * It reads the clock itself: log lines are for people, not for the protocol.
 */
#include "config.h"

#include "base/log.h"

#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { LINE_BYTES = 2048, NAME_BYTES = 64 };

static const char *const level_names[] = {"error", "warn", "info", "debug"};

/* syslog(3)'s err, warning, info and debug */
static const int level_priorities[] = {3, 4, 6, 7};

static struct {
	enum log_level level;
	char name[NAME_BYTES];
	bool journal_checked, is_journal;
} state = {.level = LOG_LEVEL_INFO};

void log_set_level(enum log_level level)
{
	state.level = level;
}

int log_level_parse(const char *text, enum log_level *level)
{
	for (int i = LOG_LEVEL_ERROR; i <= LOG_LEVEL_DEBUG; i++)
		if (!strcmp(text, level_names[i])) {
			*level = (enum log_level)i;
			return 0;
		}
	return ERR_INVALID;
}

void log_set_name(const char *name)
{
	snprintf(state.name, sizeof(state.name), "%s", name);
}

bool log_is_on(enum log_level level)
{
	return level <= state.level;
}

/* systemd.exec(5): JOURNAL_STREAM is device:inode of the stream that it connected to stderr. */
static bool stderr_is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat stat_buf;

	if (state.journal_checked)
		return state.is_journal;
	state.journal_checked = true;
	if (text && sscanf(text, "%llu:%llu", &device, &inode) == 2
	    && fstat(STDERR_FILENO, &stat_buf) == 0)
		state.is_journal = stat_buf.st_dev == device && stat_buf.st_ino == inode;
	return state.is_journal;
}

/* A line under construction; the last byte of text is kept for the newline. */
struct line {
	char text[LINE_BYTES];
	size_t length;
};

static void line_add_list(struct line *line, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

static void line_add_list(struct line *line, const char *format, va_list arguments)
{
	size_t room = LINE_BYTES - 1 - line->length;
	int n = vsnprintf(line->text + line->length, room, format, arguments);

	if (n < 0)
		return;
	if ((size_t)n < room) {
		line->length += (size_t)n;
		return;
	}
	line->length = LINE_BYTES - 2;
	memcpy(line->text + line->length - 3, "...", 3);
}

__attribute__((format(printf, 2, 3))) static void line_add(
    struct line *line, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	line_add_list(line, format, arguments);
	va_end(arguments);
}

static void line_begin(struct line *line, enum log_level level, const char *event)
{
	struct timespec now;
	struct tm utc;

	line->length = 0;
	if (stderr_is_journal()) {
		line_add(line, "<%d>", level_priorities[level]);
	} else if (clock_gettime(CLOCK_REALTIME, &now) == 0 && gmtime_r(&now.tv_sec, &utc)) {
		line_add(line, "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ ", utc.tm_year + 1900,
		    utc.tm_mon + 1, utc.tm_mday, utc.tm_hour, utc.tm_min, utc.tm_sec,
		    (int)(now.tv_nsec / 1000000));
	}
	line_add(line, "%s %s", level_names[level], event);
	if (state.name[0])
		line_add(line, " process=%s", state.name);
}

/* A value that its caller forgot to quote still cannot forge a second line. */
static void line_end(struct line *line)
{
	ssize_t written;

	for (size_t i = 0; i < line->length; i++)
		if ((unsigned char)line->text[i] < 0x20 || line->text[i] == 0x7f)
			line->text[i] = '?';
	line->text[line->length++] = '\n';
	do
		written = write(STDERR_FILENO, line->text, line->length);
	while (written < 0 && errno == EINTR);
}

static void write_list(enum log_level level, const char *event, const char *format,
    va_list arguments, uint64_t suppressed) __attribute__((format(printf, 3, 0)));

static void write_list(enum log_level level, const char *event, const char *format,
    va_list arguments, uint64_t suppressed)
{
	struct line line;
	int saved_errno = errno;

	line_begin(&line, level, event);
	if (format[0]) {
		line_add(&line, " ");
		errno = saved_errno; /* for %m */
		line_add_list(&line, format, arguments);
	}
	if (suppressed)
		line_add(&line, " suppressed=%llu", (unsigned long long)suppressed);
	line_end(&line);
	errno = saved_errno;
}

void log_write(enum log_level level, const char *event, const char *format, ...)
{
	va_list arguments;

	if (!log_is_on(level))
		return;
	va_start(arguments, format);
	write_list(level, event, format, arguments, 0);
	va_end(arguments);
}

bool log_limit_allows(
    struct log_limit *limit, uint32_t per_second, uint64_t now_second, uint64_t *suppressed)
{
	if (limit->second != now_second) {
		limit->second = now_second;
		limit->written = 0;
	}
	if (limit->written >= per_second) {
		limit->suppressed++;
		return false;
	}
	limit->written++;
	*suppressed = limit->suppressed;
	limit->suppressed = 0;
	return true;
}

void log_write_limited(struct log_limit *limit, uint32_t per_second, enum log_level level,
    const char *event, const char *format, ...)
{
	uint64_t suppressed;
	struct timespec now;
	va_list arguments;

	if (!log_is_on(level))
		return;
	clock_gettime(CLOCK_MONOTONIC, &now);
	if (!log_limit_allows(limit, per_second, (uint64_t)now.tv_sec, &suppressed))
		return;
	va_start(arguments, format);
	write_list(level, event, format, arguments, suppressed);
	va_end(arguments);
}

static bool is_plain(const unsigned char *text, size_t length)
{
	for (size_t i = 0; i < length; i++)
		if (text[i] <= ' ' || text[i] >= 0x7f || text[i] == '"' || text[i] == '\\'
		    || text[i] == '=')
			return false;
	return length > 0;
}

/* Writes c, escaped where needed, with a NUL; returns the number of characters. */
static int escape(char out[5], unsigned char c)
{
	switch (c) {
	case '"':
		return snprintf(out, 5, "\\\"");
	case '\\':
		return snprintf(out, 5, "\\\\");
	case '\n':
		return snprintf(out, 5, "\\n");
	default:
		return snprintf(out, 5, c < 0x20 || c >= 0x7f ? "\\x%02x" : "%c", c);
	}
}

const char *log_quote_bytes(char *buf, size_t size, const void *text, size_t length)
{
	const unsigned char *bytes = text;
	size_t at = 0;
	char piece[5];

	if (is_plain(bytes, length) && length < size) {
		memcpy(buf, bytes, length);
		buf[length] = 0;
		return buf;
	}
	buf[at++] = '"';
	for (size_t i = 0; i < length; i++) {
		size_t n = (size_t)escape(piece, bytes[i]);
		size_t tail = i + 1 < length ? 5 : 2; /* ..." and NUL, or " and NUL */

		if (at + n + tail > size) {
			memcpy(buf + at, "...", 3);
			at += 3;
			break;
		}
		memcpy(buf + at, piece, n);
		at += n;
	}
	buf[at++] = '"';
	buf[at] = 0;
	return buf;
}

const char *log_quote(char *buf, size_t size, const char *text)
{
	return log_quote_bytes(buf, size, text, strlen(text));
}
