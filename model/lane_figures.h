/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What one end of a lane says of its own work: the one list that a lane's record in the page, a
 * node's report, the API and `trunkctl tunnel show` are made from.  A line more here, and a member
 * of that name in struct lane_stats (tunnel/lane.h), is all that a new figure needs.
 */
#ifndef MODEL_LANE_FIGURES_H
#define MODEL_LANE_FIGURES_H

#include "base/schema.h"

#include <stdint.h>

/* X(name): in the order in which they are shown. Counts are since the lane began. */
#define LANE_FIGURES(X)                                                                            \
	X(congestion_window_bytes)                                                                 \
	X(bytes_in_flight)                                                                         \
	X(pacing_rate_bps)                                                                         \
	X(packets_sent)                                                                            \
	X(packets_lost)                                                                            \
	X(packets_spurious)                                                                        \
	X(packets_retransmitted)                                                                   \
	X(repair_bytes_sent)                                                                       \
	X(repairs_sent)                                                                            \
	X(copies_sent)                                                                             \
	X(packets_protected)                                                                       \
	X(packets_saved)                                                                           \
	X(packets_recovered)                                                                       \
	X(repairs_received)                                                                        \
	X(repairs_useless)                                                                         \
	X(repair_refused_memory)                                                                   \
	X(probe_timeouts)                                                                          \
	X(key_changes)                                                                             \
	X(ecn_marks)                                                                               \
	X(mtu_probes)                                                                              \
	X(mtu_black_holes)                                                                         \
	X(address_changes)                                                                         \
	X(address_refusals)                                                                        \
	X(datagrams_sent)                                                                          \
	X(datagrams_received)                                                                      \
	X(datagrams_queue_dropped)                                                                 \
	X(datagrams_incomplete)                                                                    \
	X(datagrams_late)                                                                          \
	X(datagrams_retransmitted)                                                                 \
	X(flows_turned_bulk)                                                                       \
	X(flows_refused_memory)                                                                    \
	X(flows_held)

struct lane_figures {
#define X(name) uint64_t name;
	LANE_FIGURES(X)
#undef X
};

extern const struct schema lane_figures_schema;

/* Adds each figure of `from`: the lanes of a tunnel together. */
void lane_figures_add(struct lane_figures *to, const struct lane_figures *from);

#endif
