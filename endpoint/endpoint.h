/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An endpoint worker's state: what it needs to bring a flow to a backend.  Open to the files of
 * this folder.
 */
#ifndef ENDPOINT_ENDPOINT_H
#define ENDPOINT_ENDPOINT_H

#include "base/list.h"
#include "endpoint/backends.h"
#include "endpoint/dead_backends.h"
#include "endpoint/names.h"
#include "endpoint/outcomes.h"
#include "endpoint/shares.h"
#include "net/backend_states.h"
#include "net/tcp_relay.h"
#include "net/worker.h"

struct endpoint {
	struct worker *worker;
	struct names *names;
	struct backend_states *backends; /* their health */
	struct dead_backends dead;
	struct outcomes outcomes;
	struct backends tables; /* of the config in force */
	struct tcp_relays relays;
	struct shares shares; /* of descriptors */
	struct list_node tcp_flows, udp_flows;
	size_t tcp_flow_count, udp_flow_count;
	unsigned next_source; /* of --source, in turn */
};

/* The flow's accelerator as it is in the config now, NULL when it was removed. */
const struct config_accelerator *endpoint_accelerator(
    const struct endpoint *endpoint, uint32_t accelerator);

/* Names a backend across changes of the config; not 0 but for one chance in 2^64. */
uint64_t endpoint_backend_id(const struct backend *backend);

/*
 * Does the config in force still give this port of the accelerator to that listener, and have the
 * backend (0: none chosen yet)?
 */
bool endpoint_serves(const struct endpoint *endpoint, const char *peer_name, uint32_t accelerator,
    uint16_t user_port, uint64_t backend_id);

/*
 * endpoint_unusable(), and for a share of the flows, by their hash, those that returned a while ago and get their
 * part back slowly, unless nothing would be left.
 */
uint64_t endpoint_excluded(const struct endpoint *endpoint,
    const struct config_accelerator *accelerator, uint64_t flow_hash);

/* Bit i: backend i of the accelerator gets no new flow. Failed flows alone do not make it all of them. */
uint64_t endpoint_unusable(
    const struct endpoint *endpoint, const struct config_accelerator *accelerator);

/*
 * Takes the unhealthy addresses of a backend out of the array; when that leaves none, those that a check
 * found so; or else none.  The new count.
 */
size_t endpoint_healthy_addresses(const struct endpoint *endpoint, uint32_t accelerator,
    const struct backend *backend, struct addr *addresses, size_t count);

/*
 * The addresses of the backend in the order in which this flow is to try them, with their port: 0; ERR_AGAIN while
 * its name is being resolved (`waiter`, may be NULL, is told); ERR_NOT_FOUND without a name or port; ERR_NOMEM.
 * addresses has room for NAMES_ADDRESSES_MAX.
 */
int endpoint_addresses(struct endpoint *endpoint, const struct config_accelerator *accelerator,
    const struct backend *backend, uint16_t user_port, uint64_t flow_hash, struct addr *addresses,
    size_t *count, struct names_waiter *waiter);

/* Why a listener may not have that flow here, by its name; REASON_NONE when it may.  config may be NULL. */
enum reason endpoint_refusal(const struct endpoint *endpoint, const char *listener,
    const struct flow_open *open, const struct config_accelerator *config);

/* A flow that is alive, and the backend that it is at, or tries. */
struct served_flow {
	uint64_t backend_id; /* 0: none yet */
	struct addr address; /* family 0: none yet */
};

/* A --source address of the family for the next socket, chosen in turn; NULL for the system's choice. */
const struct addr *endpoint_source(struct endpoint *endpoint, uint8_t family);

#endif
