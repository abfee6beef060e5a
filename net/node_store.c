/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A node's files; see net/node_store.h. */
#include "config.h"

#include "net/node_store.h"

#include "base/err.h"
#include "base/file.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ENROLMENT_FILE "control.json"
#define CONFIG_FILE    "node.config"

enum {
	ENROLMENT_BYTES_MAX = 16 * 1024,
	/* The saved form is the message's JSON and a line before it. */
	CONFIG_BYTES_MAX = CONTROL_MESSAGE_BYTES_MAX + 1024,
};

static const struct schema_field address_fields[] = {
    {SCHEMA_MEMBER("address", struct name, text), .type = SCHEMA_TEXT, .is_required = true},
};
static const struct schema address_schema = SCHEMA(struct name, address_fields);

/* The file's form of an enrolment: its addresses are struct name, which has the same shape. */
struct enrolment_file {
	struct name addresses[JOIN_ADDRESSES_MAX];
	size_t address_count;
	uint8_t control_pin[PIN_BYTES];
	enum node_role role;
	char name[NAME_BYTES];
};

static const struct schema_field enrolment_fields[] = {
    {SCHEMA_ARRAY_IN_PLACE("addresses", struct enrolment_file, addresses, address_count),
        .type = SCHEMA_STRUCT, .schema = &address_schema, .is_required = true, .min_items = 1},
    {SCHEMA_MEMBER("control_pin", struct enrolment_file, control_pin), .type = SCHEMA_BASE64,
        .is_required = true},
    {SCHEMA_MEMBER("role", struct enrolment_file, role), .type = SCHEMA_ENUM,
        .names = node_role_names, .is_required = true, .min = NODE_LISTENER},
    {SCHEMA_MEMBER("name", struct enrolment_file, name), .type = SCHEMA_TEXT, .is_required = true},
};
static const struct schema enrolment_schema = SCHEMA(struct enrolment_file, enrolment_fields);

static void path_of(const char *state, const char *file, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.*s/%s", PATH_MAX - 64, state, file);
}

/* ---- where control is ---- */

int node_store_load_enrolment(const char *state, struct enrolment *enrolment)
{
	struct enrolment_file file;
	char path[PATH_MAX], *text;
	size_t length;
	int result;

	memset(enrolment, 0, sizeof(*enrolment));
	path_of(state, ENROLMENT_FILE, path);
	result = file_read(path, ENROLMENT_BYTES_MAX, &text, &length);
	if (result < 0)
		return result;
	result = schema_from_json_text(&enrolment_schema, text, length, 0, &file, NULL);
	free(text);
	if (result < 0)
		return result;
	memcpy(enrolment->addresses, file.addresses, sizeof(enrolment->addresses));
	enrolment->address_count = file.address_count;
	memcpy(enrolment->control_pin, file.control_pin, PIN_BYTES);
	enrolment->role = file.role;
	memcpy(enrolment->name, file.name, NAME_BYTES);
	return 0;
}

int node_store_save_enrolment(const char *state, const struct enrolment *enrolment)
{
	struct enrolment_file file = {.address_count = enrolment->address_count};
	char path[PATH_MAX], *text;
	json_t *json;
	int result;

	memcpy(file.addresses, enrolment->addresses, sizeof(file.addresses));
	memcpy(file.control_pin, enrolment->control_pin, PIN_BYTES);
	file.role = enrolment->role;
	memcpy(file.name, enrolment->name, NAME_BYTES);
	json = schema_to_json(&enrolment_schema, &file, 0);
	text = json ? json_dumps(json, JSON_INDENT(2)) : NULL;
	json_decref(json);
	if (!text)
		return ERR_NOMEM;
	path_of(state, ENROLMENT_FILE, path);
	result = file_write_atomic(path, text, strlen(text), 0600);
	free(text);
	return result;
}

static bool knows(const struct enrolment *enrolment, const char *address)
{
	for (size_t i = 0; i < enrolment->address_count; i++)
		if (strcmp(enrolment->addresses[i], address) == 0)
			return true;
	return false;
}

void node_store_add_addresses(struct enrolment *enrolment, const struct join_token *token)
{
	bool is_news = true;

	for (size_t i = 0; i < token->address_count; i++)
		is_news = is_news && !knows(enrolment, token->addresses[i]);
	if (is_news && enrolment->address_count == JOIN_ADDRESSES_MAX)
		enrolment->address_count--;
	for (size_t i = 0;
	     i < token->address_count && enrolment->address_count < JOIN_ADDRESSES_MAX; i++)
		if (!knows(enrolment, token->addresses[i]))
			memcpy(enrolment->addresses[enrolment->address_count++],
			    token->addresses[i], NAME_BYTES);
}

/* ---- the config ---- */

int node_store_load_config(const char *state, struct node_config *config, char **text,
    size_t *length, struct model_error *error)
{
	char path[PATH_MAX];
	int result;

	path_of(state, CONFIG_FILE, path);
	result = file_read(path, CONFIG_BYTES_MAX, text, length);
	if (result < 0)
		return result;
	result = node_config_load(*text, *length, config, error);
	if (result < 0) {
		free(*text);
		*text = NULL;
	}
	return result;
}

int node_store_save_config(const char *state, const char *text, size_t length)
{
	char path[PATH_MAX];

	path_of(state, CONFIG_FILE, path);
	return file_write_atomic(path, text, length, 0600);
}

void node_store_forget(const char *state)
{
	static const char *const files[] = {CONFIG_FILE, ENROLMENT_FILE};
	char path[PATH_MAX];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		path_of(state, files[i], path);
		unlink(path);
	}
}
