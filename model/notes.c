/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See notes.h. */
#include "model/notes.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ALPHANUMERIC "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

static bool is_part(const char *text, size_t length)
{
	return length > 0 && length <= LABEL_PART_BYTES_MAX && strchr(ALPHANUMERIC, text[0])
	       && strchr(ALPHANUMERIC, text[length - 1])
	       && strspn(text, ALPHANUMERIC "-_.") >= length;
}

const char *label_check_key(const void *value)
{
	const char *text = value, *slash = strchr(text, '/');
	const char *name = slash ? slash + 1 : text;

	if (is_part(name, strlen(name)) && (!slash || is_part(text, (size_t)(slash - text))))
		return NULL;
	return "must be " LABEL_PART_RULE ", or two such with '/' between";
}

const char *label_check_value(const void *value)
{
	const char *text = value;

	return !text[0] || is_part(text, strlen(text)) ? NULL
	                                               : "must be empty, or " LABEL_PART_RULE;
}

/* Also those of C1, which speak to terminals as well. */
static bool has_control(const char *text)
{
	for (const unsigned char *at = (const unsigned char *)text; *at; at++)
		if (*at < ' ' || *at == 0x7f || (at[0] == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0))
			return true;
	return false;
}

const char *comment_check(const void *value)
{
	const char *text = value;
	char mended[COMMENT_BYTES];

	if (strlen(text) >= COMMENT_BYTES)
		return "must have at most 511 bytes";
	snprintf(mended, sizeof(mended), "%s", text);
	if (strcmp(utf8_mend(mended), text) != 0)
		return "must be text in UTF-8";
	return has_control(text) ? "must be one line, without control characters" : NULL;
}

const char *notes_label(const struct notes *notes, const char *key)
{
	for (size_t i = 0; i < notes->label_count; i++)
		if (strcmp(notes->labels[i].key, key) == 0)
			return notes->labels[i].value;
	return NULL;
}

static const struct schema_field label_fields[] = {
    {SCHEMA_MEMBER("key", struct label, key), .help = "its name, as env", .type = SCHEMA_TEXT,
        .is_required = true, .min = 1, .check = label_check_key},
    {SCHEMA_MEMBER("value", struct label, value), .help = "what it is set to, as prod",
        .type = SCHEMA_TEXT, .is_required = true, .check = label_check_value},
};
const struct schema label_schema = SCHEMA(struct label, label_fields);
