/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A worker's page: counters, others by accelerator, a record for each of its lanes, what these tell their siblings, and its columns of counts of flows, in a
 * memfd sealed against shrinking and growing.  Main makes it, main and the other workers map it
 * read-only, the worker alone writes it, and it outlives the worker, so counters never go back.
 * No lock: a reader copies a lane's record until its sequence number stood still, and takes a
 * single counter or histogram as it is.
 */
#ifndef NET_PAGE_H
#define NET_PAGE_H

#include "base/histogram.h"
#include "model/congestion.h"
#include "model/lane_figures.h"
#include "model/limits.h"
#include "net/flow_counts.h"
#include "net/page_accelerators.h"
#include "net/page_paths.h"
#include "net/rate_counts.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PAGE_LANES = 256, /* a lane that finds no room works, but is not shown */
	PAGE_READ_ATTEMPTS = 16,
	PAGE_RTT_BOUNDS = 15,
};

/* Upper bounds of the classes in which round trips are counted for good. */
extern const uint32_t page_rtt_bounds_us[PAGE_RTT_BOUNDS];

enum page_kind { PAGE_COUNTER, PAGE_GAUGE };

/*
 * X(name, kind, help): the name is that of the metric and of enum page_value (PAGE_name).
 * Bytes are of payload unless a line says otherwise.
 */
#define PAGE_VALUES(X)                                                                             \
	X(tunnel_packets_received, COUNTER, "Datagrams that came to the tunnel port")              \
	X(tunnel_packets_sent, COUNTER, "Datagrams sent from the tunnel port")                     \
	X(tunnel_received_bytes, COUNTER, "UDP payload that came to the tunnel port")              \
	X(tunnel_sent_bytes, COUNTER, "UDP payload sent from the tunnel port")                     \
	X(tunnel_send_full, COUNTER, "Times that the tunnel socket's buffer was full")             \
	X(tunnel_send_failed, COUNTER, "Datagrams that the system did not take")                   \
	X(tunnel_segmentation_off, GAUGE, "1 when UDP segmentation was refused or turned off")     \
	X(packets_unknown, COUNTER, "Packets of no known lane or kind")                            \
	X(packets_malformed, COUNTER, "Packets with a broken header")                              \
	X(packets_forged, COUNTER, "Packets that did not open under their lane's key")             \
	X(packets_replayed, COUNTER, "Packets that came twice, or too late to tell")               \
	X(handshake_packets_received, COUNTER, "Handshake packets with a right door key")          \
	X(handshake_packets_dropped, COUNTER, "Handshake packets with a wrong door key")           \
	X(path_mtu_probes, COUNTER, "Padded packets sent to find what size the path carries")      \
	X(path_mtu_black_holes, COUNTER,                                                           \
	    "Times that packets of the size in use stopped to arrive")                             \
	X(lanes_up, GAUGE, "Lanes that are up")                                                    \
	X(lanes_opened, COUNTER, "Lanes that came up")                                             \
	X(lanes_lost, COUNTER, "Lanes that ended")                                                 \
	X(tcp_flows, GAUGE, "TCP flows that are alive")                                            \
	X(tcp_flows_opened, COUNTER, "TCP flows opened")                                           \
	X(tcp_flows_closed, COUNTER, "TCP flows that ended with both FINs")                        \
	X(tcp_flows_dead_backend, COUNTER, "TCP flows reset because their backend seems dead")     \
	X(tcp_flows_dead_peer, COUNTER, "TCP flows reset because the other node seems dead")       \
	X(tcp_flows_reset, COUNTER, "TCP flows that ended by a reset of either side")              \
	X(tcp_refused_no_lane, COUNTER, "TCP connections reset because no lane was up")            \
	X(tcp_refused_unhealthy, COUNTER, "TCP connections reset because no backend was healthy")  \
	X(tcp_refused_denied, COUNTER, "TCP connections reset because their source is denied")     \
	X(tcp_flows_denied, COUNTER, "TCP flows reset because a change denies their source")       \
	X(tcp_refused_limit, COUNTER, "TCP connections reset because of a limit")                  \
	X(tcp_accept_failed, COUNTER,                                                              \
	    "Connections reset, or left waiting, for want of descriptors or memory")               \
	X(tcp_idle_closed, COUNTER, "TCP flows ended by their idle timeout")                       \
	X(tcp_received_bytes, COUNTER, "Bytes read from TCP sockets")                              \
	X(tcp_sent_bytes, COUNTER, "Bytes written to TCP sockets")                                 \
	X(compression_before_bytes, COUNTER, "Bytes read from TCP sockets of compressed flows")    \
	X(compression_after_bytes, COUNTER, "Bytes that these were in the tunnel")                 \
	X(compression_malformed, COUNTER, "Flows reset because a block was malformed")             \
	X(backend_connects, COUNTER, "TCP connections to backends that were made")                 \
	X(backend_refused, COUNTER, "TCP connections that a backend refused")                      \
	X(backend_timeouts, COUNTER, "TCP connections to backends that took too long")             \
	X(backend_unreachable, COUNTER, "Backends that were tried and had no way or name")         \
	X(backend_no_socket, COUNTER,                                                              \
	    "Sockets to backends that could not be had for want of descriptors or ports")          \
	X(udp_flows, GAUGE, "UDP flows that are alive")                                            \
	X(udp_flows_opened, COUNTER, "UDP flows opened")                                           \
	X(udp_flows_idle, COUNTER, "UDP flows ended by their idle timeout")                        \
	X(udp_flows_moved, COUNTER,                                                                \
	    "UDP flows that went on elsewhere: backend or endpoint failed")                        \
	X(udp_flows_reset, COUNTER, "UDP flows that the other side ended")                         \
	X(udp_flows_evicted, COUNTER, "UDP flows that gave way to newer ones at a limit")          \
	X(udp_refused_no_lane, COUNTER, "Datagrams dropped because no lane was up")                \
	X(udp_refused_draining, COUNTER, "Datagrams dropped because the node takes no new flows")  \
	X(udp_refused_unhealthy, COUNTER, "Datagrams dropped because no backend was healthy")      \
	X(udp_refused_denied, COUNTER, "Datagrams dropped because their source is denied")         \
	X(udp_flows_denied, COUNTER, "UDP flows ended because a change denies their source")       \
	X(flows_failed_open, COUNTER,                                                              \
	    "Flows opened though no backend was healthy, as the accelerator has it")               \
	X(udp_refused_limit, COUNTER,                                                              \
	    "Datagrams dropped because a limit on UDP flows was reached")                          \
	X(udp_datagrams_received, COUNTER, "Datagrams from users or backends")                     \
	X(udp_datagrams_sent, COUNTER, "Datagrams to users or backends")                           \
	X(udp_datagrams_dropped, COUNTER, "Datagrams that the lane or the system did not take")    \
	X(tcp_flows_refused, COUNTER, "TCP flows for which no backend could be had")               \
	X(flows_refused_share, COUNTER,                                                            \
	    "Flows refused because their listener has its share of descriptors")                   \
	X(flows_unknown_accelerator, COUNTER, "Flows asking for an accelerator that they may not") \
	X(limit_source_flows, COUNTER,                                                             \
	    "TCP connections reset and datagrams dropped: their source has its flows")             \
	X(limit_accelerator_flows, COUNTER,                                                        \
	    "TCP connections reset and datagrams dropped: their accelerator has its flows")        \
	X(limit_source_new_flows, COUNTER,                                                         \
	    "TCP connections reset and datagrams dropped: their source begins flows too fast")     \
	X(limit_accelerator_new_flows, COUNTER,                                                    \
	    "TCP connections reset and datagrams dropped: flows of all begin too fast")            \
	X(limit_source_bytes, COUNTER,                                                             \
	    "Waits of TCP flows and datagrams dropped: their source has its bytes a second")       \
	X(limit_accelerator_bytes, COUNTER,                                                        \
	    "Waits of TCP flows and datagrams dropped: their accelerator has its bytes a second")  \
	X(limit_backend_bytes, COUNTER,                                                            \
	    "Waits of TCP flows and datagrams dropped: their backend has its bytes a second")      \
	X(limit_backend_flows, COUNTER,                                                            \
	    "Times that a flow went past a backend that has its flows")                            \
	X(memory_bytes, GAUGE, "Bytes in stream buffers")

enum page_value {
#define X(name, kind, help) PAGE_##name,
	PAGE_VALUES(X)
#undef X
	    PAGE_VALUE_COUNT
};

struct page_value_description {
	const char *name, *help;
	enum page_kind kind;
};

/* Indexed by enum page_value. */
extern const struct page_value_description page_values[PAGE_VALUE_COUNT];

/* What is told of a lane; counts are since it was claimed. */
struct page_lane_state {
	char peer_name[NAME_BYTES];
	char congestion[CONGESTION_TEXT_BYTES]; /* in use */
	uint32_t lane, slot;
	uint32_t is_up;      /* 0 or 1 */
	uint32_t is_sending; /* 0 or 1: it has a part of its tunnel's fixed rate */
	uint64_t since_ms;   /* of is_up, UNIX time */
	uint64_t rtt_latest_us, rtt_smoothed_us, rtt_min_us, jitter_us;
	uint64_t packets_received;
	uint64_t bytes_sent, bytes_received; /* UDP payload */
	uint64_t flows;
	uint64_t packet_bytes; /* UDP payload of a full packet */
	struct lane_figures figures;
};

/* Round trips since the lane was claimed: counts[i] up to page_rtt_bounds_us[i], the last above all. */
struct page_rtt_counts {
	uint64_t generation; /* of the place: another number is another lane */
	uint64_t counts[PAGE_RTT_BOUNDS + 1];
	uint64_t sum_us;
};

/* sequence is odd while state is written. */
struct page_lane {
	uint32_t sequence;
	uint32_t is_used;
	struct page_lane_state state;
	struct page_rtt_counts rtt_counts;
	struct window_histogram rtt;
};

/*
 * What counts for a limit is kept apart by whose word it is: of UDP anybody may have written the source, so that a
 * stranger could fill the cells of those who did a handshake of TCP.
 */
enum limit_table {
	LIMIT_TABLE_KNOWN,   /* sources of TCP; accelerators and backends */
	LIMIT_TABLE_CLAIMED, /* sources of UDP */
	LIMIT_TABLES,
};

struct page_limits {
	struct flow_column flows;
	struct rate_column rates;
};

struct page {
	uint64_t values[PAGE_VALUE_COUNT];
	struct page_accelerators accelerators;
	struct page_lane lanes[PAGE_LANES];
	struct page_paths paths;
	/* From here on a new worker begins with zeros. */
	struct flow_column udp_sources;          /* of a listener */
	struct page_limits limits[LIMIT_TABLES]; /* by what they count for, see net/flow_limits.h */
};

/* ---- main ---- */

/*
 * A new page's memfd, sealed, close-on-exec, all zero: one descriptor for its worker, and one that
 * cannot be mapped for writing for the others.  0, or ERR_IO with both -1.
 */
int page_create(int *writer, int *reader);

/* Maps it read-only, by either descriptor.  0; ERR_MALFORMED when it is not a page; ERR_IO. */
int page_map(int descriptor, const struct page **page);

/* Sums a value over pages. */
uint64_t page_sum(const struct page *const *pages, size_t count, enum page_value value);

/*
 * Copies a lane's state, as it was at one moment.  False when the place is not in use, or when its
 * writer died while writing.
 */
bool page_lane_read(const struct page *page, size_t number, struct page_lane_state *state);

/* The round trips of the last minute of a lane. */
void page_lane_read_rtt(
    const struct page *page, size_t number, uint64_t now_us, struct histogram *out);

/* Those of the lane that is in the place now. */
void page_lane_read_rtt_counts(
    const struct page *page, size_t number, struct page_rtt_counts *counts);

/* ---- the worker ---- */

/*
 * Maps it for writing and clears what a predecessor left: lanes, gauges and counts of its flows.  The descriptor stays
 * the caller's and may be closed.  0, ERR_MALFORMED or ERR_IO.
 */
int page_open(int descriptor, struct page **page);

/* For either kind of mapping.  Takes NULL. */
void page_unmap(const struct page *page);

static inline void page_add(struct page *page, enum page_value value, uint64_t n)
{
	__atomic_store_n(&page->values[value], page->values[value] + n, __ATOMIC_RELAXED);
}

static inline void page_count(struct page *page, enum page_value value)
{
	page_add(page, value, 1);
}

static inline void page_set(struct page *page, enum page_value value, uint64_t n)
{
	__atomic_store_n(&page->values[value], n, __ATOMIC_RELAXED);
}

static inline uint64_t page_get(const struct page *page, enum page_value value)
{
	return __atomic_load_n(&page->values[value], __ATOMIC_RELAXED);
}

/* A free place, emptied; NULL when all are in use. */
struct page_lane *page_lane_claim(struct page *page);

/* Publishes a new state. */
void page_lane_write(struct page_lane *lane, const struct page_lane_state *state);

void page_lane_add_rtt(struct page_lane *lane, uint64_t now_us, uint64_t rtt_us);

/* Gives the place back.  Takes NULL. */
void page_lane_release(struct page_lane *lane);

#endif
