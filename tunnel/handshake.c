/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The header of handshake packets and the names of what can be wrong with one.
 */
#include "config.h"

#include "tunnel/handshake.h"

#include "base/bytes.h"

static const char *const cause_names[HANDSHAKE_CAUSE_COUNT] = {
    [HANDSHAKE_FINE] = "fine",
    [HANDSHAKE_MALFORMED] = "malformed",
    [HANDSHAKE_WRONG_TYPE] = "wrong-type",
    [HANDSHAKE_DOOR_UNKNOWN] = "door-unknown",
    [HANDSHAKE_DOOR_FORGED] = "door-forged",
    [HANDSHAKE_COOKIE_WRONG] = "cookie-wrong",
    [HANDSHAKE_COOKIE_MISSING] = "cookie-missing",
    [HANDSHAKE_RETRY_UNWANTED] = "retry-unwanted",
    [HANDSHAKE_HALF_OPEN_LIMIT] = "half-open-limit",
    [HANDSHAKE_TUNNEL_UNKNOWN] = "tunnel-unknown",
    [HANDSHAKE_ADDRESS_CHANGED] = "address-changed",
    [HANDSHAKE_PARAMETERS_REFUSED] = "parameters-refused",
    [HANDSHAKE_PARAMETERS_CHANGED] = "parameters-changed",
    [HANDSHAKE_GAP] = "gap",
    [HANDSHAKE_DUPLICATE] = "duplicate",
    [HANDSHAKE_TLS_FAILED] = "tls-failed",
    [HANDSHAKE_PIN_WRONG] = "pin-wrong",
    [HANDSHAKE_TIMED_OUT] = "timed-out",
    [HANDSHAKE_START_EARLY] = "start-early",
    [HANDSHAKE_START_FORGED] = "start-forged",
    [HANDSHAKE_START_REPLAYED] = "start-replayed",
    [HANDSHAKE_ANSWER_UNWANTED] = "answer-unwanted",
    [HANDSHAKE_OVERLOADED] = "overloaded",
};

const char *handshake_cause_name(enum handshake_cause cause)
{
	return (unsigned)cause < HANDSHAKE_CAUSE_COUNT ? cause_names[cause] : "unknown";
}

enum handshake_cause handshake_count(
    struct handshake_counters *counters, enum handshake_cause cause)
{
	counters->count[cause]++;
	return cause;
}

bool handshake_is(const uint8_t *packet, size_t length)
{
	return length > 0 && (packet[0] & HANDSHAKE_FLAG);
}

bool handshake_role_takes(enum tunnel_role role, enum handshake_type type)
{
	bool to_endpoint = type == HANDSHAKE_INITIATE || type == HANDSHAKE_START;

	return to_endpoint == (role == TUNNEL_ENDPOINT);
}

enum handshake_cause handshake_form_check(
    struct handshake_header *header, enum tunnel_role role, const uint8_t *packet, size_t length)
{
	struct reader r;
	uint8_t flags;

	if (length < HANDSHAKE_HEADER_BYTES + HANDSHAKE_MAC_BYTES
	    || length > HANDSHAKE_PACKET_BYTES)
		return HANDSHAKE_MALFORMED;
	reader_init(&r, packet, length);
	flags = reader_u8(&r);
	if (flags < (HANDSHAKE_FLAG | HANDSHAKE_INITIATE)
	    || flags > (HANDSHAKE_FLAG | HANDSHAKE_UNKNOWN))
		return HANDSHAKE_WRONG_TYPE;
	header->type = (enum handshake_type)(flags & ~HANDSHAKE_FLAG);
	header->connection_id = reader_u32(&r);
	header->door_id = reader_u64(&r);
	header->tunnel_id = reader_u64(&r);
	if (!handshake_role_takes(role, header->type))
		return HANDSHAKE_WRONG_TYPE;
	if (header->type == HANDSHAKE_INITIATE && length != HANDSHAKE_PACKET_BYTES)
		return HANDSHAKE_MALFORMED;
	return HANDSHAKE_FINE;
}

void handshake_header_write(struct writer *w, const struct handshake_header *header)
{
	writer_u8(w, (uint8_t)(HANDSHAKE_FLAG | header->type));
	writer_u32(w, header->connection_id);
	writer_u64(w, header->door_id);
	writer_u64(w, header->tunnel_id);
}
