/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a flow's object does with what its lane says: every object behind flow_user() begins with a
 * pointer to such a table, so a lane's callback reaches the right kind of object, and what a kind has
 * no use for it cannot be given.  NULL entries ignore; a flow without an object (flow_user() NULL)
 * only waits for its end.
 */
#ifndef NET_FLOW_HANDLER_H
#define NET_FLOW_HANDLER_H

#include "tunnel/lane.h"

/* The arguments are those of struct lane_callbacks, with the object in place of context and flow. */
struct flow_handler {
	size_t (*on_data)(void *object, const struct iovec *pieces, int count);
	void (*on_finish)(void *object);
	/* RESET, and STOP_SENDING too: neither TCP nor UDP can refuse only to receive. */
	void (*on_reset)(void *object, enum reason reason);
	void (*on_writable)(void *object);
	void (*on_datagram)(void *object, const uint8_t *data, size_t length);
	void (*on_closed)(void *object, enum reason reason);
};

/* The callbacks of a lane whose flows' objects are handled so: all but on_open, on_state, on_rtt. */
extern const struct lane_callbacks flow_handler_callbacks;

#endif
