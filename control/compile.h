/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From the installation to the config of one node: the accelerators that it has a part in, and the
 * peers that it may talk to on their account, with the door key of each tunnel.
 */
#ifndef CONTROL_COMPILE_H
#define CONTROL_COMPILE_H

#include "control/installation.h"
#include "model/node_config.h"

/*
 * Raise it whenever compile_node_config() gives other content for the same installation: nodes refuse
 * other content under a number that they know, so control's next start gives new numbers (recompile.h).
 */
enum { COMPILE_FORMAT = 1 };

/*
 * Fills *config, the caller's to node_config_clear(); its number is (incarnation, revision) of the
 * installation, its drain_s the default.  Endpoints without an address yet are left out.
 * ERR_NOMEM: *config is then empty.
 */
int compile_node_config(
    const struct installation *installation, const struct node *node, struct node_config *config);

/* Keyed BLAKE2b of the listener's pin under the endpoint's door secret. */
void compile_door_key(
    const struct node *listener, const struct node *endpoint, uint8_t door_key[DOOR_KEY_BYTES]);

#endif
