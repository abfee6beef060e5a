/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Starting a lane under a tunnel that has its secret, without TLS: the listener's worker sends
 * START, the endpoint's answers STARTED, or UNKNOWN when it has no such tunnel.  Each lane start has
 * an incarnation that never comes twice in a tunnel, and keys of its own.
 * The listener names the lane that it still holds for the same place: ALIVE means that the endpoint
 * holds it too and that it goes on; NEW means that it is gone there.
 */
#ifndef TUNNEL_START_H
#define TUNNEL_START_H

#include "base/addr.h"
#include "tunnel/aead.h"
#include "tunnel/door.h"
#include "tunnel/parameters.h"

/* Which lane: its tunnel, and the count of starts in it. All zeros names none. */
struct lane_name {
	uint64_t tunnel_id;
	uint32_t incarnation;
};

/* START's body. */
struct start {
	uint8_t lane;           /* the listener's worker, 0 .. TUNNEL_LANES_MAX - 1 */
	uint32_t incarnation;   /* 1 and up */
	uint32_t connection_id; /* with which the listener's worker receives */
	struct lane_name old;   /* the lane that it still holds, or none */
};

enum started_status { STARTED_NEW = 1, STARTED_ALIVE = 2 };

/* STARTED's body. */
struct started {
	uint8_t lane;
	uint32_t incarnation;
	enum started_status status;
	uint32_t
	    connection_id; /* with which the endpoint's worker receives (ALIVE: the old lane's) */
};

/*
 * What a worker gets from its keys process for one start of one lane, once. It says nothing about
 * any other lane.
 */
struct lane_grant {
	uint64_t door_id;
	struct lane_name name;
	uint8_t lane;
	enum aead_kind aead;
	uint8_t send_secret[AEAD_SECRET_BYTES]; /* as struct lane_config */
	uint8_t receive_secret[AEAD_SECRET_BYTES];
	uint8_t start_key[AEAD_SECRET_BYTES]; /* of START's and STARTED's second MAC */
	uint8_t peer_pin[PIN_BYTES];
	struct tunnel_parameters peer;
	struct start start;                     /* endpoint: what the listener said */
	struct addr from;                       /* endpoint: where START came from */
	uint8_t start_mac[HANDSHAKE_MAC_BYTES]; /* endpoint: START's own, for start_answer */
};

/* Fills name, lane, aead, peer and the three secrets of one lane start. */
void lane_grant_derive(struct lane_grant *grant, enum tunnel_role role,
    const uint8_t tunnel_secret[TUNNEL_SECRET_BYTES], const struct lane_name *name, uint8_t lane);
void lane_grant_clear(struct lane_grant *grant);

/* The endpoint's worker slot that a lane goes to, so that lanes spread evenly and stay put. */
unsigned lane_slot(unsigned lane, const uint8_t listener_pin[PIN_BYTES],
    const uint8_t endpoint_pin[PIN_BYTES], unsigned slots);

/* HANDSHAKE_MALFORMED or fine; nothing is proved by it. */
enum handshake_cause start_read(struct start *start, const uint8_t *packet, size_t length);
/* HANDSHAKE_START_FORGED unless the sender has the tunnel's secret. */
enum handshake_cause start_verify(
    const uint8_t start_key[AEAD_SECRET_BYTES], const uint8_t *packet, size_t length);

/* Copies the tunnel's MAC of a START that start_read() found well-formed. */
void start_mac_copy(uint8_t mac[HANDSHAKE_MAC_BYTES], const uint8_t *packet);

/* The endpoint's answers; out has HANDSHAKE_PACKET_BYTES of room. The length. */
size_t started_build(const struct door *door, const struct lane_grant *grant,
    enum started_status status, uint32_t connection_id, uint8_t *out);
/* Never longer than the START. */
size_t unknown_build(const struct door *door, const struct handshake_header *header,
    const struct start *start, uint8_t *out);

/*
 * The endpoint worker's last answer for one lane: a START that comes again gets the same bytes,
 * without the keys process.  All zeros when there was none.
 */
struct start_answer {
	uint8_t start_mac[HANDSHAKE_MAC_BYTES];
	uint8_t packet[80];
	size_t length;
};
void start_answer_keep(struct start_answer *answer, const struct lane_grant *grant,
    const uint8_t *packet, size_t length);
/* True when the START, which passed doors_check(), is the one that was answered. */
bool start_answer_matches(const struct start_answer *answer, const uint8_t *packet, size_t length);

/* The listener worker's START under way. */
struct start_attempt {
	uint8_t packet[80];
	size_t length;
	uint64_t tunnel_id;
	uint32_t incarnation;
	uint8_t lane;
	uint8_t start_key[AEAD_SECRET_BYTES];
	uint64_t interval_us, send_us, expires_us;
	bool is_active;
};

/* Small packets, and an endpoint that came back is to be found within a second. */
#define START_RETRANSMIT_MAX_US UINT64_C(500000)
#define START_TIMEOUT_US        UINT64_C(5000000)

/*
 * `door` and `endpoint_pin` name the peer; slot is the endpoint's, by lane_slot(); connection_id is
 * ours to receive with; old is the lane still held, or NULL.
 */
void start_attempt_begin(struct start_attempt *attempt, const struct door *door,
    const struct lane_grant *grant, unsigned slot, uint32_t connection_id,
    const struct lane_name *old, uint64_t now_us);
/* Erases it. */
void start_attempt_end(struct start_attempt *attempt);
/* When start_attempt_poll() is due; UINT64_MAX when it is not active. */
uint64_t start_attempt_timer_us(const struct start_attempt *attempt);
/*
 * True when packet[0 .. length) goes out now. When its time is over it ends itself: is_active is
 * false then, and the caller counts HANDSHAKE_TIMED_OUT and tries anew.
 */
bool start_attempt_poll(struct start_attempt *attempt, uint64_t now_us);
/*
 * One STARTED or UNKNOWN that passed doors_check(). When it is HANDSHAKE_FINE the attempt is over,
 * and the type tells: STARTED filled *started; UNKNOWN means that a new handshake is needed.
 */
enum handshake_cause start_attempt_receive(struct start_attempt *attempt,
    const struct handshake_header *header, const uint8_t *packet, size_t length,
    struct started *started);

#endif
