/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See restore.h. */
#include "config.h"

#include "control/restore.h"

#include "base/err.h"
#include "base/log.h"
#include "control/control.h"
#include "control/time_text.h"
#include "model/backup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/sendfile.h>
#include <time.h>
#include <unistd.h>

struct paths {
	char directory[PATH_MAX - 64];
	char database[PATH_MAX - 32], wal[PATH_MAX - 32];
	char made[PATH_MAX]; /* the new one, until it is whole */
	char made_wal[PATH_MAX + 8], made_journal[PATH_MAX + 16];
	char replaced[PATH_MAX], replaced_wal[PATH_MAX + 8];
	char identity[PATH_MAX - 32];
};

static int set_paths(const char *state_directory, struct paths *paths)
{
	if (snprintf(paths->directory, sizeof(paths->directory), "%s", state_directory)
	    >= (int)sizeof(paths->directory)) {
		errno = ENAMETOOLONG;
		return ERR_IO;
	}
	snprintf(paths->database, sizeof(paths->database), "%s/control.db", paths->directory);
	snprintf(paths->wal, sizeof(paths->wal), "%s/control.db-wal", paths->directory);
	snprintf(paths->made, sizeof(paths->made), "%s.restored", paths->database);
	snprintf(paths->made_wal, sizeof(paths->made_wal), "%s-wal", paths->made);
	snprintf(paths->made_journal, sizeof(paths->made_journal), "%s-journal", paths->made);
	snprintf(paths->replaced, sizeof(paths->replaced), "%s.replaced-%lld", paths->database,
	    (long long)time(NULL));
	snprintf(paths->replaced_wal, sizeof(paths->replaced_wal), "%s-wal", paths->replaced);
	snprintf(paths->identity, sizeof(paths->identity), "%s/identity.key", paths->directory);
	return 0;
}

static int fail(const char *path, const char *reason)
{
	char quoted_path[PATH_MAX], quoted[REASON_BYTES];

	log_error("restore_failed", "path=%s reason=%s",
	    log_quote(quoted_path, sizeof(quoted_path), path),
	    log_quote(quoted, sizeof(quoted), reason));
	return ERR_IO;
}

static int copy_bytes(int from, int to, uint64_t bytes)
{
	off_t at = 0;

	while ((uint64_t)at < bytes) {
		ssize_t n = sendfile(to, from, &at, (size_t)(bytes - (uint64_t)at));

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return ERR_IO;
	}
	return 0;
}

/* What is left of one that was broken off: SQLite would take its log for that of the next. */
static void remove_made(const struct paths *paths)
{
	unlink(paths->made);
	unlink(paths->made_wal);
	unlink(paths->made_journal);
}

/* The directory belongs to the user that control runs as: a link there leads root nowhere. */
static int copy_database(
    const char *backup_path, const struct paths *paths, struct backup_mark *mark)
{
	int from = open(backup_path, O_RDONLY | O_CLOEXEC), to = -1, result = ERR_IO;
	char reason[REASON_BYTES];

	if (from < 0)
		return fail(backup_path, strerror(errno));
	if (backup_file_check(from, mark, reason) < 0) {
		fail(backup_path, reason);
		goto out;
	}
	remove_made(paths);
	to = open(paths->made, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (to >= 0 && copy_bytes(from, to, mark->bytes) == 0 && fsync(to) == 0)
		result = 0;
	else
		fail(paths->made, strerror(errno));
out:
	close(from);
	if (to >= 0)
		close(to);
	return result;
}

/* Of an older schema or a newer one, damaged: seen now, while the old database stands. */
static int ready_database(const struct paths *paths, const struct backup_mark *mark)
{
	struct installation installation = {0};
	char reason[REASON_BYTES];
	struct store *store;
	int result = store_open(&store, paths->made, reason);

	if (result < 0)
		return fail(paths->made, reason);
	result = store_load(store, &installation);
	if (result == 0)
		result = store_mark_restored(store, mark->made_ms);
	if (result < 0)
		fail(paths->made, store_error(store));
	installation_clear(&installation);
	store_close(store);
	if (result == 0 && access(paths->made_wal, F_OK) == 0)
		result = fail(paths->made_wal, "its log did not become a part of the database");
	return result;
}

static int sync_directory(const char *path)
{
	int descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = descriptor < 0 ? -1 : fsync(descriptor);

	if (descriptor >= 0)
		close(descriptor);
	return result;
}

/* Opened and closed, the database of a control that crashed has all of its log in it. */
static void settle_old(const struct paths *paths)
{
	char reason[REASON_BYTES];
	struct store *store = NULL;

	if (access(paths->database, F_OK) == 0 && access(paths->wal, F_OK) == 0
	    && store_open(&store, paths->database, reason) < 0)
		log_warn("replaced_not_readable", "path=%s reason=\"%s\"", paths->database, reason);
	store_close(store);
}

/* A log that is still there is put aside, too: SQLite would take it for the new database's. */
static int take_place(const struct paths *paths)
{
	settle_old(paths);
	if (link(paths->database, paths->replaced) < 0 && errno != ENOENT)
		return fail(paths->replaced, strerror(errno));
	if (rename(paths->wal, paths->replaced_wal) < 0 && errno != ENOENT)
		return fail(paths->replaced_wal, strerror(errno));
	if (sync_directory(paths->directory) < 0 || rename(paths->made, paths->database) < 0
	    || sync_directory(paths->directory) < 0)
		return fail(paths->database, strerror(errno));
	return 0;
}

int restore_state(const char *state_directory, const char *backup_path)
{
	struct backup_mark mark = {0};
	char when[TIME_TEXT_BYTES];
	struct paths paths;

	if (set_paths(state_directory, &paths) < 0)
		return fail(state_directory, strerror(errno));
	if (copy_database(backup_path, &paths, &mark) < 0 || ready_database(&paths, &mark) < 0
	    || take_place(&paths) < 0) {
		remove_made(&paths);
		return ERR_IO;
	}
	log_info("restored", "revision=%llu made=%s next=\"start control, then trunkctl adopt\"",
	    (unsigned long long)mark.revision, time_format(mark.made_ms, when));
	if (access(paths.identity, F_OK) < 0)
		log_warn("identity_missing",
		    "path=%s fix=\"copy identity.key and identity.crt of the old control there: "
		    "nodes know it by its key\"",
		    paths.identity);
	return 0;
}
