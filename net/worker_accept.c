/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See worker_accept.h. */
#include "net/worker_accept.h"

#include "base/log.h"
#include "base/table.h"
#include "net/worker_private.h"

#include <stdlib.h>
#include <string.h>

/* One lane of one listener; a hash key without padding. */
struct place {
	uint64_t door_id, lane;
};

struct accepted {
	struct place key;
	struct lane_name name;   /* of the lane now carried */
	struct carried *carried; /* NULL once it is over */
	struct start_answer answer;
	UT_hash_handle hh;
};

static struct accepted *find(struct accept *accept, uint64_t door_id, unsigned lane)
{
	struct place key = {door_id, lane};
	struct accepted *accepted;

	HASH_FIND(hh, accept->table, &key, sizeof key, accepted);
	return accepted;
}

static struct accepted *find_or_make(struct accept *accept, uint64_t door_id, unsigned lane)
{
	struct accepted *accepted = find(accept, door_id, lane);

	if (accepted || !(accepted = calloc(1, sizeof *accepted)))
		return accepted;
	accepted->key = (struct place){door_id, lane};
	HASH_ADD(hh, accept->table, key, sizeof accepted->key, accepted);
	if (TABLE_HAS(accepted))
		return accepted;
	free(accepted);
	return NULL;
}

bool accept_repeat(struct accept *accept, const struct handshake_header *header,
    const struct udp_datagram *datagram)
{
	struct start start;
	struct accepted *accepted;

	if (start_read(&start, datagram->data, datagram->length_bytes) != HANDSHAKE_FINE)
		return false;
	accepted = find(accept, header->door_id, start.lane);
	if (!accepted
	    || !start_answer_matches(&accepted->answer, datagram->data, datagram->length_bytes))
		return false;
	lanes_send_packet(&accept->worker->lanes, accepted->answer.packet, accepted->answer.length,
	    &datagram->from, &datagram->local);
	return true;
}

/* The lane that the listener still holds is the one that we hold. */
static bool is_alive(const struct accepted *accepted, const struct lane_grant *grant)
{
	const struct lane_name *old = &grant->start.old;

	return accepted->carried && lane_state(accepted->carried->shown.lane) != LANE_OVER
	       && old->incarnation != 0 && old->tunnel_id == accepted->name.tunnel_id
	       && old->incarnation == accepted->name.incarnation;
}

static struct carried *make_lane(
    struct accept *accept, const struct lane_grant *grant, const struct config_peer *peer)
{
	struct worker *worker = accept->worker;
	struct lane_config config = {
	    .role = LANE_ENDPOINT,
	    .local_id = lanes_new_id(&worker->lanes),
	    .remote_id = grant->start.connection_id,
	    .aead = grant->aead,
	    .packet_bytes = worker_packet_bytes(worker, &grant->peer),
	    .max_flows = grant->peer.max_flows < WORKER_LANE_FLOWS ? grant->peer.max_flows
	                                                           : WORKER_LANE_FLOWS,
	    .route = {grant->from, worker_door_local(worker, &grant->from)},
	};
	struct carried *carried;

	memcpy(config.send_secret, grant->send_secret, sizeof config.send_secret);
	memcpy(config.receive_secret, grant->receive_secret, sizeof config.receive_secret);
	carried = config.local_id ? lanes_add(&worker->lanes, &config, peer->name, grant->peer_pin)
	                          : NULL;
	explicit_bzero(config.send_secret, sizeof config.send_secret);
	explicit_bzero(config.receive_secret, sizeof config.receive_secret);
	return carried;
}

static void replace(struct accept *accept, struct accepted *accepted,
    const struct lane_grant *grant, const struct config_peer *peer)
{
	struct carried *old = accepted->carried;

	accepted->carried = NULL;
	if (old) {
		lane_close(old->shown.lane, REASON_PEER_RESTARTED, "the listener started it anew",
		    accept->worker->now_us);
		lanes_remove(&accept->worker->lanes, old);
	}
	accepted->carried = make_lane(accept, grant, peer);
	accepted->name = grant->name;
}

static void answer(struct accept *accept, struct accepted *accepted, const struct lane_grant *grant,
    const struct door *door, enum started_status status)
{
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	struct addr from = worker_door_local(accept->worker, &grant->from);
	size_t length = started_build(door, grant, status, accepted->carried->local_id, packet);

	start_answer_keep(&accepted->answer, grant, packet, length);
	lanes_send_packet(&accept->worker->lanes, packet, length, &grant->from, &from);
}

void accept_on_grant(struct accept *accept, const struct lane_grant *grant)
{
	const struct config_peer *peer = worker_peer(accept->worker, grant->peer_pin);
	const struct door *door = doors_find(&accept->worker->gate.doors, grant->door_id);
	struct accepted *accepted =
	    peer && door ? find_or_make(accept, grant->door_id, grant->lane) : NULL;

	if (!accepted)
		return;
	/* Where START came from is no matter: the lane follows the packets that it carries itself. */
	if (is_alive(accepted, grant)) {
		answer(accept, accepted, grant, door, STARTED_ALIVE);
		lanes_touch(&accept->worker->lanes, accepted->carried->shown.lane);
		return;
	}
	replace(accept, accepted, grant, peer);
	if (accepted->carried)
		answer(accept, accepted, grant, door, STARTED_NEW);
	else
		log_limited(LOG_LEVEL_ERROR, 1, "lane_not_made",
		    "peer=%s reason=\"out of memory or ids\"", peer->name);
}

void accept_forget(struct accept *accept, struct carried *carried)
{
	struct accepted *accepted, *next;

	HASH_ITER (hh, accept->table, accepted, next) {
		if (accepted->carried == carried)
			accepted->carried = NULL;
	}
}

void accept_on_restart(struct accept *accept, uint64_t door_id)
{
	struct accepted *accepted, *next;

	HASH_ITER (hh, accept->table, accepted, next) {
		if (accepted->key.door_id == door_id && accepted->carried)
			lanes_close(&accept->worker->lanes, accepted->carried,
			    REASON_PEER_RESTARTED, "the listener was started anew");
	}
}

void accept_on_config(struct accept *accept)
{
	struct accepted *accepted, *next;

	HASH_ITER (hh, accept->table, accepted, next) {
		if (doors_find(&accept->worker->gate.doors, accepted->key.door_id))
			continue;
		if (accepted->carried)
			lanes_leave(&accept->worker->lanes, accepted->carried,
			    accept->worker->config->drain_s);
		HASH_DEL(accept->table, accepted);
		free(accepted);
	}
}

void accept_init(struct accept *accept, struct worker *worker)
{
	*accept = (struct accept){.worker = worker};
}

void accept_clear(struct accept *accept)
{
	struct accepted *accepted, *next;

	HASH_ITER (hh, accept->table, accepted, next) {
		HASH_DEL(accept->table, accepted);
		free(accepted);
	}
}
