/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The gate of a worker's tunnel port: handshake packets get their cheap checks here (length, door,
 * cookie) and then go to the keys process, to the dialling side or to the accepting side.
 */
#ifndef NET_WORKER_GATE_H
#define NET_WORKER_GATE_H

#include "model/node_config.h"
#include "net/ipc.h"
#include "net/udp.h"
#include "tunnel/cookie.h"
#include "tunnel/door.h"
#include "tunnel/keyring.h"

#include <stdbool.h>

struct worker;

struct gate {
	struct worker *worker;
	struct doors doors;
	struct cookie_jar jar;
	bool are_cookies_demanded;
	struct handshake_counters counters;
};

void gate_init(struct gate *gate, struct worker *worker);
void gate_clear(struct gate *gate);
/* The doors of the worker's config from now on. ERR_NOMEM or ERR_LIMIT. */
int gate_on_config(struct gate *gate);
/* A handshake packet that came to the tunnel port. */
void gate_receive(struct gate *gate, const struct udp_datagram *datagram);
/* Listener: asks keys for a lane; LANE or REFUSED follows. */
void gate_request_lane(struct gate *gate, const struct lane_request *request);
/* Listener: UNKNOWN came for that tunnel. */
void gate_tunnel_unknown(struct gate *gate, const struct handshake_header *header);
/* The channel to the keys process: its rules for ipc_new(), with the worker as context. */
extern const struct ipc_rule gate_keys_rules[];
extern const size_t gate_keys_rule_count;

/* The peer of that pin in the worker's config, or NULL. */
const struct config_peer *gate_peer(const struct worker *worker, const uint8_t pin[PIN_BYTES]);
/* The door that a peer of the config has with us: from its key and pin. ERR_MALFORMED. */
int gate_door_of(const struct config_peer *peer, struct door *door);

#endif
