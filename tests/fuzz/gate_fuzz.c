/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The door, met by one who has its key: handshake packets of any body under a right MAC, with the cookie that RETRY
 * gave, an old one or another's, from several addresses, while time passes and load comes and goes.  Nothing is answered
 * with more than it brought, each packet is counted once or passes, and a cookie serves only who got it.
 */
#include "config.h"

#include "base/bytes.h"
#include "tests/fuzz/require.h"
#include "tunnel/gate.h"
#include "tunnel/parameters.h"
#include "tunnel/session.h"
#include "tunnel/start.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { STEPS = 64, ADDRESSES = 3, TUNNELS = 4 };

/* What one address got for one tunnel; [0] is the newest. */
struct cookies {
	uint8_t bytes[2][HANDSHAKE_COOKIE_BYTES];
	unsigned count;
	uint64_t made_us; /* of the newest */
};

struct state {
	struct gate gate;
	struct door door;
	struct addr addresses[ADDRESSES];
	struct cookies cookies[ADDRESSES][TUNNELS];
	uint64_t now_us, counted, seed;
};

static void next_random(void *context, void *out, size_t length)
{
	uint64_t *seed = context;

	memset(out, (int)++*seed, length);
}

static uint64_t counted(const struct gate *gate)
{
	uint64_t sum = 0;

	for (int i = 0; i < HANDSHAKE_CAUSE_COUNT; i++)
		sum += gate->counters.count[i];
	return sum;
}

/* An INITIATE's body up to the parameters, with one of the cookies that there are. */
static void write_initiate(
    struct state *s, struct reader *r, struct writer *w, unsigned from, unsigned tunnel)
{
	uint8_t how = reader_u8(r);

	writer_u32(w, 5); /* our connection id */
	if (how % 4 == 0) {
		writer_u8(w, 0);
	} else if (how % 4 == 1) {
		writer_u8(w, reader_u8(r)); /* another length, and whatever follows */
	} else {
		if (how % 4 == 2) {
			from = how / 4 % ADDRESSES;
			tunnel = how / 16 % TUNNELS;
		}
		writer_u8(w, HANDSHAKE_COOKIE_BYTES);
		writer_bytes(w, s->cookies[from][tunnel].bytes[how >> 7], HANDSHAKE_COOKIE_BYTES);
	}
}

static void fill(struct reader *r, struct writer *w, size_t length)
{
	while (writer_left(w) > 0 && length-- > 0)
		writer_u8(w, reader_left(r) > 0 ? reader_u8(r) : 0);
}

static void pad(struct writer *w)
{
	while (writer_left(w) > 0)
		writer_u8(w, 0);
}

static void take_retry(
    struct state *s, struct cookies *cookies, unsigned tunnel, const struct gate_answer *answer)
{
	const uint8_t *cookie = answer->packet + HANDSHAKE_HEADER_BYTES;
	struct handshake_header header;

	require(handshake_form_check(&header, TUNNEL_LISTENER, answer->packet, answer->length)
	        == HANDSHAKE_FINE);
	require(header.type == HANDSHAKE_RETRY && header.tunnel_id == tunnel);
	require(door_check(&s->door, answer->packet, answer->length) == HANDSHAKE_FINE);
	if (!cookies->count || memcmp(cookies->bytes[0], cookie, HANDSHAKE_COOKIE_BYTES) != 0) {
		memcpy(cookies->bytes[1], cookies->bytes[0], HANDSHAKE_COOKIE_BYTES);
		memcpy(cookies->bytes[0], cookie, HANDSHAKE_COOKIE_BYTES);
		cookies->count += cookies->count < 2;
	}
	cookies->made_us = s->now_us;
}

/* A cookie counts for who got it, surely for the time of one key, surely not beyond two. */
static void check_cookie(struct state *s, const struct cookies *cookies, const uint8_t *packet,
    size_t length, enum handshake_cause cause)
{
	uint64_t age_us = s->now_us - cookies->made_us;
	const uint8_t *cookie;
	bool is_newest, is_older;

	if (initiate_cookie(packet, length, &cookie) != HANDSHAKE_FINE)
		return;
	if (!cookie) {
		require((cause == HANDSHAKE_FINE) == !s->gate.are_cookies_demanded);
		return;
	}
	is_newest =
	    cookies->count > 0 && memcmp(cookies->bytes[0], cookie, HANDSHAKE_COOKIE_BYTES) == 0;
	is_older =
	    cookies->count > 1 && memcmp(cookies->bytes[1], cookie, HANDSHAKE_COOKIE_BYTES) == 0;
	if (is_newest && age_us < COOKIE_TURN_US)
		require(cause == HANDSHAKE_FINE);
	else if (cause == HANDSHAKE_FINE)
		require((is_newest || is_older) && age_us < 2 * COOKIE_TURN_US);
}

/* What a worker reads of what passed. */
static void read_passed(const struct handshake_header *header, const uint8_t *packet, size_t length)
{
	static const struct start_answer none;
	struct start start;
	const uint8_t *cookie;

	if (header->type == HANDSHAKE_INITIATE)
		require(initiate_cookie(packet, length, &cookie) == HANDSHAKE_FINE);
	else if (header->type == HANDSHAKE_START
	         && start_read(&start, packet, length) == HANDSHAKE_FINE)
		require(start.incarnation > 0 && start.lane < TUNNEL_LANES_MAX
		        && !start_answer_matches(&none, packet, length));
}

static void judge(
    struct state *s, unsigned from, unsigned tunnel, const uint8_t *packet, size_t length)
{
	struct cookies *cookies = &s->cookies[from][tunnel];
	struct handshake_header header;
	struct gate_answer answer;
	const struct door *door;
	enum handshake_cause cause = gate_check(
	    &s->gate, &s->addresses[from], packet, length, &header, &door, &answer, s->now_us);

	require(answer.length <= length);
	s->counted += cause != HANDSHAKE_FINE;
	require(counted(&s->gate) == s->counted);
	if (handshake_form_check(&header, s->gate.role, packet, length) != HANDSHAKE_FINE)
		return;
	if (header.type == HANDSHAKE_INITIATE)
		check_cookie(s, cookies, packet, length, cause);
	if (answer.length > 0)
		take_retry(s, cookies, tunnel, &answer);
	if (cause == HANDSHAKE_FINE)
		read_passed(&header, packet, length);
}

/* One packet of any type under the door's MAC. */
static void knock(struct state *s, struct reader *r)
{
	uint8_t bytes[HANDSHAKE_PACKET_BYTES], what = reader_u8(r), where = reader_u8(r), *packet;
	unsigned from = where % ADDRESSES, tunnel = where / 4 % TUNNELS;
	struct handshake_header header = {
	    .type = (enum handshake_type)(what % 8), .door_id = s->door.id, .tunnel_id = tunnel};
	struct writer w;
	size_t length;

	writer_init(&w, bytes, sizeof(bytes) - HANDSHAKE_MAC_BYTES);
	handshake_header_write(&w, &header);
	if (header.type == HANDSHAKE_INITIATE)
		write_initiate(s, r, &w, from, tunnel);
	fill(r, &w, reader_u8(r));
	/* Every INITIATE is as long as can be. */
	if (header.type == HANDSHAKE_INITIATE && what < 0xe0)
		pad(&w);
	length = writer_length(&w);
	writer_init(&w, bytes, sizeof(bytes));
	writer_skip(&w, length);
	door_seal(&s->door, &w);
	packet = malloc(writer_length(&w)); /* exactly as large, so that ASan sees one byte more */
	memcpy(packet, bytes, writer_length(&w));
	judge(s, from, tunnel, packet, writer_length(&w));
	free(packet);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t key[DOOR_SECRET_BYTES] = {1}, pin[PIN_BYTES] = {2};
	struct state s = {.now_us = 1};
	struct reader r;

	if (sodium_init() < 0 || size < 2)
		return 0;
	addr_parse("192.0.2.1:1000", 0, &s.addresses[0]);
	addr_parse("192.0.2.1:1001", 0, &s.addresses[1]);
	addr_parse("[2001:db8::1]:1000", 0, &s.addresses[2]);
	gate_init(&s.gate, data[0] & 1 ? TUNNEL_LISTENER : TUNNEL_ENDPOINT, next_random, &s.seed,
	    s.now_us);
	door_init(&s.door, key, pin);
	require(doors_put(&s.gate.doors, &s.door) == 0);
	reader_init(&r, data + 1, size - 1);
	for (int i = 0; i < STEPS && reader_left(&r) > 0; i++) {
		uint8_t op = reader_u8(&r);

		if (op % 4 == 0)
			s.now_us += (uint64_t)op * 2000000;
		else if (op % 4 == 1)
			s.gate.are_cookies_demanded = op & 8;
		else
			knock(&s, &r);
	}
	gate_clear(&s.gate);
	return 0;
}
