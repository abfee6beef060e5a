/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See json_guard.h. */
#include "model/json_guard.h"

#include "base/err.h"

/* The place after a string's closing quote, or the end. */
static size_t skip_string(const char *text, size_t length, size_t at)
{
	while (at < length && text[at] != '"')
		at += text[at] == '\\' ? 2 : 1;
	return at < length ? at + 1 : length;
}

int json_guard(const char *text, size_t length, unsigned max_depth, size_t max_values)
{
	unsigned depth = 0;
	size_t values = 1, at = 0;

	while (at < length) {
		char c = text[at++];

		if (c == '"')
			at = skip_string(text, length, at);
		else if (c == '[' || c == '{')
			depth++, values++;
		else if ((c == ']' || c == '}') && depth > 0)
			depth--;
		else if (c == ',')
			values++;
		if (depth > max_depth || values > max_values)
			return ERR_LIMIT;
	}
	return 0;
}
