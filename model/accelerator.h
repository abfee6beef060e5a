/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * An accelerator as a person states it: a named service, its ports, the regions whose listeners
 * serve it, and its endpoint groups, each one region's backends.
 * The schema table serves the API's JSON and YAML alike.  Whether the regions and ports go with
 * the other objects is for control to judge; here one accelerator is judged by itself.
 */
#ifndef MODEL_ACCELERATOR_H
#define MODEL_ACCELERATOR_H

#include "base/addr.h"
#include "base/schema.h"
#include "model/accelerator_limits.h"
#include "model/access_list.h"
#include "model/error.h"
#include "model/failover.h"
#include "model/flow_settings.h"
#include "model/health_check.h"
#include "model/limits.h"
#include "model/notes.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Bits, so that one accelerator may carry both. */
enum accelerator_protocol {
	PROTOCOL_TCP = 1,
	PROTOCOL_UDP = 2,
	PROTOCOL_TCP_UDP = 3,
};

/* What makes flows choose alike: all of the flow, or only the address that it comes from. */
enum client_affinity { AFFINITY_NONE, AFFINITY_SOURCE };

enum {
	TCP_IDLE_TIMEOUT_DEFAULT_S = 3600,
	UDP_IDLE_TIMEOUT_DEFAULT_S = 60,
	TCP_IDLE_TIMEOUT_MAX_S = 7 * 24 * 3600,
	UDP_IDLE_TIMEOUT_MAX_S = 24 * 3600,
	UDP_FLOWS_PER_SOURCE_DEFAULT = 1000,
	UDP_FLOWS_PER_SOURCE_MAX = 200000,
	CONNECT_TIMEOUT_DEFAULT_MS = 5000,
	BACKEND_WEIGHT_DEFAULT = 128,
	BACKEND_WEIGHT_MAX = 255,
	TRAFFIC_DIAL_DEFAULT_PERCENT = 100,
};

/* A name in an array. */
struct name {
	char text[NAME_BYTES];
};

/* "443" or "8000-8010". */
struct port_text {
	char text[12];
};

struct backend {
	char host[ADDR_HOST_BYTES]; /* a name or an address, without brackets */
	uint16_t port;              /* 0: the same port as the user's; else see backend_port() */
	uint32_t weight;            /* 0 (no new flows) to BACKEND_WEIGHT_MAX */
};

struct endpoint_group {
	char region[NAME_BYTES];
	uint8_t traffic_dial_percent; /* of the flows that come to it; 0 (no new ones) to 100 */
	struct backend *backends;     /* owned */
	size_t backend_count;
	struct health_check health;
};

/* Zeroed, or owned by whoever decoded it and freed by accelerator_clear(). */
struct accelerator {
	uint32_t id; /* given by control, never used again for another */
	char name[NAME_BYTES];
	bool is_enabled; /* else it keeps its ports from others, and no node serves it */
	enum accelerator_protocol protocol;
	/* As people write them, and what accelerator_validate() makes of them. */
	struct port_text port_texts[ACCELERATOR_RANGES_MAX];
	size_t port_text_count;
	struct port_range ports[ACCELERATOR_RANGES_MAX]; /* sorted, disjoint */
	size_t port_count;
	struct name *listen; /* regions */
	size_t listen_count;
	struct endpoint_group *endpoint_groups;
	size_t endpoint_group_count;
	/* Regions of groups in the order to ask them; the groups left out follow, nearest first. */
	struct name *failover_order;
	size_t failover_order_count;
	enum client_affinity client_affinity;
	uint32_t tcp_idle_timeout_s;
	uint32_t udp_idle_timeout_s;
	uint32_t udp_flows_per_source;
	struct flow_settings flow_settings;
	struct failover failover;
	struct access_lists access;
	struct accelerator_limits limits;
	struct notes notes;
};

/* All that a person states; id is control's and stands apart. */
extern const struct schema accelerator_schema;

/* Frees what the object owns and zeroes it; takes an empty one. */
void accelerator_clear(struct accelerator *accelerator);

/*
 * Judges one that was decoded by accelerator_schema: 0 when it makes sense by itself, else
 * ERR_INVALID with *error filled, or ERR_NOMEM.  Fills ports, and rewrites port_texts sorted and
 * joined, and blocks of addresses in their one form.
 */
int accelerator_validate(struct accelerator *accelerator, struct model_error *error);

/* The same, telling what is wrong with each backend, group and setting; *fault lasts for the call. */
typedef void accelerator_fault_fn(void *context, const struct model_error *fault);
int accelerator_judge(struct accelerator *accelerator, accelerator_fault_fn *tell, void *context);

/* A new reference in the API's form, without id, or NULL without memory. */
json_t *accelerator_to_json(const struct accelerator *accelerator);

/* For schema tables that have a protocol; index by enum accelerator_protocol. */
extern const char *const protocol_names[];
extern const char *const client_affinity_names[];

/* "tcp", "udp" or "tcp+udp". */
const char *protocol_text(enum accelerator_protocol protocol);

/* Do they share a port of a protocol?  *port is then the lowest such. */
bool accelerator_ports_overlap(
    const struct accelerator *a, const struct accelerator *b, uint16_t *port);

/*
 * The port at a backend for a user's port: with backend_port 0 the same; else backend_port stands
 * for the lowest of the ports and the others shift alike.  0 when that leaves 1 to 65535, or when
 * user_port is none of the ports.
 */
uint16_t backend_port(
    const struct port_range *ports, size_t port_count, uint16_t backend_port, uint16_t user_port);

#endif
