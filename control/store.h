/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control's state on disk: SQLite with a write-ahead log and full synchronisation, so that what was
 * acknowledged survives kill -9 and power loss.  This file and store*.c are the only ones that
 * speak SQL.  Every change is made between store_begin() and store_commit(); when anything fails,
 * nothing has changed and store_error() says why.
 */
#ifndef CONTROL_STORE_H
#define CONTROL_STORE_H

#include "control/api_token.h"
#include "control/installation.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct store;

enum {
	WHAT_BYTES = 256,
	STORE_REVISIONS_KEPT = 10000,
	STORE_REVISIONS_BYTES_MAX = 32 << 20, /* what became of objects, of all that are kept */
};

/* A change as it is remembered. */
struct revision {
	uint64_t number;
	uint64_t when_ms; /* UNIX time */
	char who[WHO_BYTES];
	char what[WHAT_BYTES];
};

/* A join token as control keeps it: never the secret itself. */
struct token {
	uint8_t hash[32]; /* BLAKE2b of the secret */
	enum node_role role;
	char region[NAME_BYTES];
	uint64_t expires_ms;
	char used_by[NAME_BYTES]; /* node, "" when it was not used */
};

/*
 * Opens or makes the database file, 0600, and brings its schema up to date.  ERR_IO,
 * ERR_UNSUPPORTED (made by a later version), ERR_NOMEM; reason then has one line.
 */
int store_open(struct store **store, const char *path, char reason[REASON_BYTES]);

/* Takes NULL. */
void store_close(struct store *store);

/* Why the last call failed, one line, valid until the next one. */
const char *store_error(const struct store *store);

/* Replaces *installation by what is stored.  ERR_IO, ERR_NOMEM; it is then as it was. */
int store_load(struct store *store, struct installation *installation);

/* At most `max` of the newest revisions, newest first, into list; the number, or ERR_IO. */
int store_list_revisions(struct store *store, struct revision *list, size_t max);

/*
 * Calls back for each kept revision from first to last, newest first, with what became of objects:
 * an array of {kind, name, before, after}, before and after null when it was not or is no more.
 * It ends early when visit() is negative.  0, ERR_IO, ERR_NOMEM, or what visit() said.
 */
typedef int store_revision_fn(
    void *context, const struct revision *revision, const json_t *objects);
int store_read_revisions(
    struct store *store, uint64_t first, uint64_t last, store_revision_fn *visit, void *context);

/* ERR_NOT_FOUND, ERR_IO. */
int store_find_token(struct store *store, const uint8_t hash[32], struct token *token);

/* A transaction; each may fail with ERR_IO. After a failure inside, call store_rollback(). */
int store_begin(struct store *store);
int store_commit(struct store *store);
void store_rollback(struct store *store);

/*
 * What is begun and committed from store_hold() on is one transaction, on disk when store_release()
 * returns 0 and not before.  A rollback undoes all of it, and store_release() then fails.  After a
 * failure, call store_drop().  ERR_IO.  It is untouched while nothing was written, nor rolled back.
 */
int store_hold(struct store *store);
int store_release(struct store *store);
void store_drop(struct store *store);
bool store_is_untouched(const struct store *store);

/*
 * Remembers the change, and forgets all but the last STORE_REVISIONS_KEPT, or fewer when they have more
 * than STORE_REVISIONS_BYTES_MAX; revision->number is filled in.
 * objects is as store_read_revisions() has it, or NULL for none.
 */
int store_add_revision(struct store *store, struct revision *revision, const json_t *objects);

/* What waits for confirmation from now on; all zero for nothing. */
int store_put_confirmation(struct store *store, const struct confirmation *confirmation);

/*
 * For a database that was restored or set back: revisions go on above that number, ids far above
 * those that it knows, configs bear this incarnation, and no unused join token is left.  Before
 * store_add_revision().
 */
int store_adopt(struct store *store, uint64_t incarnation, uint64_t above_revision);

/* Which COMPILE_FORMAT (compile.h) configs of this installation's numbers were made by. */
int store_put_compile_format(struct store *store, uint64_t format);

/* Remembers that it was restored from a backup made then, until store_adopt(). */
int store_mark_restored(struct store *store, uint64_t backup_ms);

/*
 * A consistent copy of the whole database as it is now, made beside it and unlinked: *descriptor is
 * the caller's, at its beginning.  ERR_IO.
 */
int store_copy(struct store *store, int *descriptor);

/* Inserts when id is 0 and fills it in, else replaces. */
int store_put_node(struct store *store, struct node *node);
int store_drain_node(struct store *store, uint32_t id, bool is_draining);
int store_delete_node(struct store *store, uint32_t id);

/* As store_put_node(); the body is accelerator_to_json(). */
int store_put_accelerator(struct store *store, struct accelerator *accelerator, uint64_t revision);
int store_delete_accelerator(struct store *store, uint32_t id);

/* Replaces what was set for that tunnel; what is the default is not kept. */
int store_put_tunnel(struct store *store, const struct tunnel_setting *setting, uint64_t revision);

int store_add_token(struct store *store, const struct token *token);
int store_use_token(
    struct store *store, const uint8_t hash[32], const char *node_name, uint64_t now_ms);

/*
 * Replaces *list by what is stored, ERR_IO with the list as it was; adds one, and fills in its id;
 * deletes it; forgets those that expired before that time.
 */
int store_load_api_tokens(struct store *store, struct api_token_list *list);
int store_add_api_token(struct store *store, struct api_token *token);
int store_delete_api_token(struct store *store, uint32_t id);
int store_purge_api_tokens(struct store *store, uint64_t before_ms);

/* Outside of a transaction: not a change that anybody acknowledges. */
int store_seen_node(struct store *store, uint32_t id, uint64_t now_ms);

/* Forgets tokens that expired before that time. */
int store_purge_tokens(struct store *store, uint64_t before_ms);

/* An answer kept for when its request is repeated, see control/idempotency.h. */
enum { STORE_HASH_BYTES = 32 };
struct kept_answer {
	uint8_t request[STORE_HASH_BYTES]; /* hash of what was asked */
	uint8_t *sealed;                   /* allocated */
	size_t length;
	uint64_t expires_ms;
};

/* ERR_NOT_FOUND (or expired), ERR_IO, ERR_NOMEM; kept->sealed is the caller's to free. */
int store_find_answer(struct store *store, const uint8_t row_hash[STORE_HASH_BYTES],
    uint64_t now_ms, struct kept_answer *kept);

/* Keeps it, within a transaction.  ERR_IO. */
int store_keep_answer(
    struct store *store, const uint8_t row_hash[STORE_HASH_BYTES], const struct kept_answer *kept);

/* Forgets those that expired, and all but the `max` newest.  ERR_IO. */
int store_purge_answers(struct store *store, uint64_t now_ms, unsigned max);

#endif
