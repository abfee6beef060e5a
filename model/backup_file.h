/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A backup of control's state as a file: the database (SQLite's own format), then one line with what
 * it is of and a BLAKE2b checksum of all before it.  It finds cut and changed files; it keeps
 * nobody out.  The file holds secrets, so it is 0600.
 */
#ifndef MODEL_BACKUP_FILE_H
#define MODEL_BACKUP_FILE_H

#include "model/limits.h"

#include <stddef.h>
#include <stdint.h>

struct backup_mark {
	uint64_t revision; /* the newest change that is in it */
	uint64_t made_ms;  /* UNIX time */
	uint64_t bytes;    /* of the database */
};

/*
 * Appends the line to an open file that has the database alone, and fills in mark->bytes.
 * ERR_IO with errno.
 */
int backup_file_seal(int descriptor, struct backup_mark *mark);

/*
 * Reads a whole file and fills in *mark.  ERR_MALFORMED or ERR_IO with a sentence why in reason
 * (REASON_BYTES).
 */
int backup_file_check(int descriptor, struct backup_mark *mark, char *reason);

#endif
