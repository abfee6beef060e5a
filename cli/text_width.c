/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See text_width.h. */
#include "config.h"

#include "cli/text_width.h"

#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <wchar.h>

enum { ESCAPE_COLUMNS = 4 }; /* of \xNN */

/* The bytes and columns of the character at `text`, which is not at its end. */
static size_t next_character(const char *text, size_t *columns)
{
	mbstate_t state = {0};
	wchar_t character;
	size_t length = mbrtowc(&character, text, MB_CUR_MAX, &state);
	if (length == 0 || length > MB_CUR_MAX) {
		*columns = ESCAPE_COLUMNS;
		return 1;
	}
	int width = wcwidth(character);
	*columns = width >= 0 ? (size_t)width : length * ESCAPE_COLUMNS;
	return length;
}

size_t text_width(const char *text)
{
	size_t width = 0, columns;
	while (*text) {
		text += next_character(text, &columns);
		width += columns;
	}
	return width;
}

char *text_cut(const char *text, size_t width)
{
	const char *mark = strcmp(nl_langinfo(CODESET), "UTF-8") == 0 ? "…" : "~";
	size_t used = 0, length = 0, columns;
	char *copy;
	if (text_width(text) <= width)
		return strdup(text);
	for (;;) {
		size_t bytes = next_character(text + length, &columns);
		if (used + columns > width - 1)
			break;
		used += columns;
		length += bytes;
	}
	return asprintf(&copy, "%.*s%s", (int)length, text, mark) < 0 ? NULL : copy;
}

size_t text_break(const char *text, size_t width)
{
	size_t used = 0, length = 0, words = 0, columns;
	while (text[length]) {
		if (text[length] == ' ')
			words = length;
		size_t bytes = next_character(text + length, &columns);
		if (used + columns > width && words > 0)
			return words;
		used += columns;
		length += bytes;
	}
	return length;
}
