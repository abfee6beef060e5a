/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The hash of a flow by which all workers and all listeners make the same choice: SipHash-2-4,
 * keyed from the config's seed so that users cannot aim at one endpoint.
 * The listener's own address is left out, so that two listeners agree about a user.
 */
#ifndef MODEL_FLOW_HASH_H
#define MODEL_FLOW_HASH_H

#include "base/addr.h"
#include "model/accelerator.h"

#include <stddef.h>
#include <stdint.h>

struct flow_hash_key {
	uint8_t bytes[16];
};

/* Derives the key from node_config.seed. */
void flow_hash_init(struct flow_hash_key *key, uint64_t seed);

/*
 * protocol is PROTOCOL_TCP or PROTOCOL_UDP; local_port is the listener's port.  With AFFINITY_SOURCE only the
 * accelerator and the user's address count.
 */
uint64_t flow_hash(const struct flow_hash_key *key, enum client_affinity affinity,
    uint32_t accelerator_id, enum accelerator_protocol protocol, const struct addr *user,
    uint16_t local_port);

/*
 * The flow's own answer to one question, independent of its answers to others: a choice that is
 * made of a flow's hash after another one must not see only the flows that went one way there.
 */
enum flow_question { FLOW_TAKES_GROUP = 1, FLOW_ENDPOINT, FLOW_BACKEND, FLOW_ADDRESS };
uint64_t flow_hash_answer(const struct flow_hash_key *key, uint64_t flow_hash,
    enum flow_question question, const void *about, size_t about_bytes);

#endif
