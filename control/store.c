/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See store.h: the connection to the database, its schema, statements and transactions. */
#include "control/store.h"

#include "base/err.h"
#include "control/compile.h"
#include "control/store_sql.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

static const char schema_tables[] =
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
    "CREATE TABLE revisions (number INTEGER PRIMARY KEY AUTOINCREMENT, when_ms INTEGER NOT NULL,"
    "  who TEXT NOT NULL, what TEXT NOT NULL, before TEXT, after TEXT) STRICT;"
    "CREATE TABLE nodes (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
    "  role INTEGER NOT NULL, region TEXT NOT NULL, pin BLOB NOT NULL UNIQUE,"
    "  door_secret BLOB NOT NULL, addresses TEXT NOT NULL, slots INTEGER NOT NULL,"
    "  version TEXT NOT NULL, joined_ms INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL) STRICT;"
    "CREATE TABLE accelerators (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
    "  revision INTEGER NOT NULL, body TEXT NOT NULL) STRICT;"
    "CREATE TABLE tokens (hash BLOB PRIMARY KEY, role INTEGER NOT NULL, region TEXT NOT NULL,"
    "  expires_ms INTEGER NOT NULL, used_by TEXT NOT NULL, used_ms INTEGER NOT NULL) STRICT;";

static const char schema_tunnels[] =
    "CREATE TABLE tunnels (listener INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,"
    "  endpoint INTEGER NOT NULL REFERENCES nodes (id) ON DELETE CASCADE,"
    "  congestion TEXT NOT NULL, traced INTEGER NOT NULL,"
    "  PRIMARY KEY (listener, endpoint)) STRICT;";

/* A revision tells what became of each object; a tunnel that is as by default has no row. */
static const char schema_objects[] =
    "ALTER TABLE revisions ADD COLUMN objects TEXT NOT NULL DEFAULT '[]';"
    "UPDATE revisions SET objects = json_array(json_object('kind', 'Accelerator', 'name',"
    "  json_extract(coalesce(after, before), '$.name'), 'before', json(before), 'after',"
    "  json(after))) WHERE what LIKE 'accelerator %' AND coalesce(after, before) IS NOT NULL;"
    "UPDATE revisions SET objects = (WITH ends AS (SELECT"
    "  substr(what, 13, instr(what, ' to ') - 13) AS listener,"
    "  substr(what, instr(what, ' to ') + 4, length(what) - instr(what, ' to ') - 11) AS endpoint)"
    "  SELECT json_array(json_object('kind', 'Tunnel', 'name', listener || '/' || endpoint,"
    "  'before', json_patch(before, json_object('listener', listener, 'endpoint', endpoint)),"
    "  'after', json_patch(after, json_object('listener', listener, 'endpoint', endpoint))))"
    "  FROM ends) WHERE what LIKE 'tunnel from % to % updated' AND after IS NOT NULL"
    "  AND before IS NOT NULL;"
    "ALTER TABLE revisions DROP COLUMN before;"
    "ALTER TABLE revisions DROP COLUMN after;"
    "ALTER TABLE tunnels ADD COLUMN revision INTEGER NOT NULL DEFAULT 0;"
    "DELETE FROM tunnels WHERE congestion = 'bbr' AND traced = 0;";

static const char schema_api_tokens[] =
    "CREATE TABLE api_tokens (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL UNIQUE,"
    "  role INTEGER NOT NULL, hash BLOB NOT NULL UNIQUE, created_by TEXT NOT NULL,"
    "  created_ms INTEGER NOT NULL, expires_ms INTEGER NOT NULL) STRICT;";

static const char schema_draining[] =
    "ALTER TABLE nodes ADD COLUMN draining INTEGER NOT NULL DEFAULT 0;";

static const char schema_answers[] =
    "CREATE TABLE answers (key BLOB PRIMARY KEY, request BLOB NOT NULL, answer BLOB NOT NULL,"
    "  expires_ms INTEGER NOT NULL) STRICT;";

static const char schema_revision_bytes[] =
    "INSERT OR REPLACE INTO meta SELECT 'revision_bytes',"
    "  coalesce(sum(length(CAST(objects AS BLOB))), 0) FROM revisions;";

/* Each takes the schema from version i to i + 1; what has been released is never edited. */
static const char *const migrations[] = {schema_tables, schema_tunnels, schema_objects,
    schema_api_tokens, schema_draining, schema_answers, schema_revision_bytes};

enum { SCHEMA_VERSION = sizeof(migrations) / sizeof(migrations[0]) };

static const char *const sql[STATEMENTS] = {
    [STATEMENT_BEGIN] = "BEGIN IMMEDIATE",
    [STATEMENT_HOLD] = "BEGIN",
    [STATEMENT_COMMIT] = "COMMIT",
    [STATEMENT_ROLLBACK] = "ROLLBACK",
    [STATEMENT_META] = "SELECT value FROM meta WHERE key = ?",
    [STATEMENT_META_PUT] = "INSERT OR REPLACE INTO meta VALUES (?, ?)",
    [STATEMENT_REVISION_ADD] =
        "INSERT INTO revisions (when_ms, who, what, objects) VALUES (?, ?, ?, ?)",
    [STATEMENT_REVISION_OLDEST] =
        "SELECT number, length(CAST(objects AS BLOB)) FROM revisions ORDER BY number LIMIT 1",
    [STATEMENT_REVISION_PURGE] = "DELETE FROM revisions WHERE number <= ?",
    [STATEMENT_REVISION_LAST] = "SELECT coalesce(max(number), 0) FROM revisions",
    [STATEMENT_REVISION_LIST] =
        "SELECT number, when_ms, who, what FROM revisions ORDER BY number DESC LIMIT ?",
    [STATEMENT_REVISION_READ] =
        "SELECT number, when_ms, who, what, objects FROM revisions WHERE number BETWEEN ? AND ?"
        " ORDER BY number DESC",
    [STATEMENT_NODE_LIST] =
        "SELECT id, name, role, region, pin, door_secret, addresses, slots, version, joined_ms,"
        " last_seen_ms, draining FROM nodes ORDER BY name",
    [STATEMENT_NODE_ADD] =
        "INSERT INTO nodes (name, role, region, pin, door_secret, addresses, slots, version,"
        " joined_ms, last_seen_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    [STATEMENT_NODE_UPDATE] =
        "UPDATE nodes SET addresses = ?, slots = ?, version = ?, last_seen_ms = ? WHERE id = ?",
    [STATEMENT_NODE_DRAIN] = "UPDATE nodes SET draining = ? WHERE id = ?",
    [STATEMENT_NODE_DELETE] = "DELETE FROM nodes WHERE id = ?",
    [STATEMENT_NODE_SEEN] = "UPDATE nodes SET last_seen_ms = ? WHERE id = ?",
    [STATEMENT_ACCELERATOR_LIST] = "SELECT id, revision, body FROM accelerators ORDER BY name",
    [STATEMENT_ACCELERATOR_ADD] =
        "INSERT INTO accelerators (name, revision, body) VALUES (?, ?, ?)",
    [STATEMENT_ACCELERATOR_UPDATE] = "UPDATE accelerators SET revision = ?, body = ? WHERE id = ?",
    [STATEMENT_ACCELERATOR_DELETE] = "DELETE FROM accelerators WHERE id = ?",
    [STATEMENT_TUNNEL_LIST] =
        "SELECT listener, endpoint, congestion, traced, revision FROM tunnels",
    [STATEMENT_TUNNEL_PUT] =
        "INSERT OR REPLACE INTO tunnels (listener, endpoint, congestion, traced, revision) "
        "VALUES (?, ?, ?, ?, ?)",
    [STATEMENT_TUNNEL_DELETE] = "DELETE FROM tunnels WHERE listener = ? AND endpoint = ?",
    [STATEMENT_ANSWER_FIND] =
        "SELECT request, answer FROM answers WHERE key = ? AND expires_ms > ?",
    [STATEMENT_ANSWER_KEEP] = "INSERT OR REPLACE INTO answers VALUES (?, ?, ?, ?)",
    [STATEMENT_ANSWER_PURGE] = "DELETE FROM answers WHERE expires_ms <= ? OR key NOT IN"
                               " (SELECT key FROM answers ORDER BY expires_ms DESC LIMIT ?)",
    [STATEMENT_TOKEN_FIND] = "SELECT role, region, expires_ms, used_by FROM tokens WHERE hash = ?",
    [STATEMENT_TOKEN_ADD] = "INSERT INTO tokens (hash, role, region, expires_ms, used_by, used_ms)"
                            " VALUES (?, ?, ?, ?, '', 0)",
    [STATEMENT_TOKEN_USE] = "UPDATE tokens SET used_by = ?, used_ms = ? WHERE hash = ?",
    [STATEMENT_TOKEN_PURGE] = "DELETE FROM tokens WHERE expires_ms < ?",
    [STATEMENT_API_TOKEN_LIST] =
        "SELECT id, name, role, hash, created_by, created_ms, expires_ms FROM api_tokens"
        " ORDER BY name",
    [STATEMENT_API_TOKEN_ADD] =
        "INSERT INTO api_tokens (name, role, hash, created_by, created_ms, expires_ms)"
        " VALUES (?, ?, ?, ?, ?, ?)",
    [STATEMENT_API_TOKEN_DELETE] = "DELETE FROM api_tokens WHERE id = ?",
    [STATEMENT_API_TOKEN_PURGE] = "DELETE FROM api_tokens WHERE expires_ms < ?",
};

int store_fail(struct store *store)
{
	snprintf(store->error, sizeof(store->error), "cannot use the database: %s",
	    sqlite3_errmsg(store->database));
	return ERR_IO;
}

const char *store_error(const struct store *store)
{
	return store->error;
}

static int bind_one(sqlite3_stmt *statement, int at, char kind, va_list *args)
{
	const void *data;

	switch (kind) {
	case 'i':
		return sqlite3_bind_int64(statement, at, va_arg(*args, int64_t));
	case 't':
		return sqlite3_bind_text(
		    statement, at, va_arg(*args, const char *), -1, SQLITE_STATIC);
	default:
		data = va_arg(*args, const void *);
		return sqlite3_bind_blob64(
		    statement, at, data, va_arg(*args, size_t), SQLITE_STATIC);
	}
}

sqlite3_stmt *store_bind(struct store *store, enum statement which, const char *format, ...)
{
	sqlite3_stmt *statement = store->statements[which];
	int result = SQLITE_OK;
	va_list args;

	va_start(args, format);
	for (int i = 0; format[i] && result == SQLITE_OK; i++)
		result = bind_one(statement, i + 1, format[i], &args);
	va_end(args);
	if (result == SQLITE_OK)
		return statement;
	store_fail(store);
	store_done(statement);
	return NULL;
}

int store_step(struct store *store, sqlite3_stmt *statement)
{
	int result = sqlite3_step(statement);

	if (result == SQLITE_ROW)
		return 1;
	return result == SQLITE_DONE ? 0 : store_fail(store);
}

void store_done(sqlite3_stmt *statement)
{
	sqlite3_reset(statement);
	sqlite3_clear_bindings(statement);
}

int store_run(struct store *store, sqlite3_stmt *statement)
{
	int result;

	if (!statement)
		return ERR_IO;
	do {
		result = store_step(store, statement);
	} while (result > 0);
	store_done(statement);
	return result;
}

static int begin_within(struct store *store)
{
	if (store->is_begun || sqlite3_get_autocommit(store->database)) {
		snprintf(store->error, sizeof(store->error),
		    store->is_begun ? "a change is being made already"
		                    : "the change that this is a part of has failed");
		return ERR_IO;
	}
	store->is_begun = true;
	return 0;
}

int store_begin(struct store *store)
{
	return store->is_held ? begin_within(store)
	                      : store_run(store, store_bind(store, STATEMENT_BEGIN, ""));
}

int store_commit(struct store *store)
{
	store->is_begun = false;
	return store->is_held ? 0 : store_run(store, store_bind(store, STATEMENT_COMMIT, ""));
}

/* Without a write there is nothing to lock: a copy may be made meanwhile. */
int store_hold(struct store *store)
{
	int result = store_run(store, store_bind(store, STATEMENT_HOLD, ""));

	store->is_held = result == 0;
	return result;
}

int store_release(struct store *store)
{
	store->is_held = false;
	return store_commit(store);
}

/* After some errors SQLite has rolled back by itself. */
void store_rollback(struct store *store)
{
	char kept[REASON_BYTES];

	store->is_begun = false;
	if (sqlite3_get_autocommit(store->database))
		return;
	memcpy(kept, store->error, sizeof(kept));
	store_run(store, store_bind(store, STATEMENT_ROLLBACK, ""));
	memcpy(store->error, kept, sizeof(kept));
}

bool store_is_untouched(const struct store *store)
{
	return !sqlite3_get_autocommit(store->database)
	       && sqlite3_txn_state(store->database, "main") != SQLITE_TXN_WRITE;
}

void store_drop(struct store *store)
{
	store->is_held = false;
	store_rollback(store);
}

static int run_text(struct store *store, const char *text)
{
	return sqlite3_exec(store->database, text, NULL, NULL, NULL) == SQLITE_OK
	           ? 0
	           : store_fail(store);
}

static int read_version(struct store *store, int *version)
{
	sqlite3_stmt *statement;
	int result = ERR_IO;

	if (sqlite3_prepare_v2(store->database, "PRAGMA user_version", -1, &statement, NULL))
		return store_fail(store);
	if (sqlite3_step(statement) == SQLITE_ROW) {
		*version = sqlite3_column_int(statement, 0);
		result = 0;
	} else {
		store_fail(store);
	}
	sqlite3_finalize(statement);
	return result;
}

/*
 * A database made anew has a later incarnation than any before it, by the clock, so that nodes can
 * tell its configs from those of one that was lost.
 */
static int write_meta(struct store *store)
{
	char text[256];
	uint64_t seed;

	randombytes_buf(&seed, sizeof(seed));
	snprintf(text, sizeof(text),
	    "INSERT INTO meta VALUES ('incarnation', %lld), ('seed', %lld), "
	    "('" STORE_COMPILE_FORMAT_KEY "', %d)",
	    (long long)time(NULL), (long long)(seed >> 1), COMPILE_FORMAT);
	return run_text(store, text);
}

static int migrate_from(struct store *store, int version)
{
	char text[64];
	int result = run_text(store, "BEGIN IMMEDIATE");

	for (int i = version; result == 0 && i < SCHEMA_VERSION; i++)
		result = run_text(store, migrations[i]);
	if (result == 0 && version == 0)
		result = write_meta(store);
	snprintf(text, sizeof(text), "PRAGMA user_version = %d", SCHEMA_VERSION);
	if (result == 0)
		result = run_text(store, text);
	return result == 0 ? run_text(store, "COMMIT") : result;
}

static int migrate(struct store *store)
{
	int version = 0, result = read_version(store, &version);

	if (result < 0)
		return result;
	if (version > SCHEMA_VERSION) {
		snprintf(store->error, sizeof(store->error),
		    "the database has schema version %d, this program knows up to %d: start the "
		    "later "
		    "version that made it",
		    version, SCHEMA_VERSION);
		return ERR_UNSUPPORTED;
	}
	return version < SCHEMA_VERSION ? migrate_from(store, version) : 0;
}

static int prepare(struct store *store)
{
	for (int i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(store->database, sql[i], -1, SQLITE_PREPARE_PERSISTENT,
		        &store->statements[i], NULL)
		    != SQLITE_OK)
			return store_fail(store);
	}
	return 0;
}

static int open_database(struct store *store, const char *path)
{
	mode_t mask = umask(077); /* door secrets are inside */
	int opened = sqlite3_open_v2(
	    path, &store->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	int result = opened == SQLITE_OK ? 0 : store_fail(store);

	if (result == 0)
		result =
		    run_text(store, "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL;"
		                    "PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;");
	if (result == 0)
		result = migrate(store);
	umask(mask);
	return result;
}

int store_open(struct store **out, const char *path, char reason[REASON_BYTES])
{
	struct store *store = calloc(1, sizeof(*store));
	int result;

	*out = NULL;
	snprintf(reason, REASON_BYTES, "no memory");
	if (!store)
		return ERR_NOMEM;
	result = open_database(store, path);
	if (result == 0)
		result = prepare(store);
	if (result < 0) {
		snprintf(reason, REASON_BYTES, "%s", store->error);
		store_close(store);
		return result;
	}
	store_remove_copy(store);
	*out = store;
	return 0;
}

void store_close(struct store *store)
{
	if (!store)
		return;
	for (int i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(store->statements[i]);
	sqlite3_close(store->database);
	free(store);
}
