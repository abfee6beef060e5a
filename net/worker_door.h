/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handshake packets at a worker: what tunnel/gate.h lets through goes to the keys process, to the
 * dialling side or to the accepting side; and the worker's channel to the keys process.
 */
#ifndef NET_WORKER_DOOR_H
#define NET_WORKER_DOOR_H

#include "model/node_config.h"
#include "net/ipc.h"
#include "net/udp.h"
#include "tunnel/gate.h"
#include "tunnel/keyring.h"

struct worker;

/*
 * To which of our addresses a handshake packet of that sender came, so that what keys answers leaves
 * from there.  Of senders that share a place the last one is remembered; the others' answers leave
 * from the socket's own address.
 */
struct door_way {
	struct addr remote, local;
};
enum { DOOR_WAYS = 256 };

void worker_door_init(struct worker *worker);
/* The doors of the worker's config from now on. ERR_NOMEM or ERR_LIMIT. */
int worker_door_on_config(struct worker *worker);
/* A handshake packet that came to the tunnel port. */
void worker_door_receive(struct worker *worker, const struct udp_datagram *datagram);

/* The address that a packet to this one leaves from; family 0 for the socket's own. */
struct addr worker_door_local(const struct worker *worker, const struct addr *remote);

/* Listener: asks keys for a lane; a grant or a refusal follows. */
void worker_door_request_lane(struct worker *worker, const struct lane_request *request);
/* Listener: UNKNOWN came for that tunnel. */
void worker_door_tunnel_unknown(struct worker *worker, const struct handshake_header *header);

/* For ipc_new() of the channel to keys, with the worker as context. */
extern const struct ipc_rule worker_door_rules[];
extern const size_t worker_door_rule_count;

/* How long a packet to that peer may be: as long as both sides' settings let it. */
uint16_t worker_packet_bytes(const struct worker *worker, const struct tunnel_parameters *peer);

/* The peer of that pin in the worker's config, or NULL. */
const struct config_peer *worker_peer(const struct worker *worker, const uint8_t pin[PIN_BYTES]);

#endif
