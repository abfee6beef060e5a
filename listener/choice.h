/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which endpoint node a new flow goes to: the accelerator's endpoint groups nearest first by
 * measured RTT, and in a group one endpoint by a Maglev table over the flow's hash.  The order of
 * groups changes only for a group that was 10 % nearer for 10 s, or when the first has no lane up,
 * so that jitter does not make users wander.  It knows nothing of sockets or backends.
 */
#ifndef LISTENER_CHOICE_H
#define LISTENER_CHOICE_H

#include "model/flow_hash.h"
#include "model/node_config.h"

#include <stdint.h>

struct choice;

/* RTT of the lane to that endpoint, 0 while none is up: how the choice sees the network. */
typedef uint64_t choice_rtt_fn(void *context, const char *endpoint);

/*
 * Tables for every accelerator of the config, which must outlive it; what `before` (may be NULL)
 * had learnt of the order of groups goes on. 0 or ERR_NOMEM.
 */
int choice_new(struct choice **choice, const struct node_config *config, choice_rtt_fn *rtt,
    void *context, const struct choice *before);
void choice_free(struct choice *choice);

/*
 * The name of the endpoint for a flow of this accelerator, valid as long as the config; NULL when
 * no endpoint has a lane up, or there is no such accelerator.
 */
const char *choice_endpoint(struct choice *choice, uint32_t accelerator,
    enum accelerator_protocol protocol, const struct addr *user, uint16_t local_port,
    uint64_t now_us);

/* The part of the config that a flow of it needs; NULL when there is no such accelerator. */
const struct config_accelerator *choice_accelerator(const struct choice *choice, uint32_t id);

#endif
