/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control's state: what the API, the node connections and the store share.  One thread, one loop.
 */
#ifndef CONTROL_CONTROL_H
#define CONTROL_CONTROL_H

#include "base/pin.h"
#include "control/installation.h"
#include "control/store.h"
#include "control/tunnels.h"
#include "model/join_token.h"

#include <ev.h>

struct api_access;
struct audit;
struct change_hold;
struct daemon_state;
struct events;
struct explains;
struct node_server;

struct control {
	struct ev_loop *loop;
	struct daemon_state *daemon; /* main.c's */
	const char *state_directory; /* as it was given; NULL where there is none (tests) */
	struct store *store;
	struct installation installation; /* as the store has it */
	struct change_hold *hold;         /* change.c's */
	struct node_server *nodes;        /* NULL while it is not started */
	struct tunnels *tunnels;
	struct api_access *access;  /* to the API */
	ev_timer confirm_due;       /* confirm.c's */
	struct events *events;      /* for those who listen to the API */
	struct explains *explains;  /* flows that nodes are asked about */
	struct audit *audit;        /* NULL while it is not open */
	uint64_t audited_revision;  /* that the audit log knew of at the start; 0: none */
	uint8_t pin[PIN_BYTES];     /* control's own */
	uint64_t started_ms;        /* UNIX time */
	uint64_t started_steady_ms; /* the same moment */
	size_t join_address_count;  /* where nodes connect, as tokens tell them */
	char join_addresses[JOIN_ADDRESSES_MAX][NAME_BYTES];
};

/* UNIX time in milliseconds, for what people read; never for intervals. */
uint64_t control_now_ms(void);

/* Milliseconds of a clock that does not go back, for intervals. */
uint64_t control_steady_ms(void);

/*
 * UNIX time in milliseconds for what expires: as the clock was when control started, counted on by one
 * that nobody sets, so that nothing expires early, or lives on, because the clock was set.
 */
static inline uint64_t control_expiry_ms(const struct control *control)
{
	return control->started_ms + (control_steady_ms() - control->started_steady_ms);
}

#endif
