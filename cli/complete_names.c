/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See complete_names.h. */
#include "cli/complete_names.h"

#include <string.h>

#include "cli/client.h"
#include "cli/format.h"
#include "cli/limit_value.h"
#include "cli/target.h"
#include "model/health_check.h"
#include "model/objects.h"

enum { TIMEOUT_MS = 1000 };

typedef void names_fn(struct complete *complete, const json_t *items);

static json_t *ask(const struct invocation *typed, const char *path)
{
	char error[CLIENT_ERROR_BYTES];
	struct target target;
	struct reply reply = {0};
	if (!target_choose(typed, &target, error))
		return NULL;
	struct client *client = client_open(&target, error);
	target_clear(&target);
	if (!client)
		return NULL;
	client_set_timeout(client, TIMEOUT_MS);
	client_request(client, "GET", path, NULL, NULL, &reply);
	json_t *items = json_incref(json_object_get(reply.body, "items"));
	reply_free(&reply);
	client_close(client);
	return items;
}

/* Those of the role (NULL: all), explained by the values of two of their fields. */
static void offer_items(struct complete *complete, const json_t *items, const char *role,
    const char *name, const char *first, const char *second)
{
	char help[2 * FORMAT_BYTES], a[FORMAT_BYTES], b[FORMAT_BYTES];
	size_t i;
	json_t *item;
	json_array_foreach(items, i, item)
	{
		if (role && strcmp(format_text_of(item, "role"), role) != 0)
			continue;
		snprintf(help, sizeof(help), "%s %s",
		    format_string(json_object_get(item, first), a),
		    format_string(json_object_get(item, second), b));
		complete_offer(complete, format_text_of(item, name), help);
	}
}

static void offer_nodes(struct complete *complete, const json_t *items)
{
	offer_items(complete, items, NULL, "name", "role", "region");
}

static void offer_listeners(struct complete *complete, const json_t *items)
{
	offer_items(complete, items, "listener", "name", "region", "state");
}

static void offer_endpoints(struct complete *complete, const json_t *items)
{
	offer_items(complete, items, "endpoint", "name", "region", "state");
}

static void offer_regions(struct complete *complete, const json_t *items)
{
	size_t i;
	json_t *item;
	json_array_foreach(items, i, item)
	    complete_offer(complete, format_text_of(item, "region"), "region");
}

static void offer_accelerators(struct complete *complete, const json_t *items)
{
	char help[FORMAT_BYTES], ports[FORMAT_BYTES];
	size_t i;
	json_t *item;
	json_array_foreach(items, i, item)
	{
		snprintf(help, sizeof(help), "%.16s %.400s", format_text_of(item, "protocol"),
		    format_list(json_object_get(item, "ports"), ports));
		complete_offer(complete, format_text_of(item, "name"), help);
	}
}

static void offer_label_keys(struct complete *complete, const json_t *items)
{
	size_t i;
	const char *key;
	json_t *item, *value;
	json_array_foreach(items, i, item)
	{
		json_object_foreach(json_object_get(item, "labels"), key, value)
		    complete_offer(complete, key, "label");
	}
}

static void offer_tokens(struct complete *complete, const json_t *items)
{
	offer_items(complete, items, NULL, "name", "role", "expires");
}

static void offer_revisions(struct complete *complete, const json_t *items)
{
	char number[FORMAT_BYTES], what[FORMAT_BYTES];
	size_t i;
	json_t *item;
	json_array_foreach(items, i, item)
	    complete_offer(complete, format_integer(json_object_get(item, "revision"), number),
	        format_string(json_object_get(item, "what"), what));
}

static void offer_backends_of(struct complete *complete, const json_t *accelerator)
{
	char text[2 * FORMAT_BYTES], backend_text[FORMAT_BYTES];
	size_t i, j;
	json_t *group, *backend;
	json_array_foreach(json_object_get(accelerator, "endpoint_groups"), i, group)
	{
		json_array_foreach(json_object_get(group, "backends"), j, backend)
		{
			snprintf(text, sizeof(text), "%s=%s", format_text_of(group, "region"),
			    format_backend(backend, backend_text));
			complete_offer(complete, text, "backend");
		}
	}
}

/* Those of the accelerator that the line names. */
static void offer_backends(struct complete *complete, const json_t *items)
{
	const char *name = complete_typed(complete)->arguments[0];
	size_t i;
	json_t *item;
	json_array_foreach(items, i, item)
	{
		if (name && strcmp(format_text_of(item, "name"), name) == 0)
			offer_backends_of(complete, item);
	}
}

/* Those of the kind that the line names. */
static void offer_objects(struct complete *complete, const json_t *items)
{
	const char *word = complete_typed(complete)->arguments[0];
	const struct object_kind *kind = word ? object_kind_guess(word) : NULL;
	char name[OBJECT_NAME_BYTES];
	size_t i;
	json_t *item;
	json_array_foreach(items, i, item)
	{
		if (kind && strcmp(format_text_of(item, "kind"), kind->name) == 0)
			complete_offer(complete, object_name(kind, item, name), kind->name);
	}
}

/* Kinds, and once a point is typed, their fields. */
static void offer_kinds(struct complete *complete, bool has_fields)
{
	has_fields = has_fields && strchr(complete_word(complete), '.');
	char text[COMPLETE_WORD_BYTES];
	for (const struct object_kind *kind = object_kinds; kind->name; kind++) {
		complete_offer(complete, kind->name, kind->help);
		for (size_t i = 0; has_fields && i < kind->schema->field_count; i++) {
			const struct schema_field *field = &kind->schema->fields[i];
			snprintf(text, sizeof(text), "%s.%s", kind->name, field->key);
			complete_offer(complete, text, field->help ? field->help : "");
		}
	}
}

static void offer_checks(struct complete *complete)
{
	for (size_t i = 0; health_kind_names[i]; i++)
		complete_offer(complete, health_kind_names[i], "health check");
}

static void offer_limits(struct complete *complete)
{
	for (size_t i = 0; limit_name(i); i++)
		complete_offer(complete, limit_name(i), "limit");
}

static const struct {
	const char *metavar, *path;
	names_fn *offer;
} sources[] = {
    {"ACCELERATOR", "/v1/accelerators", offer_accelerators},
    {"BACKEND", "/v1/accelerators", offer_backends},
    {"ENDPOINT", "/v1/nodes", offer_endpoints},
    {"KEY", "/v1/accelerators", offer_label_keys},
    {"LISTENER", "/v1/nodes", offer_listeners},
    {"NODE", "/v1/nodes", offer_nodes},
    {"OBJECT", "/v1/objects", offer_objects},
    {"REGION", "/v1/nodes", offer_regions},
    {"REVISION", "/v1/revisions?limit=50", offer_revisions},
    {"TOKEN", "/v1/tokens", offer_tokens},
};

void complete_names(struct complete *complete, const struct metavar_start *start)
{
	if (metavar_start_is(start, "KIND"))
		offer_kinds(complete, start->has_fields);
	if (metavar_start_is(start, "CHECK"))
		offer_checks(complete);
	if (metavar_start_is(start, "LIMIT"))
		offer_limits(complete);
	for (size_t i = 0; i < sizeof(sources) / sizeof(sources[0]); i++) {
		if (!metavar_start_is(start, sources[i].metavar))
			continue;
		json_t *items = ask(complete_typed(complete), sources[i].path);
		sources[i].offer(complete, items);
		json_decref(items);
	}
}
