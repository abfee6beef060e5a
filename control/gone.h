/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Of which nodes there has been no sign of life, as a second witness for those whose lanes to such a node are
 * silent (net/peers_gone.h).  Signs are the node's own messages to control, and the word of any node at the other
 * end of one of its tunnels that a lane is up.  Who could not hear for a while has nothing to say: neither control
 * after it stood still, nor to a node that was away itself when the sign was due, as then control may be what was
 * cut off.
 */
#ifndef CONTROL_GONE_H
#define CONTROL_GONE_H

#include "control/node_server.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	GONE_TUNNEL_MS = 3000, /* nobody told of a lane that is up for so long: three reports */
	/* In which a living node connects again, if to the last of 4 addresses. */
	GONE_RETURN_MS = 45000,
	GONE_REPEAT_MS = 1000,
	GONE_TELL_MS = 60000, /* in which silent lanes are over anyway */
};

/* When a node was heard, by control's steady clock; zeroed it never was. */
struct gone_ear {
	uint64_t heard_ms; /* its last message */
	uint64_t since_ms; /* heard from then on without a pause of NODE_SILENT_MS */
};

/* A message of it came. */
void gone_on_message(struct gone_ear *ear, uint64_t now_ms);

/*
 * Is control to tell the node `to` that the node `of` is gone?  `tunnel_ms` is when somebody last told
 * of a lane to or from `of` that was up, 0 for never.
 */
bool gone_is_told(
    const struct gone_ear *of, uint64_t tunnel_ms, const struct gone_ear *to, uint64_t now_ms);

#endif
