/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tunnels as tables, for list, show and watch.
 */
#ifndef CLI_TUNNEL_VIEW_H
#define CLI_TUNNEL_VIEW_H

#include <jansson.h>

#include "cli/session.h"

/* The table of `items`, tunnels as GET /v1/tunnels gives them. */
void tunnel_print_list(struct session *session, const json_t *items);

/* A line of round-trip history for each tunnel. */
void tunnel_print_history(struct session *session, const json_t *items);

/* What both sides say of their work, a line for each figure; those that are 0 at both are left out. */
void tunnel_print_figures(struct session *session, const json_t *figures);

/* The lanes of one tunnel. */
void tunnel_print_lanes(struct session *session, const json_t *lanes);

#endif
