/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A worker's answer to where a flow goes: the role's, as JSON to main, which asked all workers. */
#ifndef NET_WORKER_EXPLAIN_H
#define NET_WORKER_EXPLAIN_H

#include "net/ipc.h"

/* For the rules of messages from main; the context is struct worker. */
int worker_explain(struct ipc *ipc, void *context, struct ipc_message *message);

#endif
