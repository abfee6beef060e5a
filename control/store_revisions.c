/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See store.h: revisions as rows; the oldest give way to the newest, by their number and by their bytes. */
#include "base/err.h"
#include "control/store.h"
#include "control/store_sql.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void read_revision(struct revision *revision, sqlite3_stmt *row)
{
	revision->number = (uint64_t)sqlite3_column_int64(row, 0);
	revision->when_ms = (uint64_t)sqlite3_column_int64(row, 1);
	store_copy_text(revision->who, sizeof(revision->who), row, 2);
	store_copy_text(revision->what, sizeof(revision->what), row, 3);
}

int store_list_revisions(struct store *store, struct revision *list, size_t max)
{
	sqlite3_stmt *rows = store_bind(store, STATEMENT_REVISION_LIST, "i", (int64_t)max);
	int result = rows ? store_step(store, rows) : ERR_IO;
	size_t count = 0;

	while (result > 0 && count < max) {
		read_revision(&list[count++], rows);
		result = store_step(store, rows);
	}
	if (rows)
		store_done(rows);
	return result < 0 ? result : (int)count;
}

static int visit_revision(
    struct store *store, sqlite3_stmt *row, store_revision_fn *visit, void *context)
{
	struct revision revision;
	json_t *objects = json_loads((const char *)sqlite3_column_text(row, 4), 0, NULL);
	int result;

	read_revision(&revision, row);
	if (!json_is_array(objects)) {
		snprintf(store->error, sizeof(store->error),
		    "the database is damaged: revision %llu is not readable",
		    (unsigned long long)revision.number);
		result = ERR_IO;
	} else {
		result = visit(context, &revision, objects);
	}
	json_decref(objects);
	return result;
}

int store_read_revisions(
    struct store *store, uint64_t first, uint64_t last, store_revision_fn *visit, void *context)
{
	sqlite3_stmt *rows =
	    store_bind(store, STATEMENT_REVISION_READ, "ii", (int64_t)first, (int64_t)last);
	int result = rows ? store_step(store, rows) : ERR_IO;

	while (result > 0) {
		result = visit_revision(store, rows, visit, context);
		if (result == 0)
			result = store_step(store, rows);
	}
	if (rows)
		store_done(rows);
	return result;
}

/* ---- adding one, and forgetting the oldest ---- */

struct oldest {
	uint64_t number;
	uint64_t bytes;
};

static int find_oldest(struct store *store, struct oldest *oldest)
{
	sqlite3_stmt *row = store_bind(store, STATEMENT_REVISION_OLDEST, "");
	int result = row ? store_step(store, row) : ERR_IO;

	if (result > 0) {
		oldest->number = (uint64_t)sqlite3_column_int64(row, 0);
		oldest->bytes = (uint64_t)sqlite3_column_int64(row, 1);
	}
	if (row)
		store_done(row);
	return result;
}

static int read_total(struct store *store, uint64_t *bytes)
{
	sqlite3_stmt *row = store_bind(store, STATEMENT_META, "t", "revision_bytes");
	int result = row ? store_step(store, row) : ERR_IO;

	*bytes = result > 0 ? (uint64_t)sqlite3_column_int64(row, 0) : 0;
	if (row)
		store_done(row);
	return result < 0 ? result : 0;
}

/* The newest stays, however long it is.  Their sum is kept, as adding it up would read them all. */
static int forget_oldest(struct store *store, uint64_t newest, size_t added)
{
	struct oldest oldest;
	uint64_t total;
	int result = read_total(store, &total);

	total += added;
	while (result == 0 && find_oldest(store, &oldest) > 0 && oldest.number < newest
	       && (oldest.number + STORE_REVISIONS_KEPT <= newest
	           || total > STORE_REVISIONS_BYTES_MAX)) {
		result = store_run(store,
		    store_bind(store, STATEMENT_REVISION_PURGE, "i", (int64_t)oldest.number));
		total -= oldest.bytes < total ? oldest.bytes : total;
	}
	if (result == 0)
		result = store_run(store,
		    store_bind(store, STATEMENT_META_PUT, "ti", "revision_bytes", (int64_t)total));
	return result;
}

int store_add_revision(struct store *store, struct revision *revision, const json_t *objects)
{
	char *text = objects ? json_dumps(objects, JSON_COMPACT) : strdup("[]");
	size_t bytes = text ? strlen(text) : 0;
	int result;

	if (!text) {
		snprintf(store->error, sizeof(store->error), "no memory");
		return ERR_NOMEM;
	}
	result =
	    store_run(store, store_bind(store, STATEMENT_REVISION_ADD, "ittt",
	                         (int64_t)revision->when_ms, revision->who, revision->what, text));
	free(text);
	if (result < 0)
		return result;
	revision->number = (uint64_t)sqlite3_last_insert_rowid(store->database);
	return forget_oldest(store, revision->number, bytes);
}
