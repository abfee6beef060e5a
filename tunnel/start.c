/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * START, STARTED and UNKNOWN: written, read and proved.
 */
#include "config.h"

#include "tunnel/start.h"

#include "base/bytes.h"

#include <sodium.h>
#include <string.h>

enum {
	START_BODY_BYTES =
	    21, /* lane 1, incarnation 4, connection id 4, old tunnel 8, old incarnation 4 */
	STARTED_BODY_BYTES = 10, /* lane 1, incarnation 4, status 1, connection id 4 */
	UNKNOWN_BODY_BYTES = 5,  /* lane 1, incarnation 4 */
	START_BYTES = HANDSHAKE_HEADER_BYTES + START_BODY_BYTES + 2 * HANDSHAKE_MAC_BYTES,
	STARTED_BYTES = HANDSHAKE_HEADER_BYTES + STARTED_BODY_BYTES + 2 * HANDSHAKE_MAC_BYTES,
	UNKNOWN_BYTES = HANDSHAKE_HEADER_BYTES + UNKNOWN_BODY_BYTES + HANDSHAKE_MAC_BYTES,
};
_Static_assert(STARTED_BYTES <= START_BYTES && UNKNOWN_BYTES <= START_BYTES,
    "no answer is longer than what it answers");

/* Which secret: the last byte of what is hashed. */
enum secret_use { SECRET_TO_ENDPOINT = 1, SECRET_TO_LISTENER = 2, SECRET_START = 3 };

static void secret_derive(uint8_t out[AEAD_SECRET_BYTES], const uint8_t *tunnel_secret,
    const struct lane_grant *grant, enum secret_use use)
{
	uint8_t input[32];
	struct writer w;

	writer_init(&w, input, sizeof(input));
	writer_bytes(&w, "trunkline-1 lane", 16);
	writer_u8(&w, grant->lane);
	writer_u32(&w, grant->name.incarnation);
	writer_u8(&w, (uint8_t)use);
	crypto_generichash(
	    out, AEAD_SECRET_BYTES, input, writer_length(&w), tunnel_secret, TUNNEL_SECRET_BYTES);
}

void lane_grant_derive(struct lane_grant *grant, enum tunnel_role role,
    const uint8_t tunnel_secret[TUNNEL_SECRET_BYTES], const struct lane_name *name, uint8_t lane)
{
	bool is_listener = role == TUNNEL_LISTENER;

	grant->name = *name;
	grant->lane = lane;
	secret_derive(is_listener ? grant->send_secret : grant->receive_secret, tunnel_secret,
	    grant, SECRET_TO_ENDPOINT);
	secret_derive(is_listener ? grant->receive_secret : grant->send_secret, tunnel_secret,
	    grant, SECRET_TO_LISTENER);
	secret_derive(grant->start_key, tunnel_secret, grant, SECRET_START);
}

void lane_grant_clear(struct lane_grant *grant)
{
	sodium_memzero(grant, sizeof(*grant));
}

unsigned lane_slot(unsigned lane, const uint8_t listener_pin[PIN_BYTES],
    const uint8_t endpoint_pin[PIN_BYTES], unsigned slots)
{
	uint8_t pins[2 * PIN_BYTES], hash[crypto_generichash_BYTES_MIN];
	struct reader r;

	memcpy(pins, listener_pin, PIN_BYTES);
	memcpy(pins + PIN_BYTES, endpoint_pin, PIN_BYTES);
	crypto_generichash(hash, sizeof(hash), pins, sizeof(pins), NULL, 0);
	reader_init(&r, hash, sizeof(hash));
	return slots ? (reader_u32(&r) % slots + lane) % slots : 0;
}

/* The MAC of START and STARTED under the tunnel, over all before it: the type is in there. */
static void tunnel_mac(uint8_t mac[HANDSHAKE_MAC_BYTES], const uint8_t key[AEAD_SECRET_BYTES],
    const uint8_t *packet, size_t length)
{
	crypto_generichash(mac, HANDSHAKE_MAC_BYTES, packet, length, key, AEAD_SECRET_BYTES);
}

static void tunnel_seal(const uint8_t key[AEAD_SECRET_BYTES], struct writer *packet)
{
	uint8_t mac[HANDSHAKE_MAC_BYTES];

	tunnel_mac(mac, key, packet->start, writer_length(packet));
	writer_bytes(packet, mac, sizeof(mac));
}

static bool tunnel_check(const uint8_t key[AEAD_SECRET_BYTES], const uint8_t *packet, size_t length)
{
	size_t proved = length - 2 * HANDSHAKE_MAC_BYTES;
	uint8_t mac[HANDSHAKE_MAC_BYTES];

	tunnel_mac(mac, key, packet, proved);
	return sodium_memcmp(mac, packet + proved, sizeof(mac)) == 0;
}

static const uint8_t *start_mac(const uint8_t *packet)
{
	return packet + HANDSHAKE_HEADER_BYTES + START_BODY_BYTES;
}

enum handshake_cause start_read(struct start *start, const uint8_t *packet, size_t length)
{
	struct reader r;

	if (length != START_BYTES)
		return HANDSHAKE_MALFORMED;
	reader_init(&r, packet + HANDSHAKE_HEADER_BYTES, START_BODY_BYTES);
	start->lane = reader_u8(&r);
	start->incarnation = reader_u32(&r);
	start->connection_id = reader_u32(&r);
	start->old.tunnel_id = reader_u64(&r);
	start->old.incarnation = reader_u32(&r);
	if (start->lane >= TUNNEL_LANES_MAX || start->incarnation == 0)
		return HANDSHAKE_MALFORMED;
	return HANDSHAKE_FINE;
}

enum handshake_cause start_verify(
    const uint8_t start_key[AEAD_SECRET_BYTES], const uint8_t *packet, size_t length)
{
	if (length != START_BYTES)
		return HANDSHAKE_MALFORMED;
	return tunnel_check(start_key, packet, length) ? HANDSHAKE_FINE : HANDSHAKE_START_FORGED;
}

void start_mac_copy(uint8_t mac[HANDSHAKE_MAC_BYTES], const uint8_t *packet)
{
	memcpy(mac, start_mac(packet), HANDSHAKE_MAC_BYTES);
}

size_t started_build(const struct door *door, const struct lane_grant *grant,
    enum started_status status, uint32_t connection_id, uint8_t *out)
{
	struct handshake_header header = {
	    .type = HANDSHAKE_STARTED,
	    .connection_id = grant->start.connection_id,
	    .door_id = grant->door_id,
	    .tunnel_id = grant->name.tunnel_id,
	};
	struct writer w;

	writer_init(&w, out, HANDSHAKE_PACKET_BYTES);
	handshake_header_write(&w, &header);
	writer_u8(&w, grant->lane);
	writer_u32(&w, grant->name.incarnation);
	writer_u8(&w, (uint8_t)status);
	writer_u32(&w, connection_id);
	tunnel_seal(grant->start_key, &w);
	door_seal(door, &w);
	return writer_length(&w);
}

size_t unknown_build(const struct door *door, const struct handshake_header *start_header,
    const struct start *start, uint8_t *out)
{
	struct handshake_header header = *start_header;
	struct writer w;

	header.type = HANDSHAKE_UNKNOWN;
	header.connection_id = start->connection_id;
	writer_init(&w, out, HANDSHAKE_PACKET_BYTES);
	handshake_header_write(&w, &header);
	writer_u8(&w, start->lane);
	writer_u32(&w, start->incarnation);
	door_seal(door, &w);
	return writer_length(&w);
}

void start_answer_keep(struct start_answer *answer, const struct lane_grant *grant,
    const uint8_t *packet, size_t length)
{
	if (length > sizeof(answer->packet))
		return;
	memcpy(answer->start_mac, grant->start_mac, sizeof(answer->start_mac));
	memcpy(answer->packet, packet, length);
	answer->length = length;
}

bool start_answer_matches(const struct start_answer *answer, const uint8_t *packet, size_t length)
{
	return answer->length && length == START_BYTES
	       && sodium_memcmp(answer->start_mac, start_mac(packet), HANDSHAKE_MAC_BYTES) == 0;
}

void start_attempt_begin(struct start_attempt *attempt, const struct door *door,
    const struct lane_grant *grant, unsigned slot, uint32_t connection_id,
    const struct lane_name *old, uint64_t now_us)
{
	static const struct lane_name none;
	struct handshake_header header = {
	    .type = HANDSHAKE_START,
	    .connection_id = (uint32_t)slot << 24,
	    .door_id = grant->door_id,
	    .tunnel_id = grant->name.tunnel_id,
	};
	struct writer w;

	if (!old)
		old = &none;
	writer_init(&w, attempt->packet, sizeof(attempt->packet));
	handshake_header_write(&w, &header);
	writer_u8(&w, grant->lane);
	writer_u32(&w, grant->name.incarnation);
	writer_u32(&w, connection_id);
	writer_u64(&w, old->tunnel_id);
	writer_u32(&w, old->incarnation);
	tunnel_seal(grant->start_key, &w);
	door_seal(door, &w);
	attempt->length = writer_length(&w);
	attempt->tunnel_id = grant->name.tunnel_id;
	attempt->incarnation = grant->name.incarnation;
	attempt->lane = grant->lane;
	memcpy(attempt->start_key, grant->start_key, sizeof(attempt->start_key));
	attempt->interval_us = HANDSHAKE_RETRANSMIT_US;
	attempt->send_us = now_us;
	attempt->expires_us = now_us + START_TIMEOUT_US;
	attempt->is_active = true;
}

void start_attempt_end(struct start_attempt *attempt)
{
	sodium_memzero(attempt, sizeof(*attempt));
}

uint64_t start_attempt_timer_us(const struct start_attempt *attempt)
{
	if (!attempt->is_active)
		return UINT64_MAX;
	return attempt->send_us < attempt->expires_us ? attempt->send_us : attempt->expires_us;
}

bool start_attempt_poll(struct start_attempt *attempt, uint64_t now_us)
{
	if (!attempt->is_active)
		return false;
	if (now_us >= attempt->expires_us) {
		start_attempt_end(attempt);
		return false;
	}
	if (now_us < attempt->send_us)
		return false;
	attempt->send_us = now_us + attempt->interval_us;
	attempt->interval_us *= 2;
	if (attempt->interval_us > START_RETRANSMIT_MAX_US)
		attempt->interval_us = START_RETRANSMIT_MAX_US;
	return true;
}

static enum handshake_cause receive_started(const struct start_attempt *attempt,
    const uint8_t *packet, size_t length, struct started *started)
{
	struct reader r;
	uint8_t status;

	if (length != STARTED_BYTES)
		return HANDSHAKE_MALFORMED;
	reader_init(&r, packet + HANDSHAKE_HEADER_BYTES, STARTED_BODY_BYTES);
	started->lane = reader_u8(&r);
	started->incarnation = reader_u32(&r);
	status = reader_u8(&r);
	started->connection_id = reader_u32(&r);
	if (started->lane != attempt->lane || started->incarnation != attempt->incarnation)
		return HANDSHAKE_ANSWER_UNWANTED;
	if (!tunnel_check(attempt->start_key, packet, length))
		return HANDSHAKE_START_FORGED;
	if (status != STARTED_NEW && status != STARTED_ALIVE)
		return HANDSHAKE_MALFORMED;
	started->status = (enum started_status)status;
	return HANDSHAKE_FINE;
}

static enum handshake_cause receive_unknown(
    const struct start_attempt *attempt, const uint8_t *packet, size_t length)
{
	struct reader r;
	uint32_t incarnation;
	uint8_t lane;

	if (length != UNKNOWN_BYTES)
		return HANDSHAKE_MALFORMED;
	reader_init(&r, packet + HANDSHAKE_HEADER_BYTES, UNKNOWN_BODY_BYTES);
	lane = reader_u8(&r);
	incarnation = reader_u32(&r);
	if (lane != attempt->lane || incarnation != attempt->incarnation)
		return HANDSHAKE_ANSWER_UNWANTED;
	return HANDSHAKE_FINE;
}

enum handshake_cause start_attempt_receive(struct start_attempt *attempt,
    const struct handshake_header *header, const uint8_t *packet, size_t length,
    struct started *started)
{
	enum handshake_cause cause;

	if (header->type != HANDSHAKE_STARTED && header->type != HANDSHAKE_UNKNOWN)
		return HANDSHAKE_WRONG_TYPE;
	if (!attempt->is_active || header->tunnel_id != attempt->tunnel_id)
		return HANDSHAKE_ANSWER_UNWANTED;
	if (header->type == HANDSHAKE_STARTED)
		cause = receive_started(attempt, packet, length, started);
	else
		cause = receive_unknown(attempt, packet, length);
	if (cause == HANDSHAKE_FINE)
		start_attempt_end(attempt);
	return cause;
}
