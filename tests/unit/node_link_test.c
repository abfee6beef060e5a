/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twin of control/node_link.c: one connection's messages, their limits, and its end.  The keys process
 * is a real one, the peer is real TLS over TCP.
 */
#include "config.h"

#include "control/node_link.h"

#include "model/limits.h"
#include "tests/support/control_peer.h"
#include "tests/support/loopback.h"
#include "tests/support/rounds.h"
#include "tests/unit/keys_child.h"

#include <string.h>

enum { LARGE_BYTES = 200000 };

static struct ev_loop *loop;
static struct node_links *links;
static struct control_peer peer;
static bool has_identity, closes_at_once;
static unsigned messages, closed;
static struct node_link *stranger;
static char text[LARGE_BYTES + 1];
static size_t length;

static void on_identity(void *context, const uint8_t pin[PIN_BYTES])
{
	(void)context;
	(void)pin;
	has_identity = true;
}

static void on_message(struct node_link *from, const char *said, size_t said_length)
{
	assert_true(said_length <= LARGE_BYTES);
	assert_true(!stranger || stranger == from);
	stranger = from;
	memcpy(text, said, said_length + 1);
	length = said_length;
	messages++;
	if (closes_at_once) {
		node_link_send(stranger, "farewell", 8);
		node_link_close(stranger);
	}
}

static void on_closed(struct node_link *from)
{
	assert_ptr_equal(from, stranger);
	closed++;
}

static const struct node_link_callbacks callbacks = {on_identity, on_message, on_closed};

static void run_round(void)
{
	rounds_one(loop);
	control_peer_round(&peer);
}

#define UNTIL(condition) ROUNDS_UNTIL(run_round(), condition)

static void run(unsigned rounds)
{
	for (unsigned i = 0; i < rounds; i++)
		run_round();
}

/* A peer that said hello and is a stranger still. */
static int setup(void **state)
{
	struct addr address;

	(void)state;
	has_identity = closes_at_once = false;
	messages = closed = 0;
	stranger = NULL;
	memset(&peer, 0, sizeof peer);
	loop = ev_default_loop(0);
	close(loopback_listen("127.0.0.1", &address)); /* a port that is free */
	assert_int_equal(
	    node_links_new(&links, loop, &address, state_directory, &callbacks, NULL), 0);
	UNTIL(has_identity);
	control_peer_connect(&peer, &address);
	UNTIL(control_peer_is_open(&peer));
	control_peer_say(&peer, "hello", 5);
	UNTIL(messages == 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	control_peer_end(&peer);
	node_links_free(links);
	return 0;
}

static void test_messages_go_both_ways(void **state)
{
	(void)state;
	assert_string_equal(text, "hello");
	node_link_send(stranger, "welcome", 7);
	node_link_send(stranger, "config", 6);
	UNTIL(peer.frames == 2);
	assert_string_equal(peer.text, "config");
}

/* Bytes come as the network likes: a frame in pieces, several in one. */
static void test_frames_are_found_in_any_pieces(void **state)
{
	static const uint8_t two[] = {0, 0, 0, 3, 'o', 'n', 'e', 0, 0, 0, 3, 't', 'w', 'o'};

	(void)state;
	for (size_t i = 0; i < sizeof two; i++) {
		control_peer_write(&peer, two + i, 1);
		run(2);
	}
	UNTIL(messages == 3);
	assert_string_equal(text, "two");
	control_peer_write(&peer, two, sizeof two);
	UNTIL(messages == 5);
	assert_int_equal(closed, 0);
}

/* A length that is not believed: nothing is allocated for it. */
static void test_a_stranger_may_say_little(void **state)
{
	const uint32_t bytes = CONTROL_HELLO_BYTES_MAX + 1;
	const uint8_t header[] = {0, (uint8_t)(bytes >> 16), (uint8_t)(bytes >> 8), (uint8_t)bytes};

	(void)state;
	control_peer_write(&peer, header, sizeof header);
	UNTIL(closed == 1);
	assert_int_equal(node_links_dropped(links), 1);
	UNTIL(peer.is_closed);
}

static void test_a_trusted_node_may_say_more(void **state)
{
	static char large[LARGE_BYTES];

	(void)state;
	node_link_trust(stranger);
	node_link_trust(stranger); /* once is enough */
	memset(large, 'x', sizeof large);
	control_peer_say(&peer, large, sizeof large);
	UNTIL(messages == 2);
	assert_int_equal(length, sizeof large);
	assert_memory_equal(text, large, sizeof large);
	const uint32_t bytes = CONTROL_MESSAGE_BYTES_MAX + 1;
	const uint8_t header[] = {
	    (uint8_t)(bytes >> 24), (uint8_t)(bytes >> 16), (uint8_t)(bytes >> 8), (uint8_t)bytes};
	control_peer_write(&peer, header, sizeof header);
	UNTIL(closed == 1);
	assert_int_equal(node_links_dropped(links), 0); /* it was no stranger */
}

static void test_an_empty_message_ends_it(void **state)
{
	(void)state;
	control_peer_say(&peer, "", 0);
	UNTIL(closed == 1);
}

static void test_a_large_message_reaches_the_node(void **state)
{
	static char large[60000];

	(void)state;
	memset(large, 'y', sizeof large);
	node_link_send(stranger, large, sizeof large);
	UNTIL(peer.frames == 1);
	assert_int_equal(strlen(peer.text), sizeof large);
	assert_memory_equal(peer.text, large, sizeof large);
}

/* Who is refused is to know why. */
static void test_last_words_arrive_before_the_end(void **state)
{
	(void)state;
	closes_at_once = true;
	control_peer_say(&peer, "let me in", 9);
	UNTIL(peer.frames == 1);
	assert_string_equal(peer.text, "farewell");
	UNTIL(peer.is_closed);
	assert_int_equal(closed, 0); /* it was we who closed it */
	assert_int_equal(node_links_dropped(links), 0);
}

/* What comes behind the last message is not read any more. */
static void test_nothing_is_heard_after_the_end(void **state)
{
	(void)state;
	closes_at_once = true;
	control_peer_say(&peer, "one", 3);
	control_peer_say(&peer, "two", 3);
	UNTIL(peer.is_closed);
	assert_int_equal(messages, 2);
}

static void test_a_node_that_goes_is_noticed(void **state)
{
	int user = 7;

	(void)state;
	node_link_set_user(stranger, &user);
	assert_ptr_equal(node_link_user(stranger), &user);
	control_peer_close(&peer);
	UNTIL(closed == 1);
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_messages_go_both_ways),
	    TEST(test_frames_are_found_in_any_pieces),
	    TEST(test_a_stranger_may_say_little),
	    TEST(test_a_trusted_node_may_say_more),
	    TEST(test_an_empty_message_ends_it),
	    TEST(test_a_large_message_reaches_the_node),
	    TEST(test_last_words_arrive_before_the_end),
	    TEST(test_nothing_is_heard_after_the_end),
	    TEST(test_a_node_that_goes_is_noticed),
	};
	int failed;

	keys_child_begin(argc, argv);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	keys_child_end();
	return failed;
}
