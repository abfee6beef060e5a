/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Who may connect as a node: a known pin, or a new one with a token.  A token's use and the new
 * node are one transaction; what a known node says of itself anew (addresses, workers, version) is
 * saved too, since other nodes' configs are made from it.
 */
#ifndef CONTROL_NODE_JOIN_H
#define CONTROL_NODE_JOIN_H

#include "control/control.h"
#include "model/messages.h"

/*
 * Judges a hello from the peer with that pin at that address.  The node's id, which then is in the
 * snapshot; or 0 with reason, which says the way out.
 */
uint32_t node_join(struct control *control, const uint8_t pin[PIN_BYTES], const struct addr *peer,
    const struct message_hello *hello, char reason[REASON_BYTES]);

/*
 * Where other nodes, or users, reach a node that said hello from that address: an endpoint's
 * --advertise, else what its tunnel socket is bound to, else where it came from; a listener's
 * bound addresses.
 */
void node_addresses(const struct message_hello *hello, const struct addr *peer, struct node *node);

#endif
