/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See label_selector.h. */
#include "config.h"

#include "model/label_selector.h"

#include "base/err.h"

#include <stdio.h>
#include <string.h>

static int parse_term(const char *text, struct label_term *term, char reason[REASON_BYTES])
{
	const char *equals = strchr(text, '='), *wrong;
	size_t key_length = equals ? (size_t)(equals - text) : 0;

	term->is_not = key_length > 0 && text[key_length - 1] == '!';
	key_length -= term->is_not;
	if (!equals || key_length >= sizeof(term->label.key)
	    || strlen(equals + 1) >= sizeof(term->label.value)) {
		snprintf(reason, REASON_BYTES, "\"%.200s\" is not " LABEL_SELECTOR_RULE, text);
		return ERR_MALFORMED;
	}
	memcpy(term->label.key, text, key_length);
	term->label.key[key_length] = '\0';
	memcpy(term->label.value, equals + 1, strlen(equals + 1) + 1);
	wrong = label_check_key(term->label.key);
	if (wrong) {
		snprintf(reason, REASON_BYTES, "the key \"%s\" %s", term->label.key, wrong);
		return ERR_MALFORMED;
	}
	wrong = label_check_value(term->label.value);
	if (wrong)
		snprintf(reason, REASON_BYTES, "the value \"%s\" %s", term->label.value, wrong);
	return wrong ? ERR_MALFORMED : 0;
}

int label_selector_parse(
    const char *text, struct label_selector *selector, char reason[REASON_BYTES])
{
	char copy[LABEL_SELECTOR_BYTES], *rest = copy, *term;

	selector->count = 0;
	if (strlen(text) >= sizeof(copy)) {
		snprintf(reason, REASON_BYTES, "it is longer than %zu bytes", sizeof(copy) - 1);
		return ERR_MALFORMED;
	}
	memcpy(copy, text, strlen(text) + 1);
	while ((term = strsep(&rest, ","))) {
		if (selector->count == LABEL_TERMS_MAX) {
			snprintf(
			    reason, REASON_BYTES, "it has more than %d terms", LABEL_TERMS_MAX);
			return ERR_MALFORMED;
		}
		if (parse_term(term, &selector->terms[selector->count++], reason) < 0)
			return ERR_MALFORMED;
	}
	return 0;
}

bool label_selector_matches(const struct label_selector *selector, const struct notes *notes)
{
	for (size_t i = 0; i < selector->count; i++) {
		const struct label_term *term = &selector->terms[i];
		const char *value = notes_label(notes, term->label.key);
		bool is_equal = value && strcmp(value, term->label.value) == 0;

		if (is_equal == term->is_not)
			return false;
	}
	return true;
}
