/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See store.h: the API's tokens as rows. */
#include "base/err.h"
#include "control/store.h"
#include "control/store_sql.h"

#include <stdlib.h>

static void read_token(struct api_token *token, sqlite3_stmt *row)
{
	token->id = (uint32_t)sqlite3_column_int64(row, 0);
	store_copy_text(token->name, sizeof(token->name), row, 1);
	token->role = (enum api_role)sqlite3_column_int(row, 2);
	if (token->role < API_ROLE_NONE || token->role > API_ROLE_ADMIN)
		token->role = API_ROLE_NONE; /* damage */
	store_copy_blob(token->hash, sizeof(token->hash), row, 3);
	store_copy_text(token->created_by, sizeof(token->created_by), row, 4);
	token->created_ms = (uint64_t)sqlite3_column_int64(row, 5);
	token->expires_ms = (uint64_t)sqlite3_column_int64(row, 6);
}

int store_load_api_tokens(struct store *store, struct api_token_list *list)
{
	struct api_token_list loaded = {.tokens = calloc(API_TOKENS_MAX, sizeof(*loaded.tokens))};
	sqlite3_stmt *rows = store_bind(store, STATEMENT_API_TOKEN_LIST, "");
	int result = rows && loaded.tokens ? store_step(store, rows) : ERR_IO;

	while (result > 0 && loaded.count < API_TOKENS_MAX) {
		read_token(&loaded.tokens[loaded.count++], rows);
		result = store_step(store, rows);
	}
	if (rows)
		store_done(rows);
	if (result < 0)
		api_token_list_clear(&loaded);
	else
		api_token_list_replace(list, &loaded);
	return result < 0 ? result : 0;
}

int store_add_api_token(struct store *store, struct api_token *token)
{
	int result = store_run(
	    store, store_bind(store, STATEMENT_API_TOKEN_ADD, "tibtii", token->name,
	               (int64_t)token->role, token->hash, sizeof(token->hash), token->created_by,
	               (int64_t)token->created_ms, (int64_t)token->expires_ms));

	if (result == 0)
		token->id = (uint32_t)sqlite3_last_insert_rowid(store->database);
	return result;
}

int store_delete_api_token(struct store *store, uint32_t id)
{
	return store_run(store, store_bind(store, STATEMENT_API_TOKEN_DELETE, "i", (int64_t)id));
}

int store_purge_api_tokens(struct store *store, uint64_t before_ms)
{
	return store_run(
	    store, store_bind(store, STATEMENT_API_TOKEN_PURGE, "i", (int64_t)before_ms));
}
