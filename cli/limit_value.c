/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See limit_value.h. */
#include "cli/limit_value.h"

#include <stdio.h>
#include <string.h>

#include "base/size_text.h"
#include "cli/format.h"
#include "cli/value.h"
#include "model/accelerator_limits.h"

static const struct limit {
	const char *name; /* WHOM.WHAT */
	const char *whom, *field;
	bool is_bytes;
} limits[] = {
    {"source.flows", "source", "flows", false},
    {"source.new-flows", "source", "new_flows_per_s", false},
    {"source.bytes", "source", "bytes_per_s", true},
    {"accelerator.flows", "accelerator", "flows", false},
    {"accelerator.new-flows", "accelerator", "new_flows_per_s", false},
    {"accelerator.bytes", "accelerator", "bytes_per_s", true},
    {"backend.flows", "backend", "flows", false},
    {"backend.bytes", "backend", "bytes_per_s", true},
};

enum { LIMITS = sizeof(limits) / sizeof(limits[0]), WORD_BYTES = 64 };

const char *limit_name(size_t index)
{
	return index < LIMITS ? limits[index].name : NULL;
}

static const struct limit *find(const char *name, size_t length)
{
	for (size_t i = 0; i < LIMITS; i++)
		if (strlen(limits[i].name) == length && strncmp(limits[i].name, name, length) == 0)
			return &limits[i];
	return NULL;
}

static bool refuse(const char *word, char *error)
{
	int used = snprintf(
	    error, VALUE_ERROR_BYTES, "--limit \"%.100s\": wants LIMIT=N, with one of ", word);
	for (size_t i = 0; i < LIMITS; i++)
		used += snprintf(error + used, VALUE_ERROR_BYTES - (size_t)used, "%s%s",
		    i ? ", " : "", limits[i].name);
	return false;
}

static void set(json_t *all, const struct limit *limit, long number)
{
	json_t *of = json_object_get(all, limit->whom);
	if (!of) {
		of = json_object();
		json_object_set_new(all, limit->whom, of);
	}
	json_object_set_new(of, limit->field, json_integer(number));
}

static bool take_bytes(const char *what, const char *text, long *number, char *error)
{
	uint64_t bytes;
	if (size_parse(text, &bytes) < 0 || (bytes > 0 && bytes < LIMIT_BYTES_MIN)
	    || bytes > LIMIT_BYTES_MAX) {
		snprintf(error, VALUE_ERROR_BYTES,
		    "%s \"%.100s\": wants bytes a second, as 500K or 20M, from 64K to 10000000000, "
		    "or 0 for no limit",
		    what, text);
		return false;
	}
	*number = (long)bytes;
	return true;
}

/* Bit i: limits[i] was named before. */
static bool name_once(const struct limit *limit, unsigned *named, char *error)
{
	unsigned bit = 1u << (limit - limits);
	if (*named & bit) {
		snprintf(error, VALUE_ERROR_BYTES, "--limit: %s is named twice", limit->name);
		return false;
	}
	*named |= bit;
	return true;
}

/* One LIMIT=N. */
static bool take_word(const char *word, json_t *all, unsigned *named, char *error)
{
	char what[WORD_BYTES];
	size_t length = strcspn(word, "=");
	const struct limit *limit = word[length] == '=' ? find(word, length) : NULL;
	long number;
	if (!limit)
		return refuse(word, error);
	if (!name_once(limit, named, error))
		return false;
	snprintf(what, sizeof(what), "--limit %s", limit->name);
	if (limit->is_bytes
	        ? !take_bytes(what, word + length + 1, &number, error)
	        : !value_number(what, word + length + 1, 0, LIMIT_FLOWS_MAX, &number, error))
		return false;
	set(all, limit, number);
	return true;
}

static bool take(const char *text, json_t *all, unsigned *named, char *error)
{
	char word[WORD_BYTES];
	for (;;) {
		size_t length = strcspn(text, ",");
		if (length >= sizeof(word))
			return refuse(text, error);
		memcpy(word, text, length);
		word[length] = '\0';
		if (!take_word(word, all, named, error))
			return false;
		if (!text[length])
			return true;
		text += length + 1;
	}
}

bool limit_take(
    const struct invocation *invocation, const json_t *current, json_t *body, char *error)
{
	size_t cursor = 0;
	unsigned named = 0;
	const char *text;
	if (!invocation_has(invocation, "--limit"))
		return true;
	json_t *all = current ? json_deep_copy(current) : json_object();
	json_object_set_new(body, "limits", all);
	while ((text = invocation_next(invocation, "--limit", &cursor)))
		if (!take(text, all, &named, error))
			return false;
	return true;
}

const char *limit_format(const json_t *all, char *buf)
{
	size_t used = 0;
	buf[0] = '\0';
	for (size_t i = 0; i < LIMITS; i++) {
		const json_t *of = json_object_get(all, limits[i].whom);
		json_int_t number = json_integer_value(json_object_get(of, limits[i].field));
		if (number && used < FORMAT_BYTES)
			used += (size_t)snprintf(buf + used, FORMAT_BYTES - used,
			    "%s%s=%" JSON_INTEGER_FORMAT, used ? ", " : "", limits[i].name, number);
	}
	return used ? buf : strcpy(buf, "none");
}
