/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a worker counts by accelerator: a fixed table in its page, by the accelerator's id.  Ids are
 * never used twice, so a place is given to another only when all are taken and its accelerator is not in
 * the config any more; what flows that drain count after that counts for the new one.
 */
#ifndef NET_PAGE_ACCELERATORS_H
#define NET_PAGE_ACCELERATORS_H

#include "model/node_config.h"

#include <stddef.h>
#include <stdint.h>

enum { PAGE_ACCELERATORS = ACCELERATORS_MAX };

/*
 * X(name, kind, metric, protocol, reason, help): the lines of a metric stand together, and
 * the first one's help is that of all.  reason is NULL where there is none.
 */
#define ACCELERATOR_VALUES(X)                                                                      \
	X(tcp_flows, GAUGE, "flows", "tcp", NULL, "Flows that are alive")                          \
	X(udp_flows, GAUGE, "flows", "udp", NULL, "")                                              \
	X(tcp_opened, COUNTER, "flows_opened", "tcp", NULL, "Flows that were opened")              \
	X(udp_opened, COUNTER, "flows_opened", "udp", NULL, "")                                    \
	X(tcp_received, COUNTER, "received_bytes", "tcp", NULL,                                    \
	    "Bytes that came from users, at a listener, or from backends, at an endpoint")         \
	X(udp_received, COUNTER, "received_bytes", "udp", NULL, "")                                \
	X(tcp_sent, COUNTER, "sent_bytes", "tcp", NULL,                                            \
	    "Bytes that went to users, at a listener, or to backends, at an endpoint")             \
	X(udp_sent, COUNTER, "sent_bytes", "udp", NULL, "")                                        \
	X(tcp_no_lane, COUNTER, "refused", "tcp", "no_lane",                                       \
	    "TCP flows refused, and UDP flows or their datagrams dropped, by reason")              \
	X(tcp_unhealthy, COUNTER, "refused", "tcp", "unhealthy", "")                               \
	X(tcp_limit, COUNTER, "refused", "tcp", "limit", "")                                       \
	X(tcp_denied, COUNTER, "refused", "tcp", "denied", "")                                     \
	X(tcp_backend, COUNTER, "refused", "tcp", "backend", "")                                   \
	X(udp_no_lane, COUNTER, "refused", "udp", "no_lane", "")                                   \
	X(udp_unhealthy, COUNTER, "refused", "udp", "unhealthy", "")                               \
	X(udp_limit, COUNTER, "refused", "udp", "limit", "")                                       \
	X(udp_denied, COUNTER, "refused", "udp", "denied", "")                                     \
	X(udp_draining, COUNTER, "refused", "udp", "draining", "")                                 \
	X(udp_backend, COUNTER, "refused", "udp", "backend", "")

enum accelerator_value {
#define X(name, kind, metric, protocol, reason, help) ACCELERATOR_##name,
	ACCELERATOR_VALUES(X)
#undef X
	    ACCELERATOR_VALUE_COUNT
};

struct accelerator_value_description {
	const char *metric, *protocol, *reason, *help;
	bool is_gauge;
};

/* Indexed by enum accelerator_value. */
extern const struct accelerator_value_description accelerator_values[ACCELERATOR_VALUE_COUNT];

struct page_accelerator {
	uint32_t id; /* 0: free */
	uint64_t values[ACCELERATOR_VALUE_COUNT];
};

struct page_accelerators {
	struct page_accelerator list[PAGE_ACCELERATORS];
	struct page_accelerator others; /* when there is no place, which is not shown */
};

/* ---- the worker ---- */

/* The place of the accelerator; never NULL, and valid as long as the page. */
struct page_accelerator *page_accelerator(
    struct page_accelerators *table, uint32_t id, const struct node_config *config);

/* What a predecessor left: the flows that it had are gone. */
void page_accelerators_clear(struct page_accelerators *table);

static inline void accelerator_add(
    struct page_accelerator *accelerator, enum accelerator_value value, uint64_t n)
{
	__atomic_store_n(
	    &accelerator->values[value], accelerator->values[value] + n, __ATOMIC_RELAXED);
}

static inline void accelerator_count(
    struct page_accelerator *accelerator, enum accelerator_value value)
{
	accelerator_add(accelerator, value, 1);
}

/* Of a gauge. */
static inline void accelerator_drop(
    struct page_accelerator *accelerator, enum accelerator_value value)
{
	if (accelerator->values[value])
		accelerator_add(accelerator, value, UINT64_MAX);
}

/* ---- main ---- */

/* What the table has of that accelerator, 0 when it has nothing. */
uint64_t page_accelerators_value(
    const struct page_accelerators *table, uint32_t id, enum accelerator_value value);

#endif
