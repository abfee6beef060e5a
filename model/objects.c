/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See objects.h. */
#include "model/objects.h"

#include "base/suggest.h"
#include "model/accelerator.h"
#include "model/name.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *check_name(const void *value)
{
	return name_is_valid(value) ? NULL : "must be " NAME_RULE;
}

static const struct schema_field tunnel_fields[] = {
    {SCHEMA_MEMBER("listener", struct tunnel_object, listener),
        .help = "the listener node at one end", .type = SCHEMA_TEXT, .is_required = true,
        .check = check_name},
    {SCHEMA_MEMBER("endpoint", struct tunnel_object, endpoint),
        .help = "the endpoint node at the other end", .type = SCHEMA_TEXT, .is_required = true,
        .check = check_name},
    {SCHEMA_MEMBER("congestion", struct tunnel_object, congestion),
        .help = "how its lanes share the path: " CONGESTION_RULE, .type = SCHEMA_TEXT,
        .default_text = CONGESTION_DEFAULT, .check = congestion_check},
    {SCHEMA_MEMBER("trace", struct tunnel_object, is_traced),
        .help = "each node writes every packet of its lanes to STATE/traces/*.jsonl",
        .type = SCHEMA_BOOL},
};
const struct schema tunnel_object_schema = SCHEMA(struct tunnel_object, tunnel_fields);

const struct object_kind object_kinds[] = {
    {"Accelerator", "accelerators",
        "a named service: its ports, the regions whose listeners serve it, its backends",
        &accelerator_schema, {"name", NULL}},
    {"Tunnel", "tunnels", "what is set for the tunnel of a listener and an endpoint",
        &tunnel_object_schema, {"listener", "endpoint", NULL}},
    {.name = NULL},
};

const struct object_kind *object_kind_find(const char *name)
{
	for (const struct object_kind *kind = object_kinds; kind->name; kind++) {
		if (strcmp(kind->name, name) == 0)
			return kind;
	}
	return NULL;
}

const struct object_kind *object_kind_guess(const char *word)
{
	for (const struct object_kind *kind = object_kinds; kind->name; kind++) {
		if (strcasecmp(kind->name, word) == 0 || strcasecmp(kind->plural, word) == 0)
			return kind;
	}
	return NULL;
}

const char *object_kind_suggest(const char *word)
{
	const struct object_kind *same = object_kind_guess(word);
	struct suggestion suggestion;

	if (same)
		return same->name;
	suggestion_begin(&suggestion, word, strlen(word));
	for (const struct object_kind *kind = object_kinds; kind->name; kind++)
		suggestion_offer(&suggestion, kind->name);
	return suggestion.best;
}

const char *object_name(
    const struct object_kind *kind, const json_t *object, char name[OBJECT_NAME_BYTES])
{
	size_t used = 0;

	name[0] = '\0';
	for (size_t i = 0; kind->names[i] && used < OBJECT_NAME_BYTES; i++) {
		const char *part = json_string_value(json_object_get(object, kind->names[i]));

		if (!part || !part[0]) {
			name[0] = '\0';
			break;
		}
		used += (size_t)snprintf(
		    name + used, OBJECT_NAME_BYTES - used, "%s%s", i ? "/" : "", part);
	}
	return name;
}
