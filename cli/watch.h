/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A list of control's, printed once, or with --watch anew whenever control's events say that it may
 * have changed: on a terminal over the whole screen until q or Ctrl-C, elsewhere one table (or JSON
 * line, or YAML document) behind the other.
 */
#ifndef CLI_WATCH_H
#define CLI_WATCH_H

#include "cli/session.h"

struct watch_view {
	const char *title; /* above the table on the screen: "Nodes" */
	const char *path;  /* what is asked for: "/v1/nodes" */
	const char *kinds; /* of events after which it is asked for again */
	const char *event; /* whose data is the answer itself, so that nothing is asked; or NULL */
	void (*print)(struct session *session, const json_t *answer);
	void (*print_more)(
	    struct session *session, const json_t *answer); /* on the screen only, or NULL */
	const char
	    *empty; /* what to say when there are no items; NULL where there are always some */
};

/* The command: watches when --watch was given. */
enum exit_code watch_or_print(
    struct session *session, const struct invocation *invocation, const struct watch_view *view);

enum exit_code watch_view(struct session *session, const struct watch_view *view);

#endif
