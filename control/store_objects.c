/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See store.h: nodes, accelerators and tokens as rows. */
#include "config.h"

#include "base/err.h"
#include "control/store.h"
#include "control/store_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void store_copy_text(char *to, size_t size, sqlite3_stmt *row, int column)
{
	const unsigned char *text = sqlite3_column_text(row, column);

	snprintf(to, size, "%s", text ? (const char *)text : "");
}

void store_copy_blob(uint8_t *to, size_t size, sqlite3_stmt *row, int column)
{
	const void *blob = sqlite3_column_blob(row, column);

	memset(to, 0, size);
	if (blob && (size_t)sqlite3_column_bytes(row, column) == size)
		memcpy(to, blob, size);
}

/* Addresses are kept as one text, one on each line. */
static void split_addresses(struct node *node, const char *text)
{
	node->address_count = 0;
	while (*text && node->address_count < NODE_ADDRESSES_MAX) {
		size_t length = strcspn(text, "\n");

		snprintf(node->addresses[node->address_count++].text, NAME_BYTES, "%.*s",
		    (int)length, text);
		text += length + (text[length] != '\0');
	}
}

static void join_addresses(const struct node *node, char *text, size_t size)
{
	size_t used = 0;

	text[0] = '\0';
	for (size_t i = 0; i < node->address_count && used < size; i++)
		used += (size_t)snprintf(
		    text + used, size - used, "%s%s", i ? "\n" : "", node->addresses[i].text);
}

static void read_node(struct node *node, sqlite3_stmt *row)
{
	char addresses[NODE_ADDRESSES_MAX * NAME_BYTES];

	node->id = (uint32_t)sqlite3_column_int64(row, 0);
	store_copy_text(node->name, sizeof(node->name), row, 1);
	node->role = (enum node_role)sqlite3_column_int(row, 2);
	store_copy_text(node->region, sizeof(node->region), row, 3);
	store_copy_blob(node->pin, sizeof(node->pin), row, 4);
	store_copy_blob(node->door_secret, sizeof(node->door_secret), row, 5);
	store_copy_text(addresses, sizeof(addresses), row, 6);
	split_addresses(node, addresses);
	node->slots = (uint32_t)sqlite3_column_int64(row, 7);
	store_copy_text(node->version, sizeof(node->version), row, 8);
	node->joined_ms = (uint64_t)sqlite3_column_int64(row, 9);
	node->last_seen_ms = (uint64_t)sqlite3_column_int64(row, 10);
	node->is_draining = sqlite3_column_int64(row, 11) != 0;
}

static int read_accelerator(
    struct store *store, struct stored_accelerator *stored, sqlite3_stmt *row)
{
	const char *body = (const char *)sqlite3_column_text(row, 2);
	struct model_error error;
	int result = schema_from_json_text(&accelerator_schema, body ? body : "",
	    body ? strlen(body) : 0, 0, &stored->accelerator, NULL);

	if (result == 0 && accelerator_validate(&stored->accelerator, &error) < 0) {
		accelerator_clear(&stored->accelerator);
		result = ERR_MALFORMED;
	}
	if (result < 0) {
		snprintf(store->error, sizeof(store->error),
		    "the database is damaged: accelerator %lld is not readable",
		    (long long)sqlite3_column_int64(row, 0));
		return result == ERR_NOMEM ? ERR_NOMEM : ERR_IO;
	}
	stored->accelerator.id = (uint32_t)sqlite3_column_int64(row, 0);
	stored->revision = (uint64_t)sqlite3_column_int64(row, 1);
	return 0;
}

/* One more item at the end of an array, zeroed, or NULL. */
static void *grow(void *array, size_t count, size_t size)
{
	char *grown = reallocarray(array, count + 1, size);

	if (grown)
		memset(grown + count * size, 0, size);
	return grown;
}

static int load_nodes(struct store *store, struct installation *installation)
{
	sqlite3_stmt *rows = store_bind(store, STATEMENT_NODE_LIST, "");
	int result = rows ? store_step(store, rows) : ERR_IO;

	while (result > 0) {
		struct node *nodes =
		    grow(installation->nodes, installation->node_count, sizeof(*nodes));

		if (!nodes) {
			result = ERR_NOMEM;
			break;
		}
		installation->nodes = nodes;
		read_node(&nodes[installation->node_count++], rows);
		result = store_step(store, rows);
	}
	if (rows)
		store_done(rows);
	return result;
}

static int load_accelerators(struct store *store, struct installation *installation)
{
	sqlite3_stmt *rows = store_bind(store, STATEMENT_ACCELERATOR_LIST, "");
	int result = rows ? store_step(store, rows) : ERR_IO;

	while (result > 0) {
		struct stored_accelerator *list = grow(
		    installation->accelerators, installation->accelerator_count, sizeof(*list));

		if (!list) {
			result = ERR_NOMEM;
			break;
		}
		installation->accelerators = list;
		result = read_accelerator(store, &list[installation->accelerator_count], rows);
		if (result < 0)
			break;
		installation->accelerator_count++;
		result = store_step(store, rows);
	}
	if (rows)
		store_done(rows);
	return result;
}

static int read_tunnel(struct store *store, struct tunnel_setting *setting, sqlite3_stmt *row)
{
	setting->listener = (uint32_t)sqlite3_column_int64(row, 0);
	setting->endpoint = (uint32_t)sqlite3_column_int64(row, 1);
	store_copy_text(setting->congestion, sizeof(setting->congestion), row, 2);
	setting->is_traced = sqlite3_column_int64(row, 3) != 0;
	setting->revision = (uint64_t)sqlite3_column_int64(row, 4);
	if (!congestion_check(setting->congestion))
		return 0;
	snprintf(store->error, sizeof(store->error),
	    "the database is damaged: the tunnel of nodes %u and %u is not readable",
	    setting->listener, setting->endpoint);
	return ERR_IO;
}

static int load_tunnels(struct store *store, struct installation *installation)
{
	sqlite3_stmt *rows = store_bind(store, STATEMENT_TUNNEL_LIST, "");
	int result = rows ? store_step(store, rows) : ERR_IO;

	while (result > 0) {
		struct tunnel_setting *list = grow(installation->tunnel_settings,
		    installation->tunnel_setting_count, sizeof(*list));

		if (!list) {
			result = ERR_NOMEM;
			break;
		}
		installation->tunnel_settings = list;
		result = read_tunnel(store, &list[installation->tunnel_setting_count++], rows);
		if (result == 0)
			result = store_step(store, rows);
	}
	if (rows)
		store_done(rows);
	return result;
}

/* The first column of the first row. */
static int read_number(struct store *store, sqlite3_stmt *statement, uint64_t *number)
{
	int result = statement ? store_step(store, statement) : ERR_IO;

	if (result > 0)
		*number = (uint64_t)sqlite3_column_int64(statement, 0);
	else if (result == 0)
		snprintf(store->error, sizeof(store->error), "the database is damaged: no number");
	if (statement)
		store_done(statement);
	return result > 0 ? 0 : ERR_IO;
}

static const struct meta {
	const char *key;
	size_t offset;
} confirmation_keys[] = {
    {"confirm_revision", offsetof(struct confirmation, revision)},
    {"confirm_back_to", offsetof(struct confirmation, back_to)},
    {"confirm_deadline_ms", offsetof(struct confirmation, deadline_ms)},
    {"confirm_window_s", offsetof(struct confirmation, window_s)},
};

enum { CONFIRMATION_KEYS = sizeof(confirmation_keys) / sizeof(confirmation_keys[0]) };

/* What was never put leaves *value as it is. */
static int read_meta(struct store *store, const char *key, uint64_t *value)
{
	sqlite3_stmt *row = store_bind(store, STATEMENT_META, "t", key);
	int result = row ? store_step(store, row) : ERR_IO;

	if (result > 0)
		*value = (uint64_t)sqlite3_column_int64(row, 0);
	if (row)
		store_done(row);
	return result < 0 ? result : 0;
}

static int load_confirmation(struct store *store, struct confirmation *confirmation)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < CONFIRMATION_KEYS; i++) {
		uint64_t *member =
		    (uint64_t *)(void *)((char *)confirmation + confirmation_keys[i].offset);

		result = read_meta(store, confirmation_keys[i].key, member);
	}
	return result;
}

int store_put_confirmation(struct store *store, const struct confirmation *confirmation)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < CONFIRMATION_KEYS; i++) {
		const uint64_t *member =
		    (const uint64_t *)(const void *)((const char *)confirmation
		                                     + confirmation_keys[i].offset);

		result = store_run(store, store_bind(store, STATEMENT_META_PUT, "ti",
		                              confirmation_keys[i].key, (int64_t)*member));
	}
	return result;
}

int store_put_compile_format(struct store *store, uint64_t format)
{
	return store_run(store,
	    store_bind(store, STATEMENT_META_PUT, "ti", STORE_COMPILE_FORMAT_KEY, (int64_t)format));
}

int store_load(struct store *store, struct installation *installation)
{
	struct installation loaded = {0};
	int result = read_number(
	    store, store_bind(store, STATEMENT_META, "t", "incarnation"), &loaded.incarnation);

	if (result == 0)
		result = read_number(
		    store, store_bind(store, STATEMENT_META, "t", "seed"), &loaded.seed);
	if (result == 0)
		result = read_number(
		    store, store_bind(store, STATEMENT_REVISION_LAST, ""), &loaded.revision);
	if (result == 0)
		result = load_nodes(store, &loaded);
	if (result == 0)
		result = load_accelerators(store, &loaded);
	if (result == 0)
		result = load_tunnels(store, &loaded);
	if (result == 0)
		result = load_confirmation(store, &loaded.confirmation);
	if (result == 0)
		result = read_meta(store, STORE_RESTORED_KEY, &loaded.restored_from_ms);
	if (result == 0)
		result = read_meta(store, STORE_COMPILE_FORMAT_KEY, &loaded.compile_format);
	if (result < 0) {
		installation_clear(&loaded);
		return result;
	}
	installation_clear(installation);
	*installation = loaded;
	return 0;
}

int store_find_token(struct store *store, const uint8_t hash[32], struct token *token)
{
	sqlite3_stmt *row = store_bind(store, STATEMENT_TOKEN_FIND, "b", hash, (size_t)32);
	int result = row ? store_step(store, row) : ERR_IO;

	if (result > 0) {
		memcpy(token->hash, hash, sizeof(token->hash));
		token->role = (enum node_role)sqlite3_column_int(row, 0);
		store_copy_text(token->region, sizeof(token->region), row, 1);
		token->expires_ms = (uint64_t)sqlite3_column_int64(row, 2);
		store_copy_text(token->used_by, sizeof(token->used_by), row, 3);
	}
	if (row)
		store_done(row);
	if (result < 0)
		return result;
	return result ? 0 : ERR_NOT_FOUND;
}

static int no_memory(struct store *store)
{
	snprintf(store->error, sizeof(store->error), "no memory");
	return ERR_NOMEM;
}

int store_put_node(struct store *store, struct node *node)
{
	char addresses[NODE_ADDRESSES_MAX * NAME_BYTES];
	int result;

	join_addresses(node, addresses, sizeof(addresses));
	if (node->id)
		return store_run(store, store_bind(store, STATEMENT_NODE_UPDATE, "titii", addresses,
		                            (int64_t)node->slots, node->version,
		                            (int64_t)node->last_seen_ms, (int64_t)node->id));
	result = store_run(store,
	    store_bind(store, STATEMENT_NODE_ADD, "titbbtitii", node->name, (int64_t)node->role,
	        node->region, node->pin, sizeof(node->pin), node->door_secret,
	        sizeof(node->door_secret), addresses, (int64_t)node->slots, node->version,
	        (int64_t)node->joined_ms, (int64_t)node->last_seen_ms));
	if (result == 0)
		node->id = (uint32_t)sqlite3_last_insert_rowid(store->database);
	return result;
}

int store_drain_node(struct store *store, uint32_t id, bool is_draining)
{
	return store_run(store,
	    store_bind(store, STATEMENT_NODE_DRAIN, "ii", (int64_t)is_draining, (int64_t)id));
}

int store_delete_node(struct store *store, uint32_t id)
{
	return store_run(store, store_bind(store, STATEMENT_NODE_DELETE, "i", (int64_t)id));
}

int store_seen_node(struct store *store, uint32_t id, uint64_t now_ms)
{
	return store_run(
	    store, store_bind(store, STATEMENT_NODE_SEEN, "ii", (int64_t)now_ms, (int64_t)id));
}

int store_put_accelerator(struct store *store, struct accelerator *accelerator, uint64_t revision)
{
	json_t *json = accelerator_to_json(accelerator);
	char *body = json ? json_dumps(json, JSON_COMPACT) : NULL;
	int result;

	json_decref(json);
	if (!body)
		return no_memory(store);
	if (accelerator->id)
		result = store_run(store, store_bind(store, STATEMENT_ACCELERATOR_UPDATE, "iti",
		                              (int64_t)revision, body, (int64_t)accelerator->id));
	else
		result = store_run(store, store_bind(store, STATEMENT_ACCELERATOR_ADD, "tit",
		                              accelerator->name, (int64_t)revision, body));
	if (result == 0 && !accelerator->id)
		accelerator->id = (uint32_t)sqlite3_last_insert_rowid(store->database);
	free(body);
	return result;
}

int store_delete_accelerator(struct store *store, uint32_t id)
{
	return store_run(store, store_bind(store, STATEMENT_ACCELERATOR_DELETE, "i", (int64_t)id));
}

int store_put_tunnel(struct store *store, const struct tunnel_setting *setting, uint64_t revision)
{
	if (tunnel_setting_is_default(setting))
		return store_run(
		    store, store_bind(store, STATEMENT_TUNNEL_DELETE, "ii",
		               (int64_t)setting->listener, (int64_t)setting->endpoint));
	return store_run(
	    store, store_bind(store, STATEMENT_TUNNEL_PUT, "iitii", (int64_t)setting->listener,
	               (int64_t)setting->endpoint, setting->congestion, (int64_t)setting->is_traced,
	               (int64_t)revision));
}

int store_add_token(struct store *store, const struct token *token)
{
	return store_run(
	    store, store_bind(store, STATEMENT_TOKEN_ADD, "biti", token->hash, sizeof(token->hash),
	               (int64_t)token->role, token->region, (int64_t)token->expires_ms));
}

int store_use_token(
    struct store *store, const uint8_t hash[32], const char *node_name, uint64_t now_ms)
{
	return store_run(store, store_bind(store, STATEMENT_TOKEN_USE, "tib", node_name,
	                            (int64_t)now_ms, hash, (size_t)32));
}

int store_purge_tokens(struct store *store, uint64_t before_ms)
{
	return store_run(store, store_bind(store, STATEMENT_TOKEN_PURGE, "i", (int64_t)before_ms));
}
