/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names to addresses by c-ares behind libev: literals, then /etc/hosts, then DNS.  Files are read
 * by resolver_new() alone, so that a sandbox without files may follow.
 * It keeps no answers: when to ask again is the caller's affair.
 */
#ifndef NET_RESOLVE_H
#define NET_RESOLVE_H

#include "base/addr.h"

#include <ev.h>
#include <stddef.h>
#include <stdint.h>

enum {
	RESOLVE_ADDRESSES = 16, /* more of an answer are left out */
	RESOLVE_QUERIES = 1024, /* at once */
	RESOLVE_TTL_LITERAL_S = 86400,
};

struct resolver;
struct resolve_query;

/*
 * The answer: addresses of both families with port 0, in the order to try them, and how long they
 * hold.  error is 0; ERR_NOT_FOUND (no such name, or no address), ERR_TIMEOUT, or ERR_IO (the
 * name server failed): then there is none.  The array is valid until the callback returns.
 */
typedef void resolve_fn(
    void *context, int error, const struct addr *addresses, size_t count, uint32_t ttl_s);

/* Reads /etc/resolv.conf and /etc/hosts.  0, ERR_NOMEM or ERR_IO. */
int resolver_new(struct resolver **resolver, struct ev_loop *loop);

/* Open queries end without their callback.  Takes NULL. */
void resolver_free(struct resolver *resolver);

/*
 * Asks; the callback comes from the loop, never from within this call.  *query may be NULL, else
 * it is for resolve_cancel() until the callback.  0, ERR_LIMIT, ERR_INVALID (no name) or ERR_NOMEM.
 */
int resolve(struct resolver *resolver, const char *name, resolve_fn *callback, void *context,
    struct resolve_query **query);

/* The callback will not come. */
void resolve_cancel(struct resolve_query *query);

#endif
