/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The audit log: one JSON line for each change, and for each that was refused, in audit.log of the
 * state directory, 0600, appended.  At AUDIT_FILE_BYTES_MAX it becomes audit.log.1 and the oldest
 * goes, so it needs no other program.  What strangers can cause is let through at a low rate and
 * says how many were held back: nobody can wash out what others did.
 * Tokens' secrets and bodies of requests are never in it.
 */
#ifndef CONTROL_AUDIT_H
#define CONTROL_AUDIT_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	AUDIT_FILE_BYTES_MAX = 4 * 1024 * 1024,
	AUDIT_FILES_KEPT = 4,         /* audit.log.1 to .4 */
	AUDIT_STRANGERS_A_MINUTE = 5, /* refused without being known */
	AUDIT_REFUSED_A_MINUTE = 120, /* refused though known */
	AUDIT_ENTRIES_MAX = 1000,     /* read at once */
};

enum audit_outcome {
	AUDIT_DONE,
	AUDIT_REFUSED,  /* somebody who is known */
	AUDIT_STRANGER, /* refused: nobody knows who */
};

/* All texts are borrowed; a detail of NULL is left out. */
struct audit_entry {
	enum audit_outcome outcome;
	const char *who, *from;
	const char *role;   /* NULL for none */
	const char *what;   /* "DELETE /v1/nodes/tyo-1" */
	unsigned status;    /* of HTTP, 0 for none */
	uint64_t revision;  /* that the change became, 0 for none */
	const char *detail; /* why it was refused */
};

/* What control's own entry says whose database is an older one from there on. */
#define AUDIT_RESTORED "restored from"
/* What an entry says after which numbers go on above all that were known. */
#define AUDIT_ADOPTED "POST /v1/adopt"
/* Of a change; a higher one is none. */
#define AUDIT_REVISION_MAX (INT64_MAX / 2)

struct audit;

/* Opens it for appending.  ERR_IO with errno, ERR_NOMEM. */
int audit_open(struct audit **audit, const char *state_directory);
void audit_close(struct audit *audit);

/* From now on each entry is handed on too, when it is in the file; fn takes the reference. */
typedef void audit_tell_fn(void *context, json_t *entry);
void audit_tell(struct audit *audit, audit_tell_fn *fn, void *context);

/* False when it could not be opened again, and entries are lost; the next write tries.  Takes NULL. */
bool audit_is_open(const struct audit *audit);

/* Writes one line, and logs the same.  What cannot be written is logged as an error.  Takes NULL. */
void audit_write(struct audit *audit, const struct audit_entry *entry, uint64_t unix_ms);

/* The newest entries, newest first, at most limit; lines that are none are left out.  NULL without memory. */
json_t *audit_read(const struct audit *audit, size_t limit);

/*
 * The highest revision of the changes that are written down since the newest adoption or restore of a
 * backup; 0 where none is found.  It reads all files.
 */
uint64_t audit_newest_revision(const struct audit *audit);

#endif
