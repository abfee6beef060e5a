/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Between store.c (the connection, schema and transactions) and the other store_*.c (what is kept):
 * prepared statements by number, bound by a short format.  Nobody else includes this.
 */
#ifndef CONTROL_STORE_SQL_H
#define CONTROL_STORE_SQL_H

#include "control/store.h"

#include <sqlite3.h>

enum statement {
	STATEMENT_BEGIN,
	STATEMENT_HOLD,
	STATEMENT_COMMIT,
	STATEMENT_ROLLBACK,
	STATEMENT_META,
	STATEMENT_META_PUT,
	STATEMENT_REVISION_ADD,
	STATEMENT_REVISION_OLDEST,
	STATEMENT_REVISION_PURGE,
	STATEMENT_REVISION_LAST,
	STATEMENT_REVISION_LIST,
	STATEMENT_REVISION_READ,
	STATEMENT_NODE_LIST,
	STATEMENT_NODE_ADD,
	STATEMENT_NODE_UPDATE,
	STATEMENT_NODE_DRAIN,
	STATEMENT_NODE_DELETE,
	STATEMENT_NODE_SEEN,
	STATEMENT_ACCELERATOR_LIST,
	STATEMENT_ACCELERATOR_ADD,
	STATEMENT_ACCELERATOR_UPDATE,
	STATEMENT_ACCELERATOR_DELETE,
	STATEMENT_TUNNEL_LIST,
	STATEMENT_TUNNEL_PUT,
	STATEMENT_TUNNEL_DELETE,
	STATEMENT_ANSWER_FIND,
	STATEMENT_ANSWER_KEEP,
	STATEMENT_ANSWER_PURGE,
	STATEMENT_TOKEN_FIND,
	STATEMENT_TOKEN_ADD,
	STATEMENT_TOKEN_USE,
	STATEMENT_TOKEN_PURGE,
	STATEMENT_API_TOKEN_LIST,
	STATEMENT_API_TOKEN_ADD,
	STATEMENT_API_TOKEN_DELETE,
	STATEMENT_API_TOKEN_PURGE,
	STATEMENTS,
};

/* In meta: when the backup was made from which this database was restored, until it is adopted. */
#define STORE_RESTORED_KEY "restored_from_ms"

/* In meta: see store_put_compile_format(). */
#define STORE_COMPILE_FORMAT_KEY "compile_format"

struct store {
	sqlite3 *database;
	sqlite3_stmt *statements[STATEMENTS];
	bool is_held, is_begun; /* begun: within what is held */
	char error[REASON_BYTES];
};

/*
 * Readies a statement and binds its parameters in order: 'i' int64_t, 't' const char * (NULL is
 * SQL's NULL), 'b' const void * and size_t.  Text and blobs must last until store_done().
 * NULL with the error set when a value does not bind.
 */
sqlite3_stmt *store_bind(struct store *store, enum statement which, const char *format, ...);

/* 1 with a row, 0 at the end, ERR_IO with the error set. */
int store_step(struct store *store, sqlite3_stmt *statement);

/* Lets go of the rows. */
void store_done(sqlite3_stmt *statement);

/* Binds, runs to the end, lets go: 0 or ERR_IO.  statement may be NULL (its binding failed). */
int store_run(struct store *store, sqlite3_stmt *statement);

/* A copy that a crash left beside the database, with all that is secret in it. */
void store_remove_copy(const struct store *store);

/* A column's text, cut at size - 1. */
void store_copy_text(char *to, size_t size, sqlite3_stmt *row, int column);

/* A blob of another length is damage; zeroes then, which match nobody. */
void store_copy_blob(uint8_t *to, size_t size, sqlite3_stmt *row, int column);

/* Sets the error from SQLite's words and returns ERR_IO. */
int store_fail(struct store *store);

#endif
