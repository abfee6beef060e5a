/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One direction of a bad line in virtual time: rate (that may change) and finite queue, policer, delay and
 * jitter, random loss (that may change) and burst loss, reordering, duplication, replay seconds later, changed bits, truncation,
 * junk, congestion marks, cuts, a largest packet that changes, copies from somebody else's address.  It counts how
 * often each fault struck.
 */
#ifndef TESTS_SIM_LINK_H
#define TESTS_SIM_LINK_H

#include "base/addr.h"
#include "base/rng.h"
#include "tests/sim/event.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum fault {
	FAULT_LOSS,
	FAULT_BURST_LOSS,
	FAULT_QUEUE_DROP,
	FAULT_POLICED,
	FAULT_REORDER,
	FAULT_DUPLICATE,
	FAULT_REPLAY,
	FAULT_CORRUPT,
	FAULT_TRUNCATE,
	FAULT_JUNK,
	FAULT_MARK,
	FAULT_CUT,
	FAULT_TOO_LARGE,
	FAULT_STEAL,
	FAULT_ASTRAY,
	FAULT_COUNT,
};

enum { LINK_CUTS_MAX = 2, LINK_MTUS_MAX = 3, LINK_STEPS_MAX = 4, LINK_LOSSES_MAX = 2 };

/* Probabilities are by packet; all zero is a perfect line. */
struct link_config {
	uint64_t delay_us;
	uint64_t jitter_us;   /* up to so much more, packets overtake one another */
	bool is_in_order;     /* jitter lets none overtake */
	uint64_t rate_Bps;    /* bytes a second; 0: any */
	uint64_t queue_bytes; /* before a line of finite rate */
	uint64_t police_Bps;  /* a token bucket drops what is more; 0: none */
	uint64_t police_burst_bytes;
	uint64_t mark_bytes; /* ECN-capable packets are marked above this queue; 0: never */
	double loss;
	double burst_enter,
	    burst_leave; /* Gilbert-Elliott: into and out of the state that loses all */
	double reorder;  /* held back by up to reorder_us */
	uint64_t reorder_us;
	double duplicate;
	double replay; /* a copy comes up to 5 s later */
	double corrupt;
	double truncate;
	double steal; /* of a sealed packet: a copy comes first, from an address of somebody else */
	double junk;  /* a random packet to the same connection id comes along */
	struct {
		uint64_t from_us, to_us;
	} cuts[LINK_CUTS_MAX];
	/* Longer payloads vanish; the last one that has begun counts, 0: any length passes. */
	struct {
		uint64_t from_us;
		uint16_t bytes;
	} mtus[LINK_MTUS_MAX];
	struct {
		uint64_t at_us, rate_Bps; /* at_us 0: none */
	} steps[LINK_STEPS_MAX];
	/* Instead of `loss`; the last one that has begun counts. */
	struct {
		uint64_t from_us; /* 0: none */
		double loss;
	} losses[LINK_LOSSES_MAX];
};

/* Whose copies FAULT_STEAL sends; what is sent to him he sends on to whom it was meant for. */
extern const struct addr link_thief;

/* The addresses that a packet bears. */
struct link_way {
	struct addr from, to;
};

struct sim_packet {
	uint64_t id; /* of the packet sent; copies have the same */
	bool is_tampered;
	bool is_copy; /* a duplicate or replay */
	uint8_t ecn;
	struct link_way way;
	size_t length;
	uint8_t *data;
};

/* Takes the packet over. */
typedef void link_deliver_fn(void *context, struct sim_packet *packet);

struct link {
	struct events *events;
	struct rng *rng;
	struct link_config config;
	link_deliver_fn *deliver;
	void *context;
	uint64_t rate_Bps;      /* now */
	uint64_t busy_until_ns; /* a packet of 1 Gbit/s takes 11.2 us */
	uint64_t last_arrival_us;
	double police_tokens;
	uint64_t police_at_us;
	unsigned steps_done;
	bool is_in_burst;
	uint64_t sent;
	uint64_t faults[FAULT_COUNT];
};

const char *fault_name(enum fault fault);
void link_init(struct link *link, const struct link_config *config, struct events *events,
    struct rng *rng, link_deliver_fn *deliver, void *context);
/* Sends a copy of the data; `way` is NULL where nobody has an address. */
void link_send(
    struct link *link, const struct link_way *way, const uint8_t *data, size_t length, uint8_t ecn);
/* How long a packet that is sent now waits for those before it. */
uint64_t link_queue_us(const struct link *link);
void sim_packet_free(struct sim_packet *packet);

#endif
