/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Whole handshakes with the real wolfSSL, seeded, between two nodes: what completes, what fails
 * closed, and that exactly the right counter rises by exactly the right number.
 */
#include "config.h"

#include "base/bytes.h"
#include "tests/support/handshake_pair.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static struct handshake_pair pair;

/* Every counter of that node is zero but those given; ends with HANDSHAKE_FINE. */
static void assert_only(enum tunnel_role role, enum handshake_cause cause, uint64_t count)
{
	for (int i = 1; i < HANDSHAKE_CAUSE_COUNT; i++) {
		uint64_t expected = i == (int)cause ? count : 0;
		uint64_t actual = pair_count(&pair, role, (enum handshake_cause)i);

		if (actual != expected)
			fail_msg("%s at %s is %llu, not %llu",
			    handshake_cause_name((enum handshake_cause)i),
			    role == TUNNEL_LISTENER ? "listener" : "endpoint",
			    (unsigned long long)actual, (unsigned long long)expected);
	}
}

static void assert_clean(enum tunnel_role role)
{
	assert_only(role, HANDSHAKE_FINE, 0);
}

static void completes_in_three_packets_each_way(void **state)
{
	(void)state;
	pair_start(&pair, 1);
	pair_dial(&pair, NULL);
	pair_run(&pair, UINT64_MAX);
	assert_true(pair_agrees(&pair));
	assert_int_equal(pair.started.status, STARTED_NEW);
	assert_int_equal(pair.listener_grant.aead, AEAD_AES256GCM);
	assert_int_equal(pair.listener_grant.peer.workers, 4);
	assert_memory_equal(pair.listener_grant.peer_pin,
	    handshake_node_pin(pair.nodes[TUNNEL_ENDPOINT]), PIN_BYTES);
	assert_memory_equal(pair.endpoint_grant.peer_pin,
	    handshake_node_pin(pair.nodes[TUNNEL_LISTENER]), PIN_BYTES);
	assert_int_equal(pair.carried[TUNNEL_ENDPOINT], 3);
	assert_int_equal(pair.carried[TUNNEL_LISTENER], 3);
	assert_true(pair.bytes[TUNNEL_LISTENER] <= pair.bytes[TUNNEL_ENDPOINT]);
	assert_clean(TUNNEL_LISTENER);
	assert_clean(TUNNEL_ENDPOINT);
	assert_int_equal(keyring_half_open(handshake_node_keyring(pair.nodes[TUNNEL_ENDPOINT])), 0);
	pair_end(&pair);
}

static void a_second_lane_start_needs_no_tls(void **state)
{
	struct lane_grant first;

	(void)state;
	pair_start(&pair, 2);
	pair_dial(&pair, NULL);
	pair_run(&pair, UINT64_MAX);
	first = pair.listener_grant;
	pair_dial(&pair, &first.name);
	pair_run(&pair, UINT64_MAX);
	assert_true(pair_agrees(&pair));
	assert_int_equal(pair.carried[TUNNEL_ENDPOINT], 4);
	assert_int_equal(pair.listener_grant.name.incarnation, first.name.incarnation + 1);
	assert_memory_not_equal(
	    pair.listener_grant.send_secret, first.send_secret, AEAD_SECRET_BYTES);
	assert_int_equal(pair.started.status, STARTED_NEW);
	/* The endpoint holds the second one: a third start finds it alive. */
	pair.held = pair.listener_grant.name;
	pair_dial(&pair, &pair.held);
	pair_run(&pair, UINT64_MAX);
	assert_int_equal(pair.started.status, STARTED_ALIVE);
	pair_end(&pair);
}

/* A tunnel whose STARTs nobody can prove does not live for ever. */
static void after_some_starts_there_is_a_new_tunnel(void **state)
{
	uint64_t first;

	(void)state;
	pair_start(&pair, 18);
	pair_dial(&pair, NULL);
	pair_run(&pair, UINT64_MAX);
	first = pair.listener_grant.name.tunnel_id;
	for (unsigned i = 2; i <= KEYRING_LANE_STARTS_MAX + 1; i++) {
		pair_dial(&pair, &pair.listener_grant.name);
		pair_run(&pair, UINT64_MAX);
		assert_true(pair_agrees(&pair));
		assert_int_equal(pair.starts, i);
		if (i <= KEYRING_LANE_STARTS_MAX)
			assert_true(pair.listener_grant.name.tunnel_id == first);
	}
	assert_true(pair.listener_grant.name.tunnel_id != first);
	assert_true(pair.endpoint_grant.start.old.tunnel_id == first);
	assert_int_equal(pair.listener_grant.name.incarnation, 1);
	assert_clean(TUNNEL_LISTENER);
	assert_clean(TUNNEL_ENDPOINT);
	pair_end(&pair);
}

static bool drop_some(struct handshake_pair *p, struct pair_packet *packet)
{
	unsigned *mask = p->hook_context;
	bool is_dropped = *mask & 1;

	(void)packet;
	*mask >>= 1;
	return !is_dropped;
}

static void completes_whatever_is_lost(void **state)
{
	(void)state;
	for (unsigned lost = 1; lost < 64; lost++) {
		unsigned mask = lost;

		pair_start(&pair, 3);
		pair.hook = drop_some;
		pair.hook_context = &mask;
		pair_dial(&pair, NULL);
		pair_run(&pair, pair.now_us + 9000000);
		if (!pair_agrees(&pair))
			fail_msg("not complete with losses %#x", lost);
		pair_end(&pair);
	}
}

static bool double_and_delay(struct handshake_pair *p, struct pair_packet *packet)
{
	unsigned *count = p->hook_context;

	if (++*count <= 12)
		pair_inject(p, packet->to, &packet->from, packet->bytes, packet->length);
	packet->due_us += *count % 3 * 300000;
	return true;
}

static void completes_doubled_and_reordered(void **state)
{
	unsigned count = 0;

	(void)state;
	pair_start(&pair, 4);
	pair.hook = double_and_delay;
	pair.hook_context = &count;
	pair_dial(&pair, NULL);
	pair_run(&pair, pair.now_us + 9000000);
	assert_true(pair_agrees(&pair));
	assert_int_equal(pair.starts, 1);
	assert_true(pair_count(&pair, TUNNEL_ENDPOINT, HANDSHAKE_DUPLICATE) > 0);
	pair_end(&pair);
}

/* Each packet comes first in every shorter length, or with every bit pattern changed somewhere. */
struct forger {
	bool truncates;
	unsigned sent[2];
};

static bool forge_many(struct handshake_pair *p, struct pair_packet *packet)
{
	struct forger *forger = p->hook_context;

	for (size_t at = 0; at < packet->length; at++) {
		uint8_t bytes[HANDSHAKE_PACKET_BYTES];
		size_t length = forger->truncates ? at : packet->length;

		memcpy(bytes, packet->bytes, packet->length);
		if (!forger->truncates)
			bytes[at] ^= (uint8_t)(1 << (at % 8));
		handshake_node_receive(
		    p->nodes[packet->to], &packet->from, bytes, length, p->now_us);
		forger->sent[packet->to]++;
	}
	return true;
}

static uint64_t sum_of(enum tunnel_role role, const enum handshake_cause *causes, size_t count)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < count; i++)
		sum += pair_count(&pair, role, causes[i]);
	return sum;
}

/* The handshake completes beside them, and each forged packet was counted once, as what it was. */
static void forged_packets_change_nothing(void **state)
{
	static const enum handshake_cause causes[] = {HANDSHAKE_MALFORMED, HANDSHAKE_WRONG_TYPE,
	    HANDSHAKE_DOOR_UNKNOWN, HANDSHAKE_DOOR_FORGED};

	(void)state;
	for (int truncates = 0; truncates < 2; truncates++) {
		struct forger forger = {.truncates = truncates};

		pair_start(&pair, 5);
		pair.hook = forge_many;
		pair.hook_context = &forger;
		pair_dial(&pair, NULL);
		pair_run(&pair, pair.now_us + 1000000);
		assert_true(pair_agrees(&pair));
		for (int role = 0; role < 2; role++) {
			assert_int_equal(
			    sum_of((enum tunnel_role)role, causes, 4), forger.sent[role]);
			assert_int_equal(
			    pair_count(&pair, (enum tunnel_role)role, HANDSHAKE_FINE), 3);
		}
		if (truncates)
			assert_int_equal(
			    pair_count(&pair, TUNNEL_ENDPOINT, HANDSHAKE_DOOR_UNKNOWN), 0);
		else /* 8 bytes of door id in each packet that came */
			assert_int_equal(
			    pair_count(&pair, TUNNEL_ENDPOINT, HANDSHAKE_DOOR_UNKNOWN), 3 * 8);
		pair_end(&pair);
	}
}

/* Changes one byte of the n-th packet and all later ones of its type, under the right door key. */
struct changer {
	enum handshake_type type;
	size_t at;
	uint8_t bit;
};

static bool change_byte(struct handshake_pair *p, struct pair_packet *packet)
{
	const struct changer *changer = p->hook_context;

	if (packet->bytes[0] == (HANDSHAKE_FLAG | changer->type)
	    && changer->at < packet->length - HANDSHAKE_MAC_BYTES) {
		packet->bytes[changer->at] ^= changer->bit;
		pair_seal(p, packet);
	}
	return true;
}

/* Whatever byte of a type is changed by one who has the door key: no common keys, and no crash. */
static void changed_packets_fail_closed(void **state)
{
	static const struct {
		enum handshake_type type;
		size_t first, last, step;
	} ranges[] = {
	    {HANDSHAKE_INITIATE, 1, 5, 1},
	    {HANDSHAKE_INITIATE, HANDSHAKE_HEADER_BYTES, 60, 1},
	    {HANDSHAKE_INITIATE, 61, 1180, 29},
	    {HANDSHAKE_RESPOND, HANDSHAKE_HEADER_BYTES, 50, 1},
	    {HANDSHAKE_RESPOND, 51, 700, 29},
	    {HANDSHAKE_START, HANDSHAKE_HEADER_BYTES, 57, 1},
	    {HANDSHAKE_STARTED, HANDSHAKE_HEADER_BYTES, 46, 1},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		for (size_t at = ranges[i].first; at <= ranges[i].last; at += ranges[i].step) {
			struct changer changer = {ranges[i].type, at, (uint8_t)(1 << (at % 3))};

			pair_start(&pair, 6);
			pair.hook = change_byte;
			pair.hook_context = &changer;
			pair_dial(&pair, NULL);
			pair_run(&pair, pair.now_us + 12000000);
			if (pair.starteds)
				fail_msg("completed with byte %zu of type %d changed", at,
				    (int)ranges[i].type);
			assert_true(pair.refusals >= 1);
			pair_end(&pair);
		}
}

enum {
	PARAMETERS_AT_INITIATE = HANDSHAKE_HEADER_BYTES + 5,
	PARAMETERS_AT_RESPOND = HANDSHAKE_HEADER_BYTES
};

/* A parameter that stays in range but is another one: TLS completes, the keys differ. */
static void changed_parameters_give_other_keys(void **state)
{
	/* offset and bit within the parameters: workers, instance, max_flows, packet_bytes */
	static const struct {
		size_t at;
		uint8_t bit;
	} fields[] = {{3, 1}, {4, 1}, {11, 1}, {12, 1}, {15, 1}, {17, 1}};

	(void)state;
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
			struct changer changer = {HANDSHAKE_INITIATE,
			    PARAMETERS_AT_INITIATE + fields[i].at, fields[i].bit};

			if (side) {
				changer.type = HANDSHAKE_RESPOND;
				changer.at = PARAMETERS_AT_RESPOND + fields[i].at;
			}
			pair_start(&pair, 7);
			pair.hook = change_byte;
			pair.hook_context = &changer;
			pair_dial(&pair, NULL);
			pair_run(&pair, pair.now_us + 100000);
			assert_int_equal(pair.starts, 0);
			assert_only(TUNNEL_ENDPOINT, HANDSHAKE_START_FORGED, 1);
			assert_clean(TUNNEL_LISTENER);
			pair_end(&pair);
		}
}

/* Version or AEADs out of range: refused at once by the side that sees it. */
static void impossible_parameters_are_refused(void **state)
{
	static const size_t fields[] = {1, 2};

	(void)state;
	for (int side = 0; side < 2; side++)
		for (size_t i = 0; i < 2; i++) {
			struct changer changer = {
			    HANDSHAKE_INITIATE, PARAMETERS_AT_INITIATE + fields[i], 0x80};

			if (side) {
				changer.type = HANDSHAKE_RESPOND;
				changer.at = PARAMETERS_AT_RESPOND + fields[i];
			}
			pair_start(&pair, 8);
			pair.hook = change_byte;
			pair.hook_context = &changer;
			pair_dial(&pair, NULL);
			pair_run(&pair, pair.now_us + 100000);
			assert_only(side ? TUNNEL_LISTENER : TUNNEL_ENDPOINT,
			    HANDSHAKE_PARAMETERS_REFUSED, 1);
			assert_clean(side ? TUNNEL_ENDPOINT : TUNNEL_LISTENER);
			pair_end(&pair);
		}
}

static bool change_second_initiate(struct handshake_pair *p, struct pair_packet *packet)
{
	if (packet->to == TUNNEL_ENDPOINT && p->carried[TUNNEL_ENDPOINT] == 2) {
		packet->bytes[PARAMETERS_AT_INITIATE + 11] ^= 1;
		pair_seal(p, packet);
	}
	return true;
}

static void parameters_may_not_change_midway(void **state)
{
	(void)state;
	pair_start(&pair, 9);
	pair.hook = change_second_initiate;
	pair_dial(&pair, NULL);
	pair_run(&pair, UINT64_MAX);
	/* That packet is dropped; the next one is as at first. */
	assert_only(TUNNEL_ENDPOINT, HANDSHAKE_PARAMETERS_CHANGED, 1);
	assert_true(pair_agrees(&pair));
	pair_end(&pair);
}

static void a_wrong_pin_fails_closed(void **state)
{
	static const uint8_t door_key[DOOR_SECRET_BYTES] = {1, 2, 3};
	uint8_t other[PIN_BYTES] = {9};

	(void)state;
	for (int role = 0; role < 2; role++) {
		pair_start(&pair, 10);
		assert_int_equal(handshake_node_set_peer(pair.nodes[role], other, door_key), 0);
		pair_dial(&pair, NULL);
		pair_run(&pair, pair.now_us + 100000);
		assert_int_equal(pair.starts, 0);
		assert_only((enum tunnel_role)role, HANDSHAKE_PIN_WRONG, 1);
		assert_clean((enum tunnel_role)(1 - role));
		pair_end(&pair);
	}
}

static void strangers_get_silence(void **state)
{
	static const uint8_t door_key[DOOR_SECRET_BYTES] = {4, 5, 6};

	(void)state;
	pair_start(&pair, 11);
	assert_int_equal(handshake_node_set_peer(pair.nodes[TUNNEL_LISTENER],
	                     handshake_node_pin(pair.nodes[TUNNEL_ENDPOINT]), door_key),
	    0);
	pair_dial(&pair, NULL);
	pair_run(&pair, UINT64_MAX);
	assert_int_equal(pair.carried[TUNNEL_LISTENER], 0);
	/* 0, 0.25, 0.75, 1.75 s and each second on */
	assert_only(TUNNEL_ENDPOINT, HANDSHAKE_DOOR_UNKNOWN, 12);
	assert_only(TUNNEL_LISTENER, HANDSHAKE_TIMED_OUT, 1);
	assert_int_equal(pair.refused, HANDSHAKE_TIMED_OUT);
	pair_end(&pair);
}

/* Records the INITIATEs, for replays. */
static struct pair_packet recorded[4];
static unsigned recorded_count;

static bool record(struct handshake_pair *p, struct pair_packet *packet)
{
	(void)p;
	if (packet->to == TUNNEL_ENDPOINT && recorded_count < 4)
		recorded[recorded_count++] = *packet;
	return true;
}

static void replay(unsigned i)
{
	pair_inject(&pair, TUNNEL_ENDPOINT, &pair.addresses[TUNNEL_LISTENER], recorded[i].bytes,
	    recorded[i].length);
	pair_run(&pair, pair.now_us + 20000);
}

static void replays_give_nothing_twice(void **state)
{
	(void)state;
	recorded_count = 0;
	pair_start(&pair, 12);
	pair.hook = record;
	pair_dial(&pair, NULL);
	pair_run(&pair, UINT64_MAX);
	assert_int_equal(recorded_count, 3);
	for (unsigned i = 0; i < 3; i++)
		replay(i);
	assert_int_equal(pair.starts, 1);
	/* Two INITIATEs to the session that is there, one START that was answered. */
	assert_only(TUNNEL_ENDPOINT, HANDSHAKE_DUPLICATE, 3);
	/* Two RESPONDs to a session that is over, one STARTED without START. */
	assert_int_equal(pair_count(&pair, TUNNEL_LISTENER, HANDSHAKE_DUPLICATE), 2);
	assert_int_equal(pair_count(&pair, TUNNEL_LISTENER, HANDSHAKE_ANSWER_UNWANTED), 1);
	/* From elsewhere: not even an answer. */
	pair_inject(&pair, TUNNEL_ENDPOINT, &pair.addresses[TUNNEL_ENDPOINT], recorded[0].bytes,
	    recorded[0].length);
	pair_run(&pair, pair.now_us + 20000);
	assert_int_equal(pair_count(&pair, TUNNEL_ENDPOINT, HANDSHAKE_ADDRESS_CHANGED), 1);
	pair_end(&pair);
}

static void an_older_start_is_refused(void **state)
{
	(void)state;
	recorded_count = 0;
	pair_start(&pair, 13);
	pair.hook = record;
	pair_dial(&pair, NULL);
	pair_run(&pair, UINT64_MAX);
	pair.hook = NULL;
	pair_dial(&pair, NULL);
	pair_run(&pair, UINT64_MAX);
	assert_int_equal(pair.starts, 2);
	replay(2);
	assert_int_equal(pair.starts, 2);
	assert_only(TUNNEL_ENDPOINT, HANDSHAKE_START_REPLAYED, 1);
	pair_end(&pair);
}

static void after_a_restart_unknown_brings_a_new_tunnel(void **state)
{
	struct lane_name old;

	(void)state;
	recorded_count = 0;
	pair_start(&pair, 14);
	pair.hook = record;
	pair_dial(&pair, NULL);
	pair_run(&pair, UINT64_MAX);
	old = pair.listener_grant.name;
	assert_int_equal(handshake_node_restart(pair.nodes[TUNNEL_ENDPOINT], pair.now_us), 0);
	pair_dial(&pair, &old);
	pair_run(&pair, UINT64_MAX);
	assert_int_equal(pair.refused, HANDSHAKE_TUNNEL_UNKNOWN);
	assert_only(TUNNEL_ENDPOINT, HANDSHAKE_TUNNEL_UNKNOWN, 1);
	pair_dial(&pair, &old);
	pair_run(&pair, UINT64_MAX);
	assert_true(pair_agrees(&pair));
	assert_int_equal(pair.started.status, STARTED_NEW);
	assert_true(pair.listener_grant.name.tunnel_id != old.tunnel_id);
	assert_clean(TUNNEL_LISTENER);
	/* The old handshake, replayed to the new daemon, opens nothing and times out. */
	replay(0);
	replay(1);
	pair_run(&pair, UINT64_MAX);
	assert_int_equal(pair.starts, 2);
	/* The second flight acknowledges more than this session said, or breaks its TLS. */
	assert_int_equal(pair_count(&pair, TUNNEL_ENDPOINT, HANDSHAKE_TLS_FAILED)
	                     + pair_count(&pair, TUNNEL_ENDPOINT, HANDSHAKE_MALFORMED),
	    1);
	assert_int_equal(keyring_half_open(handshake_node_keyring(pair.nodes[TUNNEL_ENDPOINT])), 0);
	pair_end(&pair);
}

/* INITIATEs of so many tunnels, as one who has the door key could send them. */
static void flood(unsigned count, struct pair_packet *packet)
{
	for (unsigned i = 0; i < count; i++) {
		packet->bytes[13] = (uint8_t)(0x40 + i);
		pair_seal(&pair, packet);
		handshake_node_receive(pair.nodes[TUNNEL_ENDPOINT],
		    &pair.addresses[TUNNEL_LISTENER], packet->bytes, packet->length, pair.now_us);
	}
}

static bool swallow(struct handshake_pair *p, struct pair_packet *packet)
{
	record(p, packet);
	return false;
}

static void half_open_handshakes_are_capped_and_demand_cookies(void **state)
{
	struct keyring *keyring;

	(void)state;
	recorded_count = 0;
	pair_start(&pair, 15);
	keyring = handshake_node_keyring(pair.nodes[TUNNEL_ENDPOINT]);
	pair.hook = swallow;
	pair_dial(&pair, NULL);
	flood(KEYRING_PEER_HALF_OPEN_COOKIES, &recorded[0]);
	assert_int_equal(keyring_half_open(keyring), KEYRING_PEER_HALF_OPEN_COOKIES);
	flood(40, &recorded[0]);
	/* Those of before are duplicates, but for them too a cookie is demanded now. */
	assert_only(TUNNEL_ENDPOINT, HANDSHAKE_COOKIE_MISSING, 40);
	assert_int_equal(keyring_half_open(keyring), KEYRING_PEER_HALF_OPEN_COOKIES);
	/* The true listener shows its cookie and gets through. */
	pair.hook = NULL;
	pair_run(&pair, pair.now_us + 2000000);
	assert_true(pair_agrees(&pair));
	assert_only(TUNNEL_ENDPOINT, HANDSHAKE_COOKIE_MISSING, 41);
	assert_clean(TUNNEL_LISTENER);
	/* The rest times out, and nothing is demanded any more. */
	pair_run(&pair, pair.now_us + 10000000);
	assert_int_equal(keyring_half_open(keyring), 0);
	assert_int_equal(pair_count(&pair, TUNNEL_ENDPOINT, HANDSHAKE_TIMED_OUT),
	    KEYRING_PEER_HALF_OPEN_COOKIES);
	flood(1, &recorded[0]);
	assert_int_equal(pair_count(&pair, TUNNEL_ENDPOINT, HANDSHAKE_COOKIE_MISSING), 41);
	pair_end(&pair);
}

static void a_peer_cannot_hold_more_than_its_share(void **state)
{
	struct keyring *keyring;

	(void)state;
	recorded_count = 0;
	pair_start(&pair, 16);
	keyring = handshake_node_keyring(pair.nodes[TUNNEL_ENDPOINT]);
	pair.hook = swallow;
	pair_dial(&pair, NULL);
	/* As if each came with a good cookie: past the gate. */
	for (unsigned i = 0; i < KEYRING_PEER_HALF_OPEN_MAX + 5; i++) {
		recorded[0].bytes[13] = (uint8_t)(0x40 + i);
		pair_seal(&pair, &recorded[0]);
		keyring_receive(keyring, 0, &pair.addresses[TUNNEL_LISTENER], recorded[0].bytes,
		    recorded[0].length, pair.now_us);
	}
	assert_int_equal(keyring_half_open(keyring), KEYRING_PEER_HALF_OPEN_MAX);
	assert_only(TUNNEL_ENDPOINT, HANDSHAKE_HALF_OPEN_LIMIT, 5);
	pair_end(&pair);
}

static void the_same_seed_repeats_it(void **state)
{
	static struct pair_packet first[4];

	(void)state;
	for (int run = 0; run < 2; run++) {
		recorded_count = 0;
		pair_start(&pair, 17);
		pair.hook = record;
		pair_dial(&pair, NULL);
		pair_run(&pair, UINT64_MAX);
		pair_end(&pair);
		if (run == 0)
			memcpy(first, recorded, sizeof(first));
	}
	assert_int_equal(recorded_count, 3);
	for (int i = 0; i < 3; i++)
		assert_memory_equal(first[i].bytes, recorded[i].bytes, recorded[i].length);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(completes_in_three_packets_each_way),
	    cmocka_unit_test(a_second_lane_start_needs_no_tls),
	    cmocka_unit_test(after_some_starts_there_is_a_new_tunnel),
	    cmocka_unit_test(completes_whatever_is_lost),
	    cmocka_unit_test(completes_doubled_and_reordered),
	    cmocka_unit_test(forged_packets_change_nothing),
	    cmocka_unit_test(changed_packets_fail_closed),
	    cmocka_unit_test(changed_parameters_give_other_keys),
	    cmocka_unit_test(impossible_parameters_are_refused),
	    cmocka_unit_test(parameters_may_not_change_midway),
	    cmocka_unit_test(a_wrong_pin_fails_closed),
	    cmocka_unit_test(strangers_get_silence),
	    cmocka_unit_test(replays_give_nothing_twice),
	    cmocka_unit_test(an_older_start_is_refused),
	    cmocka_unit_test(after_a_restart_unknown_brings_a_new_tunnel),
	    cmocka_unit_test(half_open_handshakes_are_capped_and_demand_cookies),
	    cmocka_unit_test(a_peer_cannot_hold_more_than_its_share),
	    cmocka_unit_test(the_same_seed_repeats_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
