/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A node's admin port, --admin: /healthz, /readyz and /metrics over plain HTTP, in the main process.  It
 * changes nothing, takes no body, and has neither TLS nor tokens: so it is for this machine alone,
 * unless --admin-remote says otherwise.
 */
#ifndef NET_NODE_ADMIN_H
#define NET_NODE_ADMIN_H

#include "base/addr.h"

#include <stdbool.h>

struct node;
struct node_admin;

enum {
	NODE_ADMIN_CONNECTIONS_MAX = 32,
	NODE_ADMIN_REQUEST_MS = 5000, /* from the connection to the answer's end */
	NODE_ADMIN_IDLE_S = 5,
	NODE_ADMIN_HEADER_BYTES_MAX = 8 * 1024,
};

/* "PORT" on 127.0.0.1, or "ADDR:PORT".  ERR_MALFORMED. */
int node_admin_parse(const char *text, struct addr *address);

/* For the options' table: NULL, or what is wrong with --admin. */
const char *node_admin_check(const void *text);

/* NULL, or why that address may not be served without --admin-remote. */
const char *node_admin_check_remote(const char *text, bool may_be_remote);

/* Listens, when there is an --admin.  0; a negative error, logged. */
int node_admin_open(struct node *node);
/* Takes a node without one. */
void node_admin_close(struct node *node);

#endif
