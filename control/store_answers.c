/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See store.h: answers kept for repeated requests, as rows. */
#include "base/err.h"
#include "control/store.h"
#include "control/store_sql.h"

#include <stdlib.h>
#include <string.h>

int store_find_answer(struct store *store, const uint8_t row_hash[STORE_HASH_BYTES],
    uint64_t now_ms, struct kept_answer *kept)
{
	sqlite3_stmt *row = store_bind(store, STATEMENT_ANSWER_FIND, "bi", row_hash,
	    (size_t)STORE_HASH_BYTES, (int64_t)now_ms);
	int result = row ? store_step(store, row) : ERR_IO;

	*kept = (struct kept_answer){0};
	if (result > 0) {
		store_copy_blob(kept->request, sizeof(kept->request), row, 0);
		kept->length = (size_t)sqlite3_column_bytes(row, 1);
		kept->sealed = malloc(kept->length ? kept->length : 1);
		if (kept->sealed)
			memcpy(kept->sealed, sqlite3_column_blob(row, 1), kept->length);
		result = kept->sealed ? 1 : ERR_NOMEM;
	}
	if (row)
		store_done(row);
	if (result < 0)
		return result;
	return result ? 0 : ERR_NOT_FOUND;
}

int store_keep_answer(
    struct store *store, const uint8_t row_hash[STORE_HASH_BYTES], const struct kept_answer *kept)
{
	return store_run(store, store_bind(store, STATEMENT_ANSWER_KEEP, "bbbi", row_hash,
	                            (size_t)STORE_HASH_BYTES, kept->request, sizeof(kept->request),
	                            kept->sealed, kept->length, (int64_t)kept->expires_ms));
}

int store_purge_answers(struct store *store, uint64_t now_ms, unsigned max)
{
	return store_run(
	    store, store_bind(store, STATEMENT_ANSWER_PURGE, "ii", (int64_t)now_ms, (int64_t)max));
}
