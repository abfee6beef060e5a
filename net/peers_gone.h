/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The TCP flows of an endpoint that died.  A silent lane alone may be a path that is cut and heals, so flows wait on it for
 * LANE_OVER_US; control alone may be what is cut off.  When control says that there is no sign of the node (control/gone.h)
 * and this worker's lane to it is down, they are reset at once.
 */
#ifndef NET_PEERS_GONE_H
#define NET_PEERS_GONE_H

#include "model/messages.h"
#include "net/ipc.h"
#include "net/worker_messages.h"

#include <stddef.h>
#include <stdint.h>

enum { PEERS_GONE_FRESH_US = 3000000 }; /* of the report that control answers */

/*
 * In main: what workers are to be told, the caller's to free(); NULL when there is nothing, when control speaks of a
 * report that is too old (its words were under way while the network was cut), or without memory.
 */
struct peer_gone *peers_gone_take(const struct message_gone *gone, uint64_t now_us);

/* In a worker: the handler of WORKER_MESSAGE_GONE, by struct ipc_rule. */
int peers_gone_on_message(struct ipc *ipc, void *worker, struct ipc_message *message);

#endif
