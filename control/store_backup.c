/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See store.h: a copy of the database while it is in use, and going on from such a copy. */
#include "config.h"

#include "base/err.h"
#include "control/store.h"
#include "control/store_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * A lost database may have given ids that nodes still have flows of; so many are left out.  It is
 * no matter that more may have been given: flows of an accelerator that is gone end by themselves.
 */
enum { IDS_LEFT_OUT = 1000 };

/* A join token that is unused here may have been used since: none of them opens again. */
static const char continue_sql[] =
    "DELETE FROM tokens WHERE used_by = '';"
    "INSERT INTO sqlite_sequence (name, seq) SELECT name, 0 FROM sqlite_schema"
    " WHERE name IN ('revisions', 'nodes', 'accelerators')"
    " AND name NOT IN (SELECT name FROM sqlite_sequence);"
    "UPDATE sqlite_sequence SET seq = max(seq, %llu) WHERE name = 'revisions';"
    "UPDATE sqlite_sequence SET seq = seq + %d WHERE name IN ('nodes', 'accelerators');"
    "INSERT OR REPLACE INTO meta VALUES ('incarnation', %llu), ('" STORE_RESTORED_KEY "', 0)";

int store_adopt(struct store *store, uint64_t incarnation, uint64_t above_revision)
{
	char text[sizeof(continue_sql) + 64];

	snprintf(text, sizeof(text), continue_sql, (unsigned long long)above_revision, IDS_LEFT_OUT,
	    (unsigned long long)incarnation);
	return sqlite3_exec(store->database, text, NULL, NULL, NULL) == SQLITE_OK
	           ? 0
	           : store_fail(store);
}

int store_mark_restored(struct store *store, uint64_t backup_ms)
{
	return store_run(store,
	    store_bind(store, STATEMENT_META_PUT, "ti", STORE_RESTORED_KEY, (int64_t)backup_ms));
}

static int fail_copy(struct store *store, const char *why)
{
	snprintf(store->error, sizeof(store->error), "cannot copy the database: %s", why);
	return ERR_IO;
}

/* All pages in one step: nothing changes between two of them. */
static int copy_pages(struct store *store, sqlite3 *copy)
{
	sqlite3_backup *backup = sqlite3_backup_init(copy, "main", store->database, "main");
	int result;

	if (!backup)
		return fail_copy(store, sqlite3_errmsg(copy));
	sqlite3_backup_step(backup, -1);
	result = sqlite3_backup_finish(backup);
	return result == SQLITE_OK ? 0 : fail_copy(store, sqlite3_errstr(result));
}

/* Nobody keeps it: what makes a backup last is its checksum, and who saves it. */
static const char copy_sql[] = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF";

/* What a crash left of an earlier one is in the way. */
static int copy_to(struct store *store, const char *path)
{
	mode_t mask = umask(077); /* door secrets are inside */
	sqlite3 *copy = NULL;
	int result;

	unlink(path);
	if (sqlite3_open_v2(path, &copy, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL)
	        == SQLITE_OK
	    && sqlite3_exec(copy, copy_sql, NULL, NULL, NULL) == SQLITE_OK)
		result = copy_pages(store, copy);
	else
		result = fail_copy(store, sqlite3_errmsg(copy));
	sqlite3_close(copy);
	umask(mask);
	return result;
}

static void name_copy(const struct store *store, char path[PATH_MAX])
{
	snprintf(path, PATH_MAX, "%.*s.copy", PATH_MAX - 8,
	    sqlite3_db_filename(store->database, "main"));
}

void store_remove_copy(const struct store *store)
{
	char path[PATH_MAX];

	name_copy(store, path);
	unlink(path);
}

int store_copy(struct store *store, int *descriptor)
{
	char path[PATH_MAX];
	int result;

	name_copy(store, path);
	result = copy_to(store, path);
	*descriptor = result == 0 ? open(path, O_RDWR | O_CLOEXEC) : -1;
	if (result == 0 && *descriptor < 0)
		result = fail_copy(store, strerror(errno));
	unlink(path);
	return result;
}
