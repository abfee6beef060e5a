/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See audit.h. */
#include "config.h"

#include "control/audit.h"

#include "base/err.h"
#include "base/file.h"
#include "base/log.h"
#include "control/time_text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct audit {
	char path[PATH_MAX - 8]; /* ".1" comes behind it */
	int descriptor;          /* -1: could not be opened again */
	size_t bytes;
	struct log_limit strangers, refused;
	audit_tell_fn *tell; /* or NULL */
	void *context;
};

static int open_file(struct audit *audit)
{
	struct stat status;

	audit->descriptor =
	    open(audit->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (audit->descriptor < 0 || fstat(audit->descriptor, &status) < 0)
		return ERR_IO;
	audit->bytes = (size_t)status.st_size;
	return 0;
}

int audit_open(struct audit **out, const char *state_directory)
{
	struct audit *audit = calloc(1, sizeof(*audit));

	*out = NULL;
	if (!audit)
		return ERR_NOMEM;
	if (snprintf(audit->path, sizeof(audit->path), "%s/audit.log", state_directory)
	        >= (int)sizeof(audit->path)
	    || open_file(audit) < 0) {
		audit_close(audit);
		return ERR_IO;
	}
	*out = audit;
	return 0;
}

void audit_close(struct audit *audit)
{
	if (audit && audit->descriptor >= 0)
		close(audit->descriptor);
	free(audit);
}

void audit_tell(struct audit *audit, audit_tell_fn *fn, void *context)
{
	audit->tell = fn;
	audit->context = context;
}

bool audit_is_open(const struct audit *audit)
{
	return audit && audit->descriptor >= 0;
}

/* The i-th file's path, the newest being 0. */
static void name_file(const struct audit *audit, int i, char path[PATH_MAX])
{
	if (i)
		snprintf(path, PATH_MAX, "%s.%d", audit->path, i);
	else
		snprintf(path, PATH_MAX, "%s", audit->path);
}

static void rotate(struct audit *audit)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (int i = AUDIT_FILES_KEPT; i > 0; i--) {
		name_file(audit, i - 1, from);
		name_file(audit, i, to);
		rename(from, to);
	}
	close(audit->descriptor);
	open_file(audit);
}

static void failed(int error)
{
	log_limited(LOG_LEVEL_ERROR, 1, "audit_not_written", "reason=\"%s\"", strerror(error));
}

static void append(struct audit *audit, const char *text, size_t length)
{
	ssize_t written;

	if (audit->bytes + length > AUDIT_FILE_BYTES_MAX)
		rotate(audit);
	if (audit->descriptor < 0 && open_file(audit) < 0) {
		failed(errno);
		return;
	}
	written = write(audit->descriptor, text, length);
	if (written == (ssize_t)length) {
		audit->bytes += length;
		return;
	}
	failed(written < 0 ? errno : ENOSPC);
	/* Half a line would spoil the next one too. */
	if (written > 0 && ftruncate(audit->descriptor, (off_t)audit->bytes) < 0)
		audit->bytes += (size_t)written;
}

static json_t *to_json(const struct audit_entry *entry, uint64_t suppressed, uint64_t unix_ms)
{
	json_t *json = json_pack("{s:o, s:s, s:s, s:s?, s:s, s:s}", "when", time_to_json(unix_ms),
	    "who", entry->who, "from", entry->from, "role", entry->role, "what", entry->what,
	    "outcome", entry->outcome == AUDIT_DONE ? "done" : "refused");

	if (json && entry->status)
		json_object_set_new(json, "status", json_integer(entry->status));
	if (json && entry->revision)
		json_object_set_new(json, "revision", json_integer((json_int_t)entry->revision));
	if (json && entry->detail)
		json_object_set_new(json, "detail", json_string(entry->detail));
	if (json && suppressed)
		json_object_set_new(json, "suppressed", json_integer((json_int_t)suppressed));
	return json;
}

static bool is_let_through(
    struct audit *audit, const struct audit_entry *entry, uint64_t unix_ms, uint64_t *suppressed)
{
	uint64_t minute = unix_ms / 60000;

	*suppressed = 0;
	if (entry->outcome == AUDIT_DONE)
		return true;
	if (entry->outcome == AUDIT_STRANGER)
		return log_limit_allows(
		    &audit->strangers, AUDIT_STRANGERS_A_MINUTE, minute, suppressed);
	return log_limit_allows(&audit->refused, AUDIT_REFUSED_A_MINUTE, minute, suppressed);
}

void audit_write(struct audit *audit, const struct audit_entry *entry, uint64_t unix_ms)
{
	uint64_t suppressed;
	json_t *json;
	size_t length;
	char *text;

	if (!audit || !is_let_through(audit, entry, unix_ms, &suppressed))
		return;
	json = to_json(entry, suppressed, unix_ms);
	text = json ? json_dumps(json, JSON_COMPACT) : NULL;
	if (!text) {
		json_decref(json);
		failed(ENOMEM);
		return;
	}
	log_info("audit", "entry=%s", text);
	length = strlen(text);
	text[length] = '\n'; /* in place of the NUL */
	append(audit, text, length + 1);
	free(text);
	if (audit->tell)
		audit->tell(audit->context, json_incref(json));
	json_decref(json);
}

/* ---- reading ---- */

/* False: that was the last one wanted. */
typedef bool entry_fn(void *context, json_t *entry);

/* The lines of one file from its end; a line that is none is skipped.  False when fn ended it. */
static bool read_lines(const char *text, size_t length, entry_fn *fn, void *context)
{
	bool goes_on = true;

	while (length > 0 && goes_on) {
		const char *newline;
		size_t start;
		json_t *entry;

		if (text[length - 1] == '\n')
			length--;
		newline = memrchr(text, '\n', length);
		start = newline ? (size_t)(newline - text) + 1 : 0;
		entry = json_loadb(text + start, length - start, 0, NULL);
		if (json_is_object(entry))
			goes_on = fn(context, entry);
		json_decref(entry);
		length = start;
	}
	return goes_on;
}

/* All entries that are kept, newest first. */
static void each_entry(const struct audit *audit, entry_fn *fn, void *context)
{
	char path[PATH_MAX], *text;
	bool goes_on = audit != NULL;
	size_t length;

	for (int i = 0; goes_on && i <= AUDIT_FILES_KEPT; i++) {
		name_file(audit, i, path);
		if (file_read(path, 2 * AUDIT_FILE_BYTES_MAX, &text, &length) < 0)
			break;
		goes_on = read_lines(text, length, fn, context);
		free(text);
	}
}

struct listing {
	json_t *items;
	size_t limit;
};

static bool list(void *context, json_t *entry)
{
	struct listing *listing = context;

	json_array_append(listing->items, entry);
	return json_array_size(listing->items) < listing->limit;
}

json_t *audit_read(const struct audit *audit, size_t limit)
{
	struct listing listing = {json_array(), limit};

	if (listing.items && limit)
		each_entry(audit, list, &listing);
	return listing.items;
}

static const char *text_of(const json_t *entry, const char *key)
{
	const char *text = json_string_value(json_object_get(entry, key));

	return text ? text : "";
}

/* What callers ask for is in the log too, in their words: only control itself restores. */
static bool is_restore(const json_t *entry)
{
	return strcmp(text_of(entry, "who"), "control") == 0
	       && strncmp(text_of(entry, "what"), AUDIT_RESTORED, strlen(AUDIT_RESTORED)) == 0;
}

static bool note_revision(void *context, json_t *entry)
{
	json_int_t said = json_integer_value(json_object_get(entry, "revision"));
	uint64_t *newest = context;

	if (strcmp(text_of(entry, "outcome"), "done") != 0)
		return true;
	if (said > 0 && said <= AUDIT_REVISION_MAX && (uint64_t)said > *newest)
		*newest = (uint64_t)said;
	return !is_restore(entry) && strcmp(text_of(entry, "what"), AUDIT_ADOPTED) != 0;
}

uint64_t audit_newest_revision(const struct audit *audit)
{
	uint64_t newest = 0;

	each_entry(audit, note_revision, &newest);
	return newest;
}
