/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which flow ids the peer has opened, in bounded memory: ids rise one by one, OPENs may come out of
 * order within FLOW_ID_WINDOW, and what lies further back counts as opened.  So a late copy of an OPEN
 * never opens a closed flow again.
 */
#ifndef TUNNEL_FLOW_IDS_H
#define TUNNEL_FLOW_IDS_H

#include "tunnel/limits.h"

#include <stdbool.h>
#include <stdint.h>

/* Bits for the ids [next - FLOW_ID_WINDOW, next). */
struct flow_ids {
	uint64_t next; /* one above the highest opened */
	uint64_t bits[FLOW_ID_WINDOW / 64];
};

/* True when the id was opened once. */
bool flow_ids_is_opened(const struct flow_ids *ids, uint64_t id);
/* 0, ERR_EXISTS when it was opened once, ERR_LIMIT when it is FLOW_ID_WINDOW or more above the last. */
int flow_ids_open(struct flow_ids *ids, uint64_t id);

#endif
