/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a node's main process reads of its machine for each report; see model/machine.h. */
#ifndef NET_NODE_MACHINE_H
#define NET_NODE_MACHINE_H

#include "model/machine.h"
#include "net/tunnel_sockets.h"

/* What cannot be read stays 0; it never fails. */
void node_machine_read(const struct tunnel_sockets *tunnel, struct machine *machine);

#endif
