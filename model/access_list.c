/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See access_list.h. */
#include "model/access_list.h"

#include "base/err.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The rules of one list; after ERR_MALFORMED *at is the text that is no block. */
static int parse(const struct cidr_text *texts, size_t count, bool is_allowed,
    struct access_rule *rules, size_t *at, char fix[CIDR_FIX_BYTES])
{
	for (size_t i = 0; i < count; i++) {
		rules[i].is_allowed = is_allowed;
		*at = i;
		if (cidr_parse(texts[i].text, &rules[i].cidr, fix) < 0)
			return ERR_MALFORMED;
	}
	return 0;
}

/* As parse(), and rewrites the texts in their one form. */
static int take(const char *field, struct cidr_text *texts, size_t count, bool is_allowed,
    struct access_rule *rules, struct model_error *error)
{
	char path[SCHEMA_PATH_BYTES], fix[CIDR_FIX_BYTES];
	size_t at;

	if (parse(texts, count, is_allowed, rules, &at, fix) < 0) {
		snprintf(path, sizeof(path), "%s[%zu]", field, at);
		return model_error_set(
		    error, path, fix, "\"%s\" is no block of addresses", texts[at].text);
	}
	for (size_t i = 0; i < count; i++)
		cidr_format(&rules[i].cidr, texts[i].text);
	return 0;
}

/* Where the text stands for the n-th time, from 0; count when it does not. */
static size_t find(const struct cidr_text *texts, size_t count, const char *text, unsigned n)
{
	size_t i = 0;

	while (i < count && (strcmp(texts[i].text, text) || n-- > 0))
		i++;
	return i;
}

static int refuse_twin(
    const struct access_lists *lists, const struct cidr *twin, struct model_error *error)
{
	char text[CIDR_TEXT_BYTES], path[SCHEMA_PATH_BYTES];
	size_t allowed, denied;

	cidr_format(twin, text);
	allowed = find(lists->allow, lists->allow_count, text, 0);
	denied = find(lists->deny, lists->deny_count, text, 0);
	if (allowed < lists->allow_count && denied < lists->deny_count) {
		snprintf(path, sizeof(path), "deny[%zu]", denied);
		return model_error_set(error, path, "take it out of one of the lists",
		    "%s is both allowed and denied", text);
	}
	if (denied < lists->deny_count)
		snprintf(
		    path, sizeof(path), "deny[%zu]", find(lists->deny, lists->deny_count, text, 1));
	else
		snprintf(path, sizeof(path), "allow[%zu]",
		    find(lists->allow, lists->allow_count, text, 1));
	return model_error_set(error, path, "name each block once", "%s stands twice", text);
}

int access_lists_validate(struct access_lists *lists, struct model_error *error)
{
	size_t count = lists->allow_count + lists->deny_count;
	struct access_rule *rules;
	int result;

	if (count == 0)
		return 0;
	rules = calloc(count, sizeof(*rules));
	if (!rules)
		return ERR_NOMEM;
	result = take("allow", lists->allow, lists->allow_count, true, rules, error);
	if (result == 0)
		result = take("deny", lists->deny, lists->deny_count, false,
		    rules + lists->allow_count, error);
	if (result == 0)
		qsort(rules, count, sizeof(*rules), access_rule_compare);
	for (size_t i = 1; result == 0 && i < count; i++)
		if (access_rule_compare(&rules[i - 1], &rules[i]) == 0)
			result = refuse_twin(lists, &rules[i].cidr, error);
	free(rules);
	return result;
}

int access_lists_table(const struct access_lists *lists, struct access_table **table)
{
	size_t count = lists->allow_count + lists->deny_count;
	struct access_rule *rules;
	size_t at;
	int result;

	*table = NULL;
	if (count == 0)
		return 0;
	rules = calloc(count, sizeof(*rules));
	if (!rules)
		return ERR_NOMEM;
	result = parse(lists->allow, lists->allow_count, true, rules, &at, NULL);
	if (result == 0)
		result = parse(
		    lists->deny, lists->deny_count, false, rules + lists->allow_count, &at, NULL);
	if (result == 0)
		result = access_table_new(table, rules, count);
	free(rules);
	return result;
}
