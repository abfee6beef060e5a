/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What main and a worker of a node say to each other (net/ipc.h), and in which order: SETTINGS,
 * the page's descriptor with it; a SIBLING for each other worker; TUNNEL_SOCKET; then CONFIG and
 * SOCKETs, again at each change, and a TRACE for each peer
 * whose tunnel is traced, and SERVE behind the last of them.  A worker that was started again gets all of it again.
 */
#ifndef NET_WORKER_MESSAGES_H
#define NET_WORKER_MESSAGES_H

#include "base/addr.h"
#include "base/pin.h"
#include "net/process.h"
#include "net/user_congestion.h"
#include "net/worker.h"

#include <stdint.h>

enum { WORKER_SOURCES_MAX = 64 }; /* addresses of --source */

enum worker_message {
	/* Main to worker. */
	WORKER_MESSAGE_SETTINGS =
	    PROCESS_MESSAGE_OWN,      /* struct worker_settings; 1 descriptor: page */
	WORKER_MESSAGE_SIBLING,       /* no payload; 1 descriptor: another's page, to read */
	WORKER_MESSAGE_TUNNEL_SOCKET, /* no payload; 1 descriptor: bound, steered UDP socket */
	WORKER_MESSAGE_CONFIG,        /* node_config_save()'s text */
	WORKER_MESSAGE_SOCKET,        /* struct worker_socket; 1 descriptor, or 0: taken back */
	WORKER_MESSAGE_TRACE,         /* a peer's pin; 1 descriptor: the file of its trace */
	WORKER_MESSAGE_DRAIN,  /* no payload: accept nothing new, say DRAINED when flows are gone */
	WORKER_MESSAGE_HEALTH, /* struct backend_health, any number of them: what changed */
	WORKER_MESSAGE_SERVE,  /* struct config_number: it has all of that config; say SERVING */
	WORKER_MESSAGE_EXPLAIN, /* struct explain_question; answered by EXPLAINED */
	WORKER_MESSAGE_GONE, /* struct peer_gone, any number of them: what control said just now */
	WORKER_MESSAGE_STOP, /* no payload: close lanes with REASON_DRAINED and exit */
	/* Worker to main. */
	WORKER_MESSAGE_DRAINED = PROCESS_MESSAGE_OWN + 32, /* no payload */
	WORKER_MESSAGE_FLOWS,     /* struct flow_outcomes, any number of them */
	WORKER_MESSAGE_SERVING,   /* struct config_number: of SERVE, all before it is in force */
	WORKER_MESSAGE_EXPLAINED, /* struct explain_answer as JSON, EXPLAIN_BYTES_MAX at most */
};

struct peer_gone {
	char name[NAME_BYTES];
	uint64_t since_us; /* monotonic: control knew of the lanes as they were then */
};

struct worker_settings {
	uint32_t index; /* the worker's slot, in connection ids */
	uint32_t count;
	uint16_t packet_bytes; /* UDP payload of a tunnel packet */
	uint16_t source_count;
	uint64_t memory_bytes; /* of this worker's chunk pool */
	uint8_t own_pin[PIN_BYTES];
	char user_congestion[USER_CONGESTION_BYTES]; /* "" for the system's own */
	uint8_t count_key[KEYED_HASH_KEY_BYTES];     /* of net/flow_counts.h, the same in all */
	struct addr sources[WORKER_SOURCES_MAX];     /* --source, port 0 */
};

#endif
