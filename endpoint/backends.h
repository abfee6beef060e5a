/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which backend a flow gets: for each accelerator a Maglev table over the weights of its backends,
 * looked up by the flow's hash.  It depends on the config alone, so that all workers, and all
 * endpoints of a region, choose alike.  Of several addresses of a backend's name each gets an
 * equal share of its flows.
 */
#ifndef ENDPOINT_BACKENDS_H
#define ENDPOINT_BACKENDS_H

#include "base/addr.h"
#include "model/flow_hash.h"
#include "model/node_config.h"
#include "tunnel/lane.h"

#include <stddef.h>
#include <stdint.h>

struct backend_table;

/* Zeroed before the first backends_set(). */
struct backends {
	struct backend_table *tables; /* by accelerator */
	struct flow_hash_key key;
};

/*
 * Tables for the accelerators of the config.  `old` is the config before, NULL at first: tables of
 * backends that are the same in it are kept.  After ERR_NOMEM only backends_clear() makes sense.
 */
int backends_set(
    struct backends *backends, const struct node_config *config, const struct node_config *old);
void backends_clear(struct backends *backends);

/* What is chosen by for this flow; see model/flow_hash.h. */
uint64_t backends_flow_hash(const struct backends *backends,
    const struct config_accelerator *config, const struct flow_open *open);

/*
 * The index of the flow's backend; bit i of excluded takes out backend i (it refused this flow, or
 * is not healthy), and only flows that would have got it go elsewhere, by weight.
 * ERR_NOT_FOUND when nothing with a weight above 0 is left.
 */
int backends_choose(const struct backends *backends, const struct config_accelerator *config,
    uint64_t flow, uint64_t excluded);

/*
 * The addresses of one backend in the order in which this flow is to try them, by rendezvous
 * hashing (Thaler and Ravishankar, 1998): each is the first for an equal share of the flows, and
 * when one comes or goes only its own flows move.  count is at most NAMES_ADDRESSES_MAX.
 */
void backends_order_addresses(
    const struct backends *backends, uint64_t flow, struct addr *addresses, size_t count);

#endif
