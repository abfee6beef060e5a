/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * UDP flows at the endpoint: each has one socket of its own towards the backend that was chosen
 * for it, so that backends tell users apart by port and answers need no table.
 */
#ifndef ENDPOINT_UDP_FLOWS_H
#define ENDPOINT_UDP_FLOWS_H

#include "endpoint/endpoint.h"

/*
 * The share is given back at the end of the flow.  REASON_NONE, or why the flow is refused: it was
 * given back then.
 */
enum reason udp_flow_begin(struct endpoint *endpoint, struct share *share, struct flow *flow,
    const struct flow_open *open, const struct config_accelerator *config);
/* Flows whose accelerator or backend is gone end when the config's drain time is over. */
void udp_flows_on_config(struct endpoint *endpoint);
/* The user's flow of that accelerator and port; false when there is none.  It looks at each. */
bool udp_flows_find(const struct endpoint *endpoint, const struct addr *user, uint32_t accelerator,
    uint16_t port, struct served_flow *found);
/* Takes the flows to addresses of the table that they did not answer for their quiet time to others. */
void udp_flows_leave(struct endpoint *endpoint, const struct dead_backend *table);
/* Frees those that are left, after their lanes. */
void udp_flows_clear(struct endpoint *endpoint);

#endif
