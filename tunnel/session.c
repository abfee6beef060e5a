/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Both roles' state machine.  Flights are a few hundred bytes, so one packet usually carries one;
 * longer ones go a packet at a time, each answered before the next.
 */
#include "config.h"

#include "tunnel/session.h"

#include "base/bytes.h"
#include "base/err.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define EXPORTER_LABEL "EXPORTER-trunkline-1"

enum {
	RETRIES_MAX = 3,    /* cookies that one handshake takes */
	STREAM_ROOM = 4096, /* of our own TLS bytes; a flight is below 1 KiB */
};

struct session {
	struct session_config config;
	enum session_state state;
	struct tls_connection *tls; /* until established or failed */
	struct tunnel_keys keys;
	bool has_keys;
	bool has_peer; /* keys.peer holds the peer's parameters */

	uint8_t out[STREAM_ROOM]; /* our TLS bytes from the first on */
	size_t out_length, out_acknowledged;
	size_t in_length; /* the peer's TLS bytes that were fed to TLS */

	uint8_t cookie[HANDSHAKE_COOKIE_BYTES];
	bool has_cookie;
	unsigned retries;

	bool wants_send;
	uint64_t interval_us, retransmit_us;
	uint64_t expires_us, expires_at_most_us; /* the first moves on with progress */
};

/* The fields of INITIATE and RESPOND. */
struct flight {
	uint32_t connection_id; /* INITIATE's sender's */
	const uint8_t *cookie;  /* INITIATE's, or NULL */
	struct tunnel_parameters parameters;
	uint16_t offset, acknowledged, length;
	const uint8_t *data;
};

static bool is_zero(const uint8_t *bytes, size_t length)
{
	return length == 0 || sodium_is_zero(bytes, length);
}

/* False for anything that flight_write() would not have written. */
static bool flight_read(
    struct flight *flight, enum handshake_type type, const uint8_t *packet, size_t length)
{
	struct reader r;
	uint8_t cookie_length;

	*flight = (struct flight){0};
	reader_init(&r, packet + HANDSHAKE_HEADER_BYTES,
	    length - HANDSHAKE_HEADER_BYTES - HANDSHAKE_MAC_BYTES);
	if (type == HANDSHAKE_INITIATE) {
		flight->connection_id = reader_u32(&r);
		cookie_length = reader_u8(&r);
		if (cookie_length == HANDSHAKE_COOKIE_BYTES)
			flight->cookie = reader_bytes(&r, cookie_length);
		else if (cookie_length != 0)
			return false;
	}
	tunnel_parameters_read(&r, &flight->parameters);
	flight->offset = reader_u16(&r);
	flight->acknowledged = reader_u16(&r);
	flight->length = reader_u16(&r);
	flight->data = reader_bytes(&r, flight->length);
	if (r.failed || flight->offset + flight->length > HANDSHAKE_STREAM_BYTES)
		return false;
	return type == HANDSHAKE_INITIATE ? is_zero(r.at, reader_left(&r)) : reader_left(&r) == 0;
}

enum handshake_cause initiate_cookie(const uint8_t *packet, size_t length, const uint8_t **cookie)
{
	struct flight flight;

	if (!flight_read(&flight, HANDSHAKE_INITIATE, packet, length))
		return HANDSHAKE_MALFORMED;
	*cookie = flight.cookie;
	return HANDSHAKE_FINE;
}

size_t retry_build(const struct door *door, const struct handshake_header *initiate,
    const uint8_t *packet, const uint8_t cookie[HANDSHAKE_COOKIE_BYTES], uint8_t *out)
{
	struct handshake_header header = *initiate;
	struct reader r;
	struct writer w;

	reader_init(&r, packet + HANDSHAKE_HEADER_BYTES, sizeof(uint32_t));
	header.type = HANDSHAKE_RETRY;
	header.connection_id = reader_u32(&r);
	writer_init(&w, out, HANDSHAKE_PACKET_BYTES);
	handshake_header_write(&w, &header);
	writer_bytes(&w, cookie, HANDSHAKE_COOKIE_BYTES);
	door_seal(door, &w);
	return writer_length(&w);
}

static void tls_end(struct session *session)
{
	if (session->tls)
		session->config.tls->close(session->tls);
	session->tls = NULL;
}

static enum handshake_cause session_fail(struct session *session, enum handshake_cause cause)
{
	tls_end(session);
	sodium_memzero(&session->keys, sizeof(session->keys));
	session->has_keys = false;
	session->wants_send = false;
	session->state = SESSION_FAILED;
	return cause;
}

/* Moves what TLS wants to say to the out stream. */
static bool tls_drain(struct session *session)
{
	size_t room = sizeof(session->out) - session->out_length;
	size_t n =
	    session->config.tls->drain(session->tls, session->out + session->out_length, room);

	session->out_length += n;
	return n < room;
}

int session_new(struct session **out, const struct session_config *config, uint64_t now_us)
{
	struct session *session = calloc(1, sizeof(*session));
	int result;

	if (!session)
		return ERR_NOMEM;
	session->config = *config;
	session->expires_at_most_us = session->expires_us = now_us + HANDSHAKE_TIMEOUT_US;
	session->interval_us = HANDSHAKE_RETRANSMIT_US;
	result = config->tls->open(&session->tls, config->identity,
	    config->role == TUNNEL_LISTENER ? TLS_CLIENT : TLS_SERVER);
	if (result == 0 && config->role == TUNNEL_LISTENER) {
		result = config->tls->feed(session->tls, NULL, 0);
		session->wants_send = true;
		if (result == 0 && !tls_drain(session))
			result = ERR_NOMEM;
	}
	if (result < 0) {
		session_free(session);
		return ERR_NOMEM;
	}
	*out = session;
	return 0;
}

void session_free(struct session *session)
{
	if (!session)
		return;
	tls_end(session);
	sodium_memzero(session, sizeof(*session));
	free(session);
}

/* The first parameters count, later ones must be the same. */
static enum handshake_cause take_parameters(
    struct session *session, const struct tunnel_parameters *peer)
{
	uint8_t ours = session->config.parameters.aeads;

	if (session->has_peer)
		return tunnel_parameters_equal(peer, &session->keys.peer)
		           ? HANDSHAKE_FINE
		           : HANDSHAKE_PARAMETERS_CHANGED;
	if (!tunnel_parameters_are_good(peer))
		return HANDSHAKE_PARAMETERS_REFUSED;
	if (session->config.role == TUNNEL_ENDPOINT) {
		/* From here on ours say what was chosen. */
		ours = tunnel_parameters_choose(ours, peer->aeads);
		if (!ours)
			return HANDSHAKE_PARAMETERS_REFUSED;
		session->config.parameters.aeads = ours;
		session->keys.aead = (enum aead_kind)ours;
	} else {
		/* One bit, and one of those that we offered. */
		if ((peer->aeads & (peer->aeads - 1)) || !(peer->aeads & ours))
			return HANDSHAKE_PARAMETERS_REFUSED;
		session->keys.aead = (enum aead_kind)peer->aeads;
	}
	session->keys.peer = *peer;
	session->has_peer = true;
	return HANDSHAKE_FINE;
}

/* What both sides must agree on, besides TLS's own transcript, to get the same secret. */
static void exporter_context(const struct session *session, uint8_t context[32])
{
	const struct session_config *config = &session->config;
	bool is_listener = config->role == TUNNEL_LISTENER;
	uint8_t input[128];
	struct writer w;

	writer_init(&w, input, sizeof(input));
	writer_u64(&w, config->door.id);
	writer_u64(&w, config->tunnel_id);
	writer_u32(&w, is_listener ? config->remote_connection_id : config->local_connection_id);
	writer_u32(&w, is_listener ? config->local_connection_id : config->remote_connection_id);
	tunnel_parameters_write(&w, is_listener ? &config->parameters : &session->keys.peer);
	tunnel_parameters_write(&w, is_listener ? &session->keys.peer : &config->parameters);
	crypto_generichash(context, 32, input, writer_length(&w), NULL, 0);
}

/* TLS is complete: only now is it known who the peer is, and only then are keys exported. */
static enum handshake_cause take_keys(struct session *session)
{
	const struct tls_ops *tls = session->config.tls;
	uint8_t context[32];

	if (tls->peer_pin(session->tls, session->keys.peer_pin) < 0)
		return HANDSHAKE_TLS_FAILED;
	if (sodium_memcmp(session->keys.peer_pin, session->config.door.peer_pin, PIN_BYTES) != 0)
		return HANDSHAKE_PIN_WRONG;
	exporter_context(session, context);
	if (tls->export_key(session->tls, EXPORTER_LABEL, context, sizeof(context),
	        session->keys.secret, sizeof(session->keys.secret))
	    < 0)
		return HANDSHAKE_TLS_FAILED;
	session->has_keys = true;
	tls_end(session);
	session->state =
	    session->config.role == TUNNEL_LISTENER ? SESSION_CONFIRMING : SESSION_ESTABLISHED;
	return HANDSHAKE_FINE;
}

/* Feeds the part of the packet that is new to TLS. */
static enum handshake_cause take_bytes(struct session *session, const struct flight *flight)
{
	size_t old = session->in_length - flight->offset;
	size_t fresh = flight->length - old;

	/* After the last flight of either side there is nothing left to say. */
	if (!session->tls)
		return HANDSHAKE_MALFORMED;
	if (session->config.tls->feed(session->tls, flight->data + old, fresh) < 0
	    || !tls_drain(session))
		return session_fail(session, HANDSHAKE_TLS_FAILED);
	session->in_length += fresh;
	if (session->config.tls->is_established(session->tls)) {
		enum handshake_cause cause = take_keys(session);

		if (cause != HANDSHAKE_FINE)
			return session_fail(session, cause);
	}
	return HANDSHAKE_FINE;
}

static void confirm_when_acknowledged(struct session *session)
{
	if (session->state == SESSION_CONFIRMING
	    && session->out_acknowledged == session->out_length)
		session->state = SESSION_ESTABLISHED;
}

static enum handshake_cause take_flight(
    struct session *session, const struct flight *flight, uint64_t now_us)
{
	enum handshake_cause cause = HANDSHAKE_FINE;
	bool has_bytes = flight->offset + flight->length > session->in_length;
	bool has_progress = flight->acknowledged > session->out_acknowledged;

	if (flight->acknowledged > session->out_length)
		return HANDSHAKE_MALFORMED;
	if (flight->offset > session->in_length)
		return HANDSHAKE_GAP;
	if (has_bytes)
		cause = take_bytes(session, flight);
	if (cause != HANDSHAKE_FINE)
		return cause;
	if (has_progress)
		session->out_acknowledged = flight->acknowledged;
	confirm_when_acknowledged(session);
	if (session->config.role == TUNNEL_ENDPOINT)
		return has_bytes || has_progress ? HANDSHAKE_FINE : HANDSHAKE_DUPLICATE;
	if (!has_bytes && !has_progress)
		return HANDSHAKE_DUPLICATE;
	/*
	 * Progress: go on at once, and wait for the answer as long as at first.  An endpoint that was
	 * restarted since knows nothing of this handshake and stays silent: another one soon.
	 */
	session->interval_us = HANDSHAKE_RETRANSMIT_US;
	session->retransmit_us = now_us + session->interval_us;
	session->expires_us = now_us + HANDSHAKE_STALLED_US;
	if (session->expires_us > session->expires_at_most_us)
		session->expires_us = session->expires_at_most_us;
	session->wants_send = session->state != SESSION_ESTABLISHED;
	return HANDSHAKE_FINE;
}

static enum handshake_cause receive_initiate(struct session *session,
    const struct handshake_header *header, const uint8_t *packet, size_t length, uint64_t now_us)
{
	enum handshake_cause cause;
	struct flight flight;

	if (!flight_read(&flight, HANDSHAKE_INITIATE, packet, length))
		return HANDSHAKE_MALFORMED;
	if (session->has_peer
	    && (flight.connection_id != session->config.remote_connection_id
	        || header->connection_id != session->config.local_connection_id))
		return HANDSHAKE_PARAMETERS_CHANGED;
	cause = take_parameters(session, &flight.parameters);
	if (cause != HANDSHAKE_FINE)
		return cause;
	session->config.remote_connection_id = flight.connection_id;
	session->config.local_connection_id = header->connection_id;
	cause = take_flight(session, &flight, now_us);
	/* A doubled packet gets its answer again: the first may have been lost. */
	session->wants_send = cause == HANDSHAKE_FINE || cause == HANDSHAKE_DUPLICATE;
	return cause;
}

static enum handshake_cause receive_respond(
    struct session *session, const uint8_t *packet, size_t length, uint64_t now_us)
{
	enum handshake_cause cause;
	struct flight flight;

	if (!flight_read(&flight, HANDSHAKE_RESPOND, packet, length))
		return HANDSHAKE_MALFORMED;
	cause = take_parameters(session, &flight.parameters);
	return cause == HANDSHAKE_FINE ? take_flight(session, &flight, now_us) : cause;
}

static enum handshake_cause receive_retry(
    struct session *session, const uint8_t *packet, size_t length, uint64_t now_us)
{
	const uint8_t *cookie = packet + HANDSHAKE_HEADER_BYTES;

	if (length != HANDSHAKE_HEADER_BYTES + HANDSHAKE_COOKIE_BYTES + HANDSHAKE_MAC_BYTES)
		return HANDSHAKE_MALFORMED;
	if (session->state == SESSION_ESTABLISHED || session->retries == RETRIES_MAX)
		return HANDSHAKE_RETRY_UNWANTED;
	if (session->has_cookie && memcmp(cookie, session->cookie, HANDSHAKE_COOKIE_BYTES) == 0)
		return HANDSHAKE_DUPLICATE;
	memcpy(session->cookie, cookie, HANDSHAKE_COOKIE_BYTES);
	session->has_cookie = true;
	session->retries++;
	session->wants_send = true;
	session->retransmit_us = now_us + session->interval_us;
	return HANDSHAKE_FINE;
}

enum handshake_cause session_receive(struct session *session, const struct handshake_header *header,
    const uint8_t *packet, size_t length, uint64_t now_us)
{
	if (session->state == SESSION_FAILED)
		return HANDSHAKE_TUNNEL_UNKNOWN;
	if (!handshake_role_takes(session->config.role, header->type))
		return HANDSHAKE_WRONG_TYPE;
	switch (header->type) {
	case HANDSHAKE_INITIATE:
		return receive_initiate(session, header, packet, length, now_us);
	case HANDSHAKE_RESPOND:
		return receive_respond(session, packet, length, now_us);
	case HANDSHAKE_RETRY:
		return receive_retry(session, packet, length, now_us);
	default:
		return HANDSHAKE_WRONG_TYPE;
	}
}

static void write_flight(const struct session *session, struct writer *w)
{
	size_t left = session->out_length - session->out_acknowledged;
	size_t room;

	tunnel_parameters_write(w, &session->config.parameters);
	writer_u16(w, (uint16_t)session->out_acknowledged);
	writer_u16(w, (uint16_t)session->in_length);
	room = writer_left(w) - sizeof(uint16_t) - HANDSHAKE_MAC_BYTES;
	if (left > room)
		left = room;
	writer_u16(w, (uint16_t)left);
	writer_bytes(w, session->out + session->out_acknowledged, left);
}

static void write_initiate(const struct session *session, struct writer *w)
{
	uint8_t *padding;
	size_t n;

	writer_u32(w, session->config.local_connection_id);
	writer_u8(w, session->has_cookie ? HANDSHAKE_COOKIE_BYTES : 0);
	if (session->has_cookie)
		writer_bytes(w, session->cookie, HANDSHAKE_COOKIE_BYTES);
	write_flight(session, w);
	n = writer_left(w) - HANDSHAKE_MAC_BYTES;
	padding = writer_skip(w, n);
	if (padding)
		memset(padding, 0, n);
}

size_t session_send(struct session *session, uint8_t *out, uint64_t now_us)
{
	bool is_listener = session->config.role == TUNNEL_LISTENER;
	struct handshake_header header = {
	    .type = is_listener ? HANDSHAKE_INITIATE : HANDSHAKE_RESPOND,
	    .connection_id = session->config.remote_connection_id,
	    .door_id = session->config.door.id,
	    .tunnel_id = session->config.tunnel_id,
	};
	struct writer w;

	if (!session->wants_send)
		return 0;
	session->wants_send = false;
	if (is_listener)
		session->retransmit_us = now_us + session->interval_us;
	writer_init(&w, out, HANDSHAKE_PACKET_BYTES);
	handshake_header_write(&w, &header);
	if (is_listener)
		write_initiate(session, &w);
	else
		write_flight(session, &w);
	door_seal(&session->config.door, &w);
	return writer_length(&w);
}

uint64_t session_timer_us(const struct session *session)
{
	bool is_listener = session->config.role == TUNNEL_LISTENER;

	if (session->state == SESSION_ESTABLISHED || session->state == SESSION_FAILED)
		return UINT64_MAX;
	if (is_listener && session->retransmit_us < session->expires_us)
		return session->retransmit_us;
	return session->expires_us;
}

enum handshake_cause session_on_timer(struct session *session, uint64_t now_us)
{
	if (now_us < session_timer_us(session))
		return HANDSHAKE_FINE;
	if (now_us >= session->expires_us)
		return session_fail(session, HANDSHAKE_TIMED_OUT);
	session->interval_us *= 2;
	if (session->interval_us > HANDSHAKE_RETRANSMIT_MAX_US)
		session->interval_us = HANDSHAKE_RETRANSMIT_MAX_US;
	session->wants_send = true;
	return HANDSHAKE_FINE;
}

enum session_state session_state(const struct session *session)
{
	return session->state;
}

uint64_t session_tunnel_id(const struct session *session)
{
	return session->config.tunnel_id;
}

const struct tunnel_keys *session_keys(const struct session *session)
{
	return session->has_keys ? &session->keys : NULL;
}
