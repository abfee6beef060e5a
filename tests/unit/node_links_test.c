/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twin of control/node_links.c: strangers and their places, and a keys process that dies.  The keys
 * process is a real one, the peers are real TLS over TCP.
 */
#include "config.h"

#include "control/node_link.h"

#include "tests/support/control_peer.h"
#include "tests/support/loopback.h"
#include "tests/support/rounds.h"
#include "tests/unit/keys_child.h"

#include <string.h>

enum { PEERS_MAX = LINK_STRANGERS_MAX + 2 };

static struct ev_loop *loop;
static struct node_links *links;
static struct addr address;
static uint8_t pin[PIN_BYTES];
static unsigned identities, messages, closed;
static struct node_link *last_link;
static struct control_peer peers[PEERS_MAX];
static bool trusts;

static void on_identity(void *context, const uint8_t own[PIN_BYTES])
{
	assert_ptr_equal(context, &identities);
	memcpy(pin, own, PIN_BYTES);
	identities++;
}

static void on_message(struct node_link *link, const char *text, size_t length)
{
	assert_int_equal(strlen(text), length);
	assert_ptr_equal(node_link_context(link), &identities);
	messages++;
	last_link = link;
	if (trusts)
		node_link_trust(link);
}

static void on_closed(struct node_link *link)
{
	(void)link;
	closed++;
}

static const struct node_link_callbacks callbacks = {on_identity, on_message, on_closed};

static void run_round(void)
{
	rounds_one(loop);
	for (int i = 0; i < PEERS_MAX; i++)
		control_peer_round(&peers[i]);
}

#define UNTIL(condition) ROUNDS_UNTIL(run_round(), condition)

static int setup(void **state)
{
	(void)state;
	identities = messages = closed = 0;
	trusts = false;
	memset(peers, 0, sizeof peers);
	loop = ev_default_loop(0);
	close(loopback_listen("127.0.0.1", &address)); /* a port that is free */
	assert_int_equal(
	    node_links_new(&links, loop, &address, state_directory, &callbacks, &identities), 0);
	UNTIL(identities == 1);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	for (int i = 0; i < PEERS_MAX; i++)
		control_peer_end(&peers[i]);
	node_links_free(links);
	return 0;
}

static struct control_peer *connect_peer(int i)
{
	control_peer_connect(&peers[i], &address);
	UNTIL(control_peer_is_open(&peers[i]));
	return &peers[i];
}

static void test_a_peer_is_known_by_its_key(void **state)
{
	struct control_peer *peer = connect_peer(0);
	uint8_t seen[PIN_BYTES];

	(void)state;
	assert_int_equal(tls_connection_peer_pin(peer->tls, seen), 0);
	assert_memory_equal(seen, pin, PIN_BYTES);
	control_peer_say(peer, "hello", 5);
	UNTIL(messages == 1);
	assert_memory_equal(node_link_pin(last_link), tls_identity_pin(peer->identity), PIN_BYTES);
	assert_true(addr_is_loopback(node_link_peer(last_link)));
	assert_null(node_link_user(last_link));
}

/* Port 7400 is open to the world: what speaks no TLS is let go, and counted. */
static void test_who_speaks_no_tls_is_dropped(void **state)
{
	int socket = loopback_connect(&address);

	(void)state;
	assert_int_equal(write(socket, "GET / HTTP/1.0\r\n\r\n", 18), 18);
	UNTIL(node_links_dropped(links) == 1);
	close(socket);
	assert_int_equal(messages, 0);
	connect_peer(0);
}

/* One more takes the place of the oldest, which may be somebody who only holds it. */
static void test_the_oldest_stranger_gives_way(void **state)
{
	int idle[LINK_STRANGERS_MAX];

	(void)state;
	connect_peer(0);
	control_peer_say(&peers[0], "trust me", 8);
	trusts = true;
	UNTIL(messages == 1);
	for (int i = 0; i < LINK_STRANGERS_MAX; i++) {
		idle[i] = loopback_connect(&address);
		run_round();
	}
	assert_int_equal(node_links_dropped(links), 0);
	connect_peer(1);
	assert_int_equal(node_links_dropped(links), 1);
	assert_end(idle[0]);
	assert_silent(idle[1]);
	control_peer_say(&peers[0], "still here", 10);
	UNTIL(messages == 2);
	for (int i = 0; i < LINK_STRANGERS_MAX; i++)
		close(idle[i]);
}

/* Its connections are gone with it, as nobody else has their keys; the port stays. */
static void test_a_keys_process_that_dies_is_replaced(void **state)
{
	uint8_t before[PIN_BYTES];

	(void)state;
	connect_peer(0);
	control_peer_say(&peers[0], "hello", 5);
	UNTIL(messages == 1);
	memcpy(before, pin, PIN_BYTES);
	assert_int_equal(kill(keys_child_pid(), SIGKILL), 0);
	UNTIL(peers[0].is_closed && closed == 1);
	UNTIL(identities == 2);
	assert_memory_equal(before, pin, PIN_BYTES);
	connect_peer(1);
	control_peer_say(&peers[1], "hello", 5);
	UNTIL(messages == 2);
}

static void test_an_address_in_use_is_an_error(void **state)
{
	struct node_links *second;

	(void)state;
	assert_true(node_links_new(&second, loop, &address, state_directory, &callbacks, NULL) < 0);
	assert_null(second);
}

int main(int argc, char **argv)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_a_peer_is_known_by_its_key),
	    TEST(test_who_speaks_no_tls_is_dropped),
	    TEST(test_the_oldest_stranger_gives_way),
	    TEST(test_a_keys_process_that_dies_is_replaced),
	    TEST(test_an_address_in_use_is_an_error),
	};
	int failed;

	keys_child_begin(argc, argv);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	keys_child_end();
	return failed;
}
