/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a process of an endpoint knows of the health of backends, by accelerator, backend and address.  Filled from
 * messages of the health process; it checks nothing itself.  Bounded: it takes what is in the
 * config alone, and BACKEND_ADDRESSES_MAX addresses of each.
 */
#ifndef NET_BACKEND_STATES_H
#define NET_BACKEND_STATES_H

#include "model/health.h"
#include "model/node_config.h"
#include "net/health_messages.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BACKEND_ADDRESSES_MAX = 16 };

struct backend_states;

/* NULL without memory. */
struct backend_states *backend_states_new(void);
void backend_states_free(struct backend_states *states);

/* The key of a config's backend. */
struct backend_key backend_key(uint32_t accelerator, const struct backend *backend);

/*
 * Takes n states as they came in a message. Those with broken content or of no backend in `config` are left out.
 * ERR_NOMEM: some were left out for that.
 */
int backend_states_take(struct backend_states *states, const struct node_config *config,
    const struct backend_health *changes, size_t n);

/* Forgets what is not in the config. */
void backend_states_keep(struct backend_states *states, const struct node_config *config);

/* Forgets all addresses of it. */
void backend_states_forget(struct backend_states *states, const struct backend_key *backend);

/* All addresses of it that are known; NULL for none. Valid until the next change. */
const struct backend_health *backend_states_of(
    const struct backend_states *states, const struct backend_key *backend, size_t *count);

/* What is known of one address, or NULL. */
const struct backend_health *backend_states_find(const struct backend_states *states,
    const struct backend_key *backend, const struct addr *address);

/* Over all its addresses: unhealthy when all of them are, healthy when one is. */
enum health_state backend_states_sum(
    const struct backend_states *states, const struct backend_key *backend);

/* It is unhealthy, but not without what users' flows say: no check says it of all its addresses. */
bool backend_states_is_doubtful(
    const struct backend_states *states, const struct backend_key *backend);

/* Bit i: backend i of the accelerator is unhealthy. */
uint64_t backend_states_unhealthy(
    const struct backend_states *states, const struct config_accelerator *accelerator);

/* Everything, as one array that is the caller's to free(); NULL when there is nothing or no memory. */
struct backend_health *backend_states_all(const struct backend_states *states, size_t *count);

#endif
