/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The addresses of backend hosts: literal ones at once, names by DNS, of both families.  A name
 * that was asked for is asked for again by itself whenever its TTL, within bounds, is over, so that a new flow
 * never waits for DNS and never gets what was so long ago.  When it does not resolve any more,
 * its last addresses serve on for NAMES_STALE_S (RFC 8767): a name server that fails shall not
 * take the backends along.
 */
#ifndef ENDPOINT_NAMES_H
#define ENDPOINT_NAMES_H

#include "base/addr.h"
#include "base/list.h"

#include <ev.h>
#include <stddef.h>
#include <stdint.h>

enum {
	NAMES_ADDRESSES_MAX = 8, /* used of one name */
	NAMES_TTL_MIN_S = 1,
	NAMES_TTL_MAX_S = 300,
	NAMES_STALE_S = 3600, /* that addresses serve after their name resolved last */
	NAMES_FAILED_S = 2,   /* a name that does not resolve is asked for again after this */
};

struct names;

/* Part of whoever waits; ready() is called once, from the loop, when asking again makes sense. */
struct names_waiter {
	struct list_node node;
	void (*ready)(struct names_waiter *waiter);
};

/* ERR_NOMEM or ERR_IO. */
int names_new(struct names **names, struct ev_loop *loop);
/* No waiter is called. Takes NULL. */
void names_free(struct names *names);

/*
 * 0 with up to NAMES_ADDRESSES_MAX addresses (port 0); ERR_AGAIN while it is being resolved, `waiter`
 * (may be NULL) is then called; ERR_NOT_FOUND when it does not resolve; ERR_NOMEM.
 */
int names_get(struct names *names, const char *host, struct addr *addresses, size_t *count,
    struct names_waiter *waiter);
void names_waiter_init(struct names_waiter *waiter, void (*ready)(struct names_waiter *waiter));
/* It is not called any more. */
void names_waiter_stop(struct names_waiter *waiter);

/* Forgets the names for which `is_used` is false. */
void names_keep(
    struct names *names, bool (*is_used)(void *context, const char *host), void *context);

#endif
