/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The handshake of one tunnel, from either side: TLS 1.3 carried in handshake packets with offsets
 * and acknowledgements, as QUIC's CRYPTO frames (RFC 9000 section 19.6), and the tunnel secret at
 * its end.  The listener drives it and sends again; the endpoint answers each packet by at most one
 * that is no longer, so it can never send more than it got.
 * It knows no addresses, cookies' makers or other sessions: those are keyring's and gate's.
 */
#ifndef TUNNEL_SESSION_H
#define TUNNEL_SESSION_H

#include "tunnel/door.h"
#include "tunnel/parameters.h"
#include "tunnel/tls.h"

struct session;

enum session_state {
	SESSION_SHAKING,     /* TLS is under way */
	SESSION_CONFIRMING,  /* listener: complete here, the endpoint did not say so yet */
	SESSION_ESTABLISHED, /* the results below are there */
	SESSION_FAILED,      /* for good; it sends and takes nothing */
};

struct session_config {
	enum tunnel_role role;
	const struct tls_ops *tls;
	struct tls_identity *identity;       /* outlives the session */
	struct door door;                    /* copied; its pin is the peer's */
	struct tunnel_parameters parameters; /* ours; aeads = what we can */
	uint64_t tunnel_id;
	uint32_t local_connection_id;  /* listener: where answers shall come to */
	uint32_t remote_connection_id; /* listener: where INITIATE goes to */
};

/* What both sides know at the end. */
struct tunnel_keys {
	uint8_t secret[TUNNEL_SECRET_BYTES];
	enum aead_kind aead;
	struct tunnel_parameters peer;
	uint8_t peer_pin[PIN_BYTES];
};

/* An endpoint makes one when the first INITIATE of a tunnel id came. 0 or ERR_NOMEM. */
int session_new(struct session **session, const struct session_config *config, uint64_t now_us);
/* Erases and frees it; takes NULL. */
void session_free(struct session *session);

/* One packet that doors_check() found fine and whose tunnel id is this session's. */
enum handshake_cause session_receive(struct session *session, const struct handshake_header *header,
    const uint8_t *packet, size_t length, uint64_t now_us);
/*
 * Writes the packet that is due now to out (HANDSHAKE_PACKET_BYTES of room): its length, or 0.
 * Call it after session_new() and session_receive() and when session_timer_us() is due.
 */
size_t session_send(struct session *session, uint8_t *out, uint64_t now_us);
/* When session_on_timer() is due; UINT64_MAX for never. */
uint64_t session_timer_us(const struct session *session);
/* HANDSHAKE_TIMED_OUT when the session failed just now because its time was over. */
enum handshake_cause session_on_timer(struct session *session, uint64_t now_us);

enum session_state session_state(const struct session *session);
uint64_t session_tunnel_id(const struct session *session);
/* Erased with the session; NULL before SESSION_CONFIRMING and after a failure. */
const struct tunnel_keys *session_keys(const struct session *session);

/* The cookie of an INITIATE, in place; NULL when it has none. HANDSHAKE_MALFORMED or fine. */
enum handshake_cause initiate_cookie(const uint8_t *packet, size_t length, const uint8_t **cookie);
/* Builds the RETRY that answers an INITIATE; its length. out has HANDSHAKE_PACKET_BYTES of room. */
size_t retry_build(const struct door *door, const struct handshake_header *initiate,
    const uint8_t *packet, const uint8_t cookie[HANDSHAKE_COOKIE_BYTES], uint8_t *out);

#endif
