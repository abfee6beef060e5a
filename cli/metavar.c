/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See metavar.h. */
#include "cli/metavar.h"

#include <string.h>

#define CAPITALS "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define LITERALS "abcdefghijklmnopqrstuvwxyz0123456789+-_./:="
#define LIST     "[,...]"

static size_t span(const char *from, const char *end, const char *set)
{
	size_t length = strspn(from, set);
	return length < (size_t)(end - from) ? length : (size_t)(end - from);
}

/* One alternative without an optional part at its start. */
static void take_leaf(const char *from, const char *end, metavar_fn *each, void *context)
{
	size_t length = span(from, end, CAPITALS);
	struct metavar_start start = {.text = from, .is_name = length > 0};
	start.length = start.is_name ? length : span(from, end, LITERALS);
	if (start.length == 0)
		return;
	const char *next = from + start.length;
	if (start.is_name && next < end && strchr("=:,", *next))
		start.suffix = *next;
	start.has_fields = span(next, end, "[") == 1 && next[1] == '.';
	each(&start, context);
}

/* The end of the alternative at `from`: a bar outside of brackets, or `end`. */
static const char *alternative_end(const char *from, const char *end)
{
	int depth = 0;
	for (; from < end; from++) {
		depth += (*from == '[') - (*from == ']');
		if (*from == '|' && depth == 0)
			break;
	}
	return from;
}

/* Behind the bracket that closes the one at `from`. */
static const char *bracket_end(const char *from, const char *end)
{
	int depth = 0;
	for (; from < end; from++) {
		depth += (*from == '[') - (*from == ']');
		if (depth == 0)
			return from + 1;
	}
	return end;
}

/* Each level of brackets is one call deeper; the table is ours, and has two at most. */
static void take_all(const char *from, const char *end, metavar_fn *each, void *context)
{
	while (from < end) {
		const char *stop = alternative_end(from, end);
		if (*from == '[') {
			const char *behind = bracket_end(from, stop);
			take_all(from + 1, behind - 1, each, context);
			take_all(behind, stop, each, context);
		} else {
			take_leaf(from, stop, each, context);
		}
		from = stop < end ? stop + 1 : end;
	}
}

void metavar_each(const char *metavar, metavar_fn *each, void *context)
{
	take_all(metavar, metavar + strlen(metavar), each, context);
}

static bool ends_in(const char *text, const char *end)
{
	size_t length = strlen(text), wanted = strlen(end);
	return length >= wanted && strcmp(text + length - wanted, end) == 0;
}

bool metavar_is_list(const char *metavar)
{
	return ends_in(metavar, LIST);
}

bool metavar_is_rest(const char *metavar)
{
	return metavar[0] == '[' && ends_in(metavar, "...]") && !metavar_is_list(metavar);
}

bool metavar_start_is(const struct metavar_start *start, const char *name)
{
	return start->is_name && strlen(name) == start->length
	       && strncmp(start->text, name, start->length) == 0;
}
