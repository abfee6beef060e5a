/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkline-control's options, and what follows from them: where the API listens, and which
 * addresses join tokens tell.
 */
#ifndef CONTROL_OPTIONS_H
#define CONTROL_OPTIONS_H

#include "control/api_caller.h"
#include "model/join_token.h"

#include <stddef.h>

enum { API_SOCKETS_MAX = 8, NODES_PORT_DEFAULT = 7400 };

struct control_options {
	char *state;   /* directory */
	char *restore; /* a backup to put there, and end; or NULL */
	char **api;    /* "unix:PATH", "ADDR:PORT" */
	size_t api_count;
	char **api_group; /* "GROUP=ROLE" */
	size_t api_group_count;
	char *api_cert, *api_key;   /* files; NULL: control's own */
	uint32_t api_rate;          /* requests a second */
	char nodes[NAME_BYTES];     /* "ADDR:PORT" */
	char advertise[NAME_BYTES]; /* "ADDR[:PORT]", or "" */
};

/* As options_parse(): OPTIONS_RUN, or the exit status. */
int control_options_parse(int argc, char **argv, struct control_options *options);
void control_options_clear(struct control_options *options);

/*
 * Where the i-th API socket is, "unix:PATH" or "ADDR:PORT"; without --api the default one, in
 * /run/trunkline for root (made if need be), else in the state directory.  NULL after the last
 * one, or without memory.  The caller's to free().
 */
char *control_options_api(const struct control_options *options, size_t i);

/* The path in a text of control_options_api(), or NULL. */
const char *control_options_unix_path(const char *text);

/* What --api-group says, API_GROUPS_MAX at most; the number. */
size_t control_options_groups(
    const struct control_options *options, struct api_group groups[API_GROUPS_MAX]);

/*
 * Where nodes may connect: --advertise; else the address that --nodes binds; when that is any
 * address, this machine's own, loopback last.  The number, at least 1.
 */
size_t control_options_join_addresses(
    const struct control_options *options, char addresses[JOIN_ADDRESSES_MAX][NAME_BYTES]);

#endif
