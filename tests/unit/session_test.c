/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One handshake's state machine over a TLS made up for the test: flights of chosen lengths, a chosen
 * pin, failure on demand.  With the real one see keyring_test.
 */
#include "config.h"

#include "base/bytes.h"
#include "base/err.h"
#include "tests/unit/cmocka_all.h"
#include "tunnel/session.h"

#include <sodium.h>
#include <string.h>

/* Client, server, client: three flights of one byte's value each. */
struct tls_connection {
	enum tls_role role;
	size_t received, queued;
	uint8_t value;
	bool is_established;
};

static size_t flights[3];               /* bytes of each flight */
static uint8_t shown_pin[2][PIN_BYTES]; /* by the role that sees it */
static bool does_export_fail;
static unsigned open_count;

static int fake_open(struct tls_connection **tls, struct tls_identity *identity, enum tls_role role)
{
	(void)identity;
	*tls = calloc(1, sizeof(**tls));
	(*tls)->role = role;
	open_count++;
	return 0;
}

static void fake_close(struct tls_connection *tls)
{
	open_count--;
	free(tls);
}

static int fake_feed(struct tls_connection *tls, const uint8_t *data, size_t length)
{
	if (tls->role == TLS_CLIENT && !length) {
		tls->queued = flights[0];
		tls->value = 1;
		return 0;
	}
	for (size_t i = 0; i < length; i++) {
		size_t at = tls->received++;
		uint8_t expected = tls->role == TLS_CLIENT ? 2 : at < flights[0] ? 1 : 3;

		if (data[i] != expected)
			return ERR_AUTH;
	}
	if (tls->role == TLS_CLIENT && tls->received == flights[1] && !tls->is_established) {
		tls->queued = flights[2];
		tls->value = 3;
		tls->is_established = true;
	} else if (tls->role == TLS_SERVER && tls->received == flights[0]) {
		tls->queued = flights[1];
		tls->value = 2;
	} else if (tls->role == TLS_SERVER && tls->received == flights[0] + flights[2]) {
		tls->is_established = true;
	}
	return 0;
}

static size_t fake_drain(struct tls_connection *tls, uint8_t *out, size_t size)
{
	size_t n = tls->queued < size ? tls->queued : size;

	memset(out, tls->value, n);
	tls->queued -= n;
	return n;
}

static bool fake_is_established(const struct tls_connection *tls)
{
	return tls->is_established;
}

static int fake_peer_pin(const struct tls_connection *tls, uint8_t pin[PIN_BYTES])
{
	memcpy(pin, shown_pin[tls->role], PIN_BYTES);
	return 0;
}

static int fake_export(struct tls_connection *tls, const char *label, const uint8_t *context,
    size_t context_length, uint8_t *out, size_t length)
{
	(void)tls;
	assert_string_equal(label, "EXPORTER-trunkline-1");
	if (does_export_fail)
		return ERR_INVALID;
	crypto_generichash(out, length, context, context_length, NULL, 0);
	return 0;
}

static const struct tls_ops fake_tls = {
    fake_open, fake_close, fake_feed, fake_drain, fake_is_established, fake_peer_pin, fake_export};

static struct session *sides[2]; /* by enum tunnel_role */
static struct door door;
static const uint64_t begin_us = 5000000;

static int start(void **state)
{
	static const uint8_t key[DOOR_SECRET_BYTES] = {1}, pin[PIN_BYTES] = {2};

	(void)state;
	flights[0] = 200;
	flights[1] = 700;
	flights[2] = 500;
	memcpy(shown_pin[0], pin, PIN_BYTES);
	memcpy(shown_pin[1], pin, PIN_BYTES);
	does_export_fail = false;
	door_init(&door, key, pin);
	for (int role = 0; role < 2; role++) {
		struct session_config config = {.role = (enum tunnel_role)role,
		    .tls = &fake_tls,
		    .door = door,
		    .parameters = {TUNNEL_VERSION, AEAD_CHACHA20POLY1305, 2, 5 + (uint64_t)role, 10,
		        1200},
		    .tunnel_id = 42,
		    .local_connection_id = 0x0100000a};

		if (session_new(&sides[role], &config, begin_us) < 0)
			return -1;
	}
	return 0;
}

static int stop(void **state)
{
	(void)state;
	session_free(sides[0]);
	session_free(sides[1]);
	return open_count == 0 ? 0 : -1;
}

struct packet {
	uint8_t bytes[HANDSHAKE_PACKET_BYTES];
	size_t length;
};

static bool send(enum tunnel_role from, struct packet *packet, uint64_t now_us)
{
	packet->length = session_send(sides[from], packet->bytes, now_us);
	return packet->length > 0;
}

static enum handshake_cause receive(
    enum tunnel_role to, const struct packet *packet, uint64_t now_us)
{
	struct handshake_header header;

	assert_int_equal(
	    handshake_form_check(&header, to, packet->bytes, packet->length), HANDSHAKE_FINE);
	assert_int_equal(door_check(&door, packet->bytes, packet->length), HANDSHAKE_FINE);
	return session_receive(sides[to], &header, packet->bytes, packet->length, now_us);
}

/* Carries packets until neither side has any; how many went to the endpoint. */
static unsigned carry(void)
{
	struct packet packet;
	unsigned count = 0;

	while (send(TUNNEL_LISTENER, &packet, begin_us)) {
		count++;
		assert_int_equal(packet.length, HANDSHAKE_PACKET_BYTES);
		assert_int_equal(receive(TUNNEL_ENDPOINT, &packet, begin_us), HANDSHAKE_FINE);
		if (!send(TUNNEL_ENDPOINT, &packet, begin_us))
			break;
		assert_int_equal(receive(TUNNEL_LISTENER, &packet, begin_us), HANDSHAKE_FINE);
		assert_false(send(TUNNEL_ENDPOINT, &packet, begin_us));
	}
	return count;
}

static void assert_agreed(void)
{
	assert_int_equal(session_state(sides[0]), SESSION_ESTABLISHED);
	assert_int_equal(session_state(sides[1]), SESSION_ESTABLISHED);
	assert_memory_equal(
	    session_keys(sides[0])->secret, session_keys(sides[1])->secret, TUNNEL_SECRET_BYTES);
	assert_int_equal(session_keys(sides[0])->peer.instance, 6);
	assert_int_equal(session_keys(sides[1])->peer.instance, 5);
	assert_int_equal(open_count, 0);
}

static void two_round_trips_when_flights_are_short(void **state)
{
	(void)state;
	assert_null(session_keys(sides[0]));
	assert_int_equal(carry(), 2);
	assert_agreed();
	assert_true(session_timer_us(sides[0]) == UINT64_MAX);
	assert_true(session_timer_us(sides[1]) == UINT64_MAX);
}

static void long_flights_go_packet_by_packet(void **state)
{
	(void)state;
	session_free(sides[0]);
	session_free(sides[1]);
	flights[0] = 1500;
	flights[1] = 4000;
	flights[2] = 2500;
	/* start() opens sessions with the default flights: do it again with these. */
	for (int role = 0; role < 2; role++) {
		struct session_config config = {.role = (enum tunnel_role)role,
		    .tls = &fake_tls,
		    .door = door,
		    .parameters = {TUNNEL_VERSION, AEAD_CHACHA20POLY1305, 2, 5 + (uint64_t)role, 10,
		        1200},
		    .tunnel_id = 42};

		assert_int_equal(session_new(&sides[role], &config, begin_us), 0);
	}
	assert_true(carry() >= 7);
	assert_agreed();
}

static void sends_again_later_and_later_until_its_time_is_over(void **state)
{
	static const uint64_t expected_ms[] = {
	    250, 750, 1750, 2750, 3750, 4750, 5750, 6750, 7750, 8750, 9750};
	enum handshake_cause cause = HANDSHAKE_FINE;
	struct packet packet;
	unsigned sent = 0;

	(void)state;
	assert_true(send(TUNNEL_LISTENER, &packet, begin_us));
	while (cause == HANDSHAKE_FINE) {
		uint64_t now_us = session_timer_us(sides[0]);

		cause = session_on_timer(sides[0], now_us);
		if (!send(TUNNEL_LISTENER, &packet, now_us))
			continue;
		assert_true(sent < 11);
		assert_int_equal(now_us, begin_us + expected_ms[sent] * 1000);
		sent++;
	}
	assert_int_equal(cause, HANDSHAKE_TIMED_OUT);
	assert_int_equal(sent, 11);
	assert_int_equal(session_state(sides[0]), SESSION_FAILED);
	assert_true(session_timer_us(sides[0]) == UINT64_MAX);
}

static void an_endpoint_that_falls_silent_is_given_up_soon(void **state)
{
	enum handshake_cause cause = HANDSHAKE_FINE;
	uint64_t now_us = begin_us + 5000;
	struct packet packet;

	(void)state;
	send(TUNNEL_LISTENER, &packet, begin_us);
	receive(TUNNEL_ENDPOINT, &packet, begin_us);
	assert_true(send(TUNNEL_ENDPOINT, &packet, begin_us));
	assert_int_equal(receive(TUNNEL_LISTENER, &packet, now_us), HANDSHAKE_FINE);
	while (cause == HANDSHAKE_FINE) {
		now_us = session_timer_us(sides[0]);
		cause = session_on_timer(sides[0], now_us);
		send(TUNNEL_LISTENER, &packet, now_us);
	}
	assert_int_equal(cause, HANDSHAKE_TIMED_OUT);
	assert_int_equal(now_us, begin_us + 5000 + HANDSHAKE_STALLED_US);
}

static void the_endpoint_waits_and_forgets(void **state)
{
	struct packet packet;

	(void)state;
	send(TUNNEL_LISTENER, &packet, begin_us);
	receive(TUNNEL_ENDPOINT, &packet, begin_us);
	assert_int_equal(session_timer_us(sides[1]), begin_us + HANDSHAKE_TIMEOUT_US);
	assert_int_equal(
	    session_on_timer(sides[1], begin_us + HANDSHAKE_TIMEOUT_US), HANDSHAKE_TIMED_OUT);
}

static void a_doubled_packet_is_answered_once_each(void **state)
{
	struct packet first, answers[2];

	(void)state;
	send(TUNNEL_LISTENER, &first, begin_us);
	assert_int_equal(receive(TUNNEL_ENDPOINT, &first, begin_us), HANDSHAKE_FINE);
	assert_true(send(TUNNEL_ENDPOINT, &answers[0], begin_us));
	assert_int_equal(receive(TUNNEL_ENDPOINT, &first, begin_us), HANDSHAKE_DUPLICATE);
	assert_true(send(TUNNEL_ENDPOINT, &answers[1], begin_us));
	assert_memory_equal(answers[0].bytes, answers[1].bytes, answers[0].length);
	assert_int_equal(receive(TUNNEL_LISTENER, &answers[0], begin_us), HANDSHAKE_FINE);
	send(TUNNEL_LISTENER, &first, begin_us);
	assert_int_equal(receive(TUNNEL_LISTENER, &answers[1], begin_us), HANDSHAKE_DUPLICATE);
	/* The doubled answer is no reason to send. */
	assert_false(send(TUNNEL_LISTENER, &first, begin_us));
}

static void a_gap_is_dropped_and_mended(void **state)
{
	struct packet packets[2];

	(void)state;
	flights[0] = 200;
	send(TUNNEL_LISTENER, &packets[0], begin_us);
	/* Its data moved on by 10: offset is behind ids, cookie length and parameters. */
	packets[1] = packets[0];
	packets[1].bytes[HANDSHAKE_HEADER_BYTES + 4 + 1 + TUNNEL_PARAMETERS_BYTES + 1] = 10;
	{
		struct writer w;

		writer_init(&w, packets[1].bytes, HANDSHAKE_PACKET_BYTES);
		writer_skip(&w, HANDSHAKE_PACKET_BYTES - HANDSHAKE_MAC_BYTES);
		door_seal(&door, &w);
	}
	assert_int_equal(receive(TUNNEL_ENDPOINT, &packets[1], begin_us), HANDSHAKE_GAP);
	assert_false(send(TUNNEL_ENDPOINT, &packets[1], begin_us));
	assert_int_equal(receive(TUNNEL_ENDPOINT, &packets[0], begin_us), HANDSHAKE_FINE);
}

static void a_failed_side_is_silent(void **state)
{
	static const struct {
		int side;
		bool is_pin;
		enum handshake_cause cause;
	} cases[] = {{0, true, HANDSHAKE_PIN_WRONG}, {1, true, HANDSHAKE_PIN_WRONG},
	    {0, false, HANDSHAKE_TLS_FAILED}};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct packet packet;
		enum handshake_cause cause = HANDSHAKE_FINE;

		stop(NULL);
		start(NULL);
		if (cases[i].is_pin)
			shown_pin[cases[i].side][0] ^= 1;
		else
			does_export_fail = true;
		for (int round = 0; round < 4 && cause == HANDSHAKE_FINE; round++) {
			enum tunnel_role from = (enum tunnel_role)(round % 2);

			assert_true(send(from, &packet, begin_us));
			cause = receive((enum tunnel_role)(1 - from), &packet, begin_us);
		}
		assert_int_equal(cause, cases[i].cause);
		assert_int_equal(session_state(sides[cases[i].side]), SESSION_FAILED);
		assert_null(session_keys(sides[cases[i].side]));
		assert_false(send((enum tunnel_role)cases[i].side, &packet, begin_us));
	}
}

static void a_cookie_is_shown_and_changed_thrice_at_most(void **state)
{
	uint8_t cookie[HANDSHAKE_COOKIE_BYTES] = {1};
	struct packet packet, retry;
	const uint8_t *shown;

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct handshake_header header;

		assert_int_equal(send(TUNNEL_LISTENER, &packet, begin_us), i < 4);
		handshake_form_check(&header, TUNNEL_ENDPOINT, packet.bytes, packet.length);
		assert_int_equal(
		    initiate_cookie(packet.bytes, packet.length, &shown), HANDSHAKE_FINE);
		if (i == 0)
			assert_null(shown);
		else
			assert_memory_equal(shown, cookie, sizeof(cookie));
		cookie[0]++;
		retry.length = retry_build(&door, &header, packet.bytes, cookie, retry.bytes);
		assert_true(retry.length < packet.length);
		assert_int_equal(receive(TUNNEL_LISTENER, &retry, begin_us),
		    i < 3 ? HANDSHAKE_FINE : HANDSHAKE_RETRY_UNWANTED);
		if (i == 0) {
			assert_int_equal(
			    receive(TUNNEL_LISTENER, &retry, begin_us), HANDSHAKE_DUPLICATE);
		}
	}
}

static void bytes_after_the_end_are_refused(void **state)
{
	struct packet packet;
	struct writer w;
	size_t at = HANDSHAKE_HEADER_BYTES + 4 + 1 + TUNNEL_PARAMETERS_BYTES;

	(void)state;
	for (int i = 0; i < 2; i++) {
		send(TUNNEL_LISTENER, &packet, begin_us);
		receive(TUNNEL_ENDPOINT, &packet, begin_us);
		if (i == 0) {
			struct packet answer;

			send(TUNNEL_ENDPOINT, &answer, begin_us);
			receive(TUNNEL_LISTENER, &answer, begin_us);
		}
	}
	assert_int_equal(session_state(sides[1]), SESSION_ESTABLISHED);
	/* One byte more than the last flight has. */
	packet.bytes[at + 5]++;
	writer_init(&w, packet.bytes, HANDSHAKE_PACKET_BYTES);
	writer_skip(&w, HANDSHAKE_PACKET_BYTES - HANDSHAKE_MAC_BYTES);
	door_seal(&door, &w);
	assert_int_equal(receive(TUNNEL_ENDPOINT, &packet, begin_us), HANDSHAKE_MALFORMED);
	assert_int_equal(session_state(sides[1]), SESSION_ESTABLISHED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(two_round_trips_when_flights_are_short, start, stop),
	    cmocka_unit_test_setup_teardown(long_flights_go_packet_by_packet, start, stop),
	    cmocka_unit_test_setup_teardown(
	        sends_again_later_and_later_until_its_time_is_over, start, stop),
	    cmocka_unit_test_setup_teardown(
	        an_endpoint_that_falls_silent_is_given_up_soon, start, stop),
	    cmocka_unit_test_setup_teardown(the_endpoint_waits_and_forgets, start, stop),
	    cmocka_unit_test_setup_teardown(a_doubled_packet_is_answered_once_each, start, stop),
	    cmocka_unit_test_setup_teardown(a_gap_is_dropped_and_mended, start, stop),
	    cmocka_unit_test_setup_teardown(a_failed_side_is_silent, start, stop),
	    cmocka_unit_test_setup_teardown(
	        a_cookie_is_shown_and_changed_thrice_at_most, start, stop),
	    cmocka_unit_test_setup_teardown(bytes_after_the_end_are_refused, start, stop),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
