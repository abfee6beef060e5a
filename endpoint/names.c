/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See names.h. */
#include "endpoint/names.h"

#include "base/err.h"
#include "base/log.h"
#include "base/table.h"
#include "net/pacing_timer.h"
#include "net/resolve.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	char host[ADDR_HOST_BYTES]; /* the key */
	struct names *names;
	struct addr addresses[NAMES_ADDRESSES_MAX];
	size_t count;                      /* 0: it did not resolve, or not yet */
	bool is_answered;                  /* once at least */
	bool is_failing;                   /* the last answer was an error, and that was told */
	int64_t holds_until_s, resolved_s; /* monotonic; resolved: when it last did */
	struct resolve_query *query;       /* under way, or NULL */
	struct list_node waiters;
	UT_hash_handle hh;
};

/* The entries are those of backends in the config: names_keep() bounds them. */
struct names {
	struct ev_loop *loop;
	struct resolver *resolver;
	struct entry *entries;
	ev_timer refresher; /* of all entries */
};

enum { REFRESH_S = 1 }; /* how often entries are looked at */

static int64_t now_s(void)
{
	return (int64_t)(pacing_timer_now_us() / 1000000);
}

static int64_t clamp_ttl(uint32_t ttl_s)
{
	if (ttl_s < NAMES_TTL_MIN_S)
		return NAMES_TTL_MIN_S;
	return ttl_s > NAMES_TTL_MAX_S ? NAMES_TTL_MAX_S : ttl_s;
}

/* A waiter may free itself, and others that wait. */
static void wake(struct entry *entry)
{
	struct list_node taken, *node;

	list_init(&taken);
	list_splice_tail(&taken, &entry->waiters);
	while ((node = list_pop(&taken))) {
		struct names_waiter *waiter = LIST_ENTRY(node, struct names_waiter, node);
		waiter->ready(waiter);
	}
}

static void keep_old(struct entry *entry, int error)
{
	int64_t left_s = entry->resolved_s + NAMES_STALE_S - now_s();

	if (entry->count == 0)
		return;
	if (left_s <= 0)
		entry->count = 0;
	else if (entry->is_failing)
		return;
	entry->is_failing = true;
	log_limited(LOG_LEVEL_WARN, 1, "backend_name_fails",
	    "host=%s reason=\"%s\" addresses=%zu kept_s=%lld", entry->host, err_text(error),
	    entry->count, left_s > 0 ? (long long)left_s : 0);
}

static void on_answer(
    void *context, int error, const struct addr *addresses, size_t count, uint32_t ttl_s)
{
	struct entry *entry = context;

	entry->query = NULL;
	entry->is_answered = true;
	entry->holds_until_s = now_s() + (error ? NAMES_FAILED_S : clamp_ttl(ttl_s));
	if (error) {
		keep_old(entry, error);
	} else {
		entry->is_failing = false;
		entry->resolved_s = now_s();
		entry->count = count < NAMES_ADDRESSES_MAX ? count : NAMES_ADDRESSES_MAX;
		memcpy(entry->addresses, addresses, entry->count * sizeof *addresses);
	}
	wake(entry);
}

static struct entry *find_or_make(struct names *names, const char *host)
{
	struct entry *entry;

	HASH_FIND_STR(names->entries, host, entry);
	if (entry || !(entry = calloc(1, sizeof *entry)))
		return entry;
	strncpy(entry->host, host, sizeof entry->host - 1);
	entry->names = names;
	list_init(&entry->waiters);
	HASH_ADD_STR(names->entries, host, entry);
	if (TABLE_HAS(entry))
		return entry;
	free(entry);
	return NULL;
}

/* Asks again when the answer's time is over; false when that failed. */
static bool refresh(struct entry *entry)
{
	struct names *names = entry->names;

	if (entry->query || (entry->is_answered && now_s() < entry->holds_until_s))
		return true;
	return resolve(names->resolver, entry->host, on_answer, entry, &entry->query) == 0;
}

static void on_refresh(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct names *names = timer->data;
	struct entry *entry, *next;

	(void)loop;
	(void)events;
	HASH_ITER (hh, names->entries, entry, next)
		refresh(entry);
}

int names_get(struct names *names, const char *host, struct addr *addresses, size_t *count,
    struct names_waiter *waiter)
{
	struct entry *entry;

	if (addr_parse(host, 0, &addresses[0]) == 0) {
		*count = 1;
		return 0;
	}
	entry = find_or_make(names, host);
	if (!entry)
		return ERR_NOMEM;
	bool is_asked = refresh(entry);
	*count = entry->count;
	memcpy(addresses, entry->addresses, entry->count * sizeof *addresses);
	if (entry->count > 0)
		return 0;
	if (!is_asked || !entry->query)
		return ERR_NOT_FOUND;
	if (waiter)
		list_move_tail(&entry->waiters, &waiter->node);
	return ERR_AGAIN;
}

void names_waiter_init(struct names_waiter *waiter, void (*ready)(struct names_waiter *waiter))
{
	list_init(&waiter->node);
	waiter->ready = ready;
}

void names_waiter_stop(struct names_waiter *waiter)
{
	list_del(&waiter->node);
}

static void entry_free(struct entry *entry)
{
	struct list_node *node;

	if (entry->query)
		resolve_cancel(entry->query);
	while ((node = list_pop(&entry->waiters)))
		;
	HASH_DEL(entry->names->entries, entry);
	free(entry);
}

/* One that somebody waits for stays until the next time. */
void names_keep(
    struct names *names, bool (*is_used)(void *context, const char *host), void *context)
{
	struct entry *entry, *next;

	HASH_ITER (hh, names->entries, entry, next) {
		if (list_is_empty(&entry->waiters) && !is_used(context, entry->host))
			entry_free(entry);
	}
}

int names_new(struct names **names, struct ev_loop *loop)
{
	struct names *made = calloc(1, sizeof *made);
	int error = made ? resolver_new(&made->resolver, loop) : ERR_NOMEM;

	if (error) {
		free(made);
		made = NULL;
	} else {
		made->loop = loop;
		ev_timer_init(&made->refresher, on_refresh, REFRESH_S, REFRESH_S);
		made->refresher.data = made;
		ev_timer_start(loop, &made->refresher);
	}
	*names = made;
	return error;
}

void names_free(struct names *names)
{
	struct entry *entry, *next;

	if (!names)
		return;
	ev_timer_stop(names->loop, &names->refresher);
	HASH_ITER (hh, names->entries, entry, next)
		entry_free(entry);
	resolver_free(names->resolver);
	free(names);
}
