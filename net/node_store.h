/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a node keeps in its state directory besides its identity: control.json, where its control
 * is and how it knows it; node.config, the config in force, in the saved form of
 * model/node_config.h.  Both are 0600: the config holds door keys.
 */
#ifndef NET_NODE_STORE_H
#define NET_NODE_STORE_H

#include "model/join_token.h"
#include "model/node_config.h"

#include <stddef.h>

/* How a node reaches its control, once it was enrolled. */
struct enrolment {
	char addresses[JOIN_ADDRESSES_MAX][NAME_BYTES]; /* "ADDR:PORT" or "NAME:PORT" */
	size_t address_count;
	uint8_t control_pin[PIN_BYTES];
	enum node_role role;
	char name[NAME_BYTES]; /* given by control */
};

/* `state` is the state directory, which exists and is locked (net/daemon.h). */

/* ERR_NOT_FOUND when the node was never enrolled; ERR_MALFORMED; ERR_IO with errno. */
int node_store_load_enrolment(const char *state, struct enrolment *enrolment);
int node_store_save_enrolment(const char *state, const struct enrolment *enrolment);

/*
 * Puts addresses of a token behind those that the node has, as far as there is room.  When there is none
 * and it knows none of them, the token's first one takes the last place.
 */
void node_store_add_addresses(struct enrolment *enrolment, const struct join_token *token);

/*
 * ERR_NOT_FOUND; ERR_MALFORMED with *error filled; ERR_IO with errno.  On success *text, with its
 * length, is the saved form as a worker takes it, the caller's to free(), and
 * node_config_clear() frees *config.
 */
int node_store_load_config(const char *state, struct node_config *config, char **text,
    size_t *length, struct model_error *error);
/* The saved form; when this returns 0 it survives a crash of the machine.  ERR_IO with errno. */
int node_store_save_config(const char *state, const char *text, size_t length);

/* The node was removed: its config and enrolment go; the identity stays. */
void node_store_forget(const char *state);

#endif
