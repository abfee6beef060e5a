/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP flows at the endpoint: a backend is chosen by weight and connected to; when it refuses, the
 * next one is tried until the connect timeout, then the flow is reset with the reason.  What the
 * user sent meanwhile waits in the lane.  After that a relay.
 */
#ifndef ENDPOINT_TCP_FLOWS_H
#define ENDPOINT_TCP_FLOWS_H

#include "endpoint/endpoint.h"

/*
 * The share is given back at the end of the flow.  REASON_NONE, or why the flow is refused: it was
 * given back then.
 */
enum reason tcp_flow_begin(struct endpoint *endpoint, struct share *share, struct flow *flow,
    const struct flow_open *open, const struct config_accelerator *config);
/*
 * Flows whose accelerator or backend is gone end when the config's drain time is over; flows that
 * are being connected may try all backends of the new list.
 */
void tcp_flows_on_config(struct endpoint *endpoint);
/* The user's flow of that accelerator and port; false when there is none.  It looks at each. */
bool tcp_flows_find(const struct endpoint *endpoint, const struct addr *user, uint32_t accelerator,
    uint16_t port, struct served_flow *found);
/* Resets the flows to addresses of the table from which nothing came for their quiet time. */
void tcp_flows_leave(struct endpoint *endpoint, const struct dead_backend *table);

#endif
