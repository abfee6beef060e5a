/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/worker_door.c: which handshake packets reach keys, and what keys lets out. */
#include "config.h"

#include "net/worker_door.h"

#include "base/bytes.h"
#include "tests/support/loopback.h"
#include "tests/support/worker_process.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>
#include <unistd.h>

static struct worker_process process;

static int setup(void **state)
{
	(void)state;
	worker_process_start(&process, NODE_ENDPOINT);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	worker_process_stop(&process);
	return process.status; /* a worker that crashed, or a sanitizer that spoke */
}

/* A full INITIATE, which the gate lets through by its door key alone. */
static size_t initiate(uint8_t packet[HANDSHAKE_PACKET_BYTES], uint64_t tunnel_id)
{
	struct handshake_header header = {
	    .type = HANDSHAKE_INITIATE, .door_id = process.far.door.id, .tunnel_id = tunnel_id};
	struct writer w;
	size_t left;

	writer_init(&w, packet, HANDSHAKE_PACKET_BYTES);
	handshake_header_write(&w, &header);
	left = writer_left(&w) - HANDSHAKE_MAC_BYTES;
	memset(writer_skip(&w, left), 0, left);
	door_seal(&process.far.door, &w);
	return writer_length(&w);
}

static uint64_t dropped(void)
{
	return worker_process_counted(&process, PAGE_handshake_packets_dropped);
}

static void test_a_packet_with_the_door_key_reaches_keys(void **state)
{
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	size_t length = initiate(packet, 77);

	(void)state;
	far_node_send(&process, packet, length);
	WORKER_PROCESS_UNTIL(&process, process.forwarded == 1);
	assert_int_equal(process.packet_length, length);
	assert_memory_equal(process.packet, packet, length);
	assert_true(addr_equal(&process.packet_from, &process.far.address));
	WORKER_PROCESS_UNTIL(
	    &process, worker_process_counted(&process, PAGE_handshake_packets_received) == 1);
	assert_int_equal(dropped(), 0);
}

/* Each bit counts, the lengths too; strangers get no answer at all. */
static void test_what_has_no_door_key_is_dropped_in_silence(void **state)
{
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	size_t length = initiate(packet, 77), sent = 0;

	(void)state;
	for (size_t at = 1; at < length; at += 97, sent++) {
		packet[at] ^= 1;
		far_node_send(&process, packet, length);
		packet[at] ^= 1;
	}
	for (size_t cut = 1; cut < length; cut += 211, sent++)
		far_node_send(&process, packet, length - cut);
	WORKER_PROCESS_UNTIL(&process, dropped() == sent);
	worker_process_run(&process, 30);
	assert_int_equal(process.forwarded, 0);
	assert_int_equal(process.far.packets, 0);
}

static void test_without_the_peer_in_the_config_the_door_is_shut(void **state)
{
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	size_t length = initiate(packet, 77);

	(void)state;
	worker_process_send_config(&process, false, 0);
	WORKER_PROCESS_UNTIL(&process, process.told->configs == 2);
	far_node_send(&process, packet, length);
	WORKER_PROCESS_UNTIL(&process, dropped() == 1);
	assert_int_equal(process.forwarded, 0);
}

/* The answer is a RETRY, shorter than what came, and keys hear nothing of it. */
static void test_cookies_are_demanded_when_keys_say_so(void **state)
{
	struct keys_cookies cookies = {.are_demanded = 1};
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	struct handshake_header header;

	(void)state;
	assert_int_equal(ipc_send(process.keys, KEYS_MESSAGE_COOKIES, &cookies, sizeof cookies), 0);
	for (int i = 0; i < 100 && process.far.packets == 0; i++) {
		/* Keys' channel and the network have no common order. */
		far_node_send(&process, packet, initiate(packet, 77));
		worker_process_run(&process, 20);
	}
	assert_int_equal(handshake_form_check(&header, TUNNEL_LISTENER, process.far.packet,
	                     process.far.packet_length),
	    HANDSHAKE_FINE);
	assert_int_equal(header.type, HANDSHAKE_RETRY);
	assert_int_equal(header.tunnel_id, 77);
	assert_true(process.far.packet_length < HANDSHAKE_PACKET_BYTES);
	unsigned forwarded = process.forwarded;
	far_node_send(&process, packet, initiate(packet, 78));
	worker_process_run(&process, 50);
	assert_int_equal(process.forwarded, forwarded);
}

static void test_what_keys_say_goes_to_the_address(void **state)
{
	struct {
		struct keys_packet head;
		uint8_t bytes[HANDSHAKE_PACKET_BYTES];
	} message = {.head.address = process.far.address};

	(void)state;
	memset(message.bytes, 0x85, sizeof message.bytes);
	assert_int_equal(ipc_send(process.keys, KEYS_MESSAGE_SEND, &message, sizeof message), 0);
	WORKER_PROCESS_UNTIL(&process, process.far.packets == 1);
	assert_int_equal(process.far.packet_length, HANDSHAKE_PACKET_BYTES);
	assert_memory_equal(process.far.packet, message.bytes, HANDSHAKE_PACKET_BYTES);
	assert_true(addr_equal(&process.far.packet_from, &process.address));
}

/* Main's and keys' channels and the network have no common order: until one packet fares so. */
static void send_until(enum page_value counted)
{
	uint64_t before = worker_process_counted(&process, counted);
	uint8_t packet[HANDSHAKE_PACKET_BYTES];
	size_t length = initiate(packet, 77);

	for (int i = 0; i < 500 && worker_process_counted(&process, counted) == before; i++) {
		far_node_send(&process, packet, length);
		worker_process_run(&process, 20);
	}
	assert_true(worker_process_counted(&process, counted) > before);
}

/* A worker that was taken over by keys, or the reverse, may say no more than the table has. */
static void test_keys_that_break_the_rules_lose_their_channel(void **state)
{
	static const uint8_t short_grant[3];

	(void)state;
	assert_int_equal(
	    ipc_send(process.keys, KEYS_MESSAGE_LANE, short_grant, sizeof short_grant), 0);
	send_until(PAGE_handshake_packets_dropped);
	worker_process_connect_keys(&process);
	send_until(PAGE_handshake_packets_received);
	assert_false(process.is_over);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_packet_with_the_door_key_reaches_keys),
	    TEST(test_what_has_no_door_key_is_dropped_in_silence),
	    TEST(test_without_the_peer_in_the_config_the_door_is_shut),
	    TEST(test_cookies_are_demanded_when_keys_say_so),
	    TEST(test_what_keys_say_goes_to_the_address),
	    TEST(test_keys_that_break_the_rules_lose_their_channel),
	};

	if (worker_process_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
