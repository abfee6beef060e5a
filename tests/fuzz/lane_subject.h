/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A lane under test, its flows' users, and the keys of a peer that may say anything in packets that open.  Aborts when a
 * callback comes that must not, when memory passes its bound, or when an address that never answered gets more bytes than it sent.
 */
#ifndef TESTS_FUZZ_LANE_SUBJECT_H
#define TESTS_FUZZ_LANE_SUBJECT_H

#include "tunnel/epochs.h"
#include "tunnel/lane.h"
#include "tunnel/trace.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SUBJECT_FLOWS = 16, /* the latest, which actions reach */
	SUBJECT_ROUTES = 3, /* that the peer sends from; the first is the lane's own */
	SUBJECT_PACKET_BYTES = 1200,
	SUBJECT_STEPS = 4096, /* and as many jumps of 2^31 at most: below PACKET_NUMBER_MAX */
};

struct lane_subject {
	struct lane *lane;
	struct chunk_pool *pool;
	struct epochs epochs; /* the peer's */
	struct tracer tracer;
	struct flow *flows[SUBJECT_FLOWS];
	unsigned next_flow;
	uint64_t number, now_us; /* of the peer's next packet */
	size_t take;             /* so many bytes a flow's user takes at once */
	unsigned opened, closed;
	uint64_t events;
	struct lane_route routes[SUBJECT_ROUTES];
	size_t bytes_from[SUBJECT_ROUTES], bytes_to[SUBJECT_ROUTES];
	bool was_used[SUBJECT_ROUTES]; /* the lane sent there as a matter of course */
};

void subject_start(struct lane_subject *subject, enum lane_role role);
void subject_end(struct lane_subject *subject);

/* Seals the plaintext, SUBJECT_PACKET_BYTES less PACKET_OVERHEAD_BYTES at most, as the peer's next packet. */
void subject_receive(
    struct lane_subject *subject, const uint8_t *frames, size_t length, unsigned route);

/* A packet that the lane sends, sealed. */
typedef void subject_packet_fn(struct lane_subject *subject, uint8_t *packet, size_t length);
/* The lane sends what it may; on_packet may be NULL. */
void subject_send(struct lane_subject *subject, subject_packet_fn *on_packet);
void subject_wait(struct lane_subject *subject, uint64_t us);
/* Something that a flow's user does, or a new flow in its place. */
void subject_act(struct lane_subject *subject, uint8_t which, uint8_t how);
void subject_check(const struct lane_subject *subject);

#endif
