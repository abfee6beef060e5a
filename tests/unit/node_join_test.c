/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Joining against a real store: tokens, names, keys that come back, and addresses. */
#include "tests/unit/cmocka_all.h"

#include "control/node_join.h"

#include <sodium.h>
#include <string.h>

static struct control control;
static char reason[REASON_BYTES];
static const uint8_t key_a[PIN_BYTES] = {1}, key_b[PIN_BYTES] = {2};
static struct addr peer;
static uint64_t now_ms = 1700000000000;

uint64_t control_now_ms(void)
{
	return now_ms;
}

uint64_t control_steady_ms(void)
{
	return now_ms;
}

static void add_token(uint8_t first, enum node_role role, const char *region)
{
	struct token token = {.role = role, .expires_ms = now_ms + 1000};
	const uint8_t secret[JOIN_SECRET_BYTES] = {first};

	strcpy(token.region, region);
	crypto_generichash(token.hash, sizeof(token.hash), secret, sizeof(secret), NULL, 0);
	assert_int_equal(store_add_token(control.store, &token), 0);
}

static struct message_hello hello(const char *name, uint8_t secret)
{
	struct message_hello message = {.protocol = CONTROL_PROTOCOL,
	    .role = NODE_ENDPOINT,
	    .secret = {secret},
	    .slots = 2,
	    .tunnel = "0.0.0.0:7401",
	    .version = "0.1"};

	strcpy(message.name, name);
	return message;
}

static uint32_t join(const uint8_t pin[PIN_BYTES], struct message_hello message)
{
	return node_join(&control, pin, &peer, &message, reason);
}

static int set_up(void **state)
{
	(void)state;
	control.store = NULL;
	control.tunnels = tunnels_new();
	if (store_open(&control.store, ":memory:", reason) < 0)
		return -1;
	return store_load(control.store, &control.installation);
}

static int tear_down(void **state)
{
	(void)state;
	tunnels_free(control.tunnels);
	installation_clear(&control.installation);
	store_close(control.store);
	return 0;
}

static void joins_once(void **state)
{
	const struct node *node;
	uint32_t id;

	(void)state;
	add_token(7, NODE_ENDPOINT, "oslo");
	id = join(key_a, hello("osl-1", 7));
	assert_true(id > 0);
	node = installation_node_by_id(&control.installation, id);
	assert_string_equal(node->region, "oslo");
	assert_string_equal(node->addresses[0].text, "198.51.100.9:7401");
	assert_false(sodium_is_zero(node->door_secret, sizeof(node->door_secret)));
	assert_int_equal(control.installation.revision, 1);
	/* The same key with the same token, as when welcome was lost; or with none. */
	assert_int_equal(join(key_a, hello("osl-1", 7)), id);
	assert_int_equal(join(key_a, hello("renamed", 0)), id);
	assert_int_equal(control.installation.revision, 1);
	assert_int_equal(join(key_b, hello("osl-2", 7)), 0);
	assert_non_null(strstr(reason, "used by node osl-1"));
}

static void refusals(void **state)
{
	struct message_hello message = hello("osl-1", 7);

	(void)state;
	add_token(7, NODE_LISTENER, "oslo");
	assert_int_equal(join(key_a, hello("osl-1", 0)), 0);
	assert_non_null(strstr(reason, "--join"));
	assert_int_equal(join(key_a, hello("osl-1", 9)), 0);
	assert_non_null(strstr(reason, "not one of this control's"));
	assert_int_equal(join(key_a, message), 0);
	assert_string_equal(reason, "the token is for a listener, this is an endpoint");
	message.protocol++;
	assert_int_equal(join(key_a, message), 0);
	assert_non_null(strstr(reason, "protocol"));
	add_token(8, NODE_ENDPOINT, "oslo");
	now_ms += 1000;
	assert_int_equal(join(key_a, hello("osl-1", 8)), 0);
	assert_non_null(strstr(reason, "expired at 2023-11-14"));
	assert_int_equal(control.installation.node_count, 0);
	assert_int_equal(control.installation.revision, 0);
}

static void names_are_given_once(void **state)
{
	(void)state;
	add_token(7, NODE_ENDPOINT, "oslo");
	add_token(8, NODE_ENDPOINT, "oslo");
	assert_true(join(key_a, hello("osl-1", 7)) > 0);
	assert_int_equal(join(key_b, hello("osl-1", 8)), 0);
	assert_non_null(strstr(reason, "--name"));
	/* The token was not used up by that. */
	assert_true(join(key_b, hello("osl-2", 8)) > 0);
}

static void a_new_description_is_a_revision(void **state)
{
	struct message_hello message = hello("osl-1", 7);
	uint32_t id;

	(void)state;
	add_token(7, NODE_ENDPOINT, "oslo");
	id = join(key_a, message);
	strcpy(message.advertise, "203.0.113.5");
	assert_int_equal(join(key_a, message), id);
	assert_int_equal(control.installation.revision, 2);
	assert_string_equal(installation_node_by_id(&control.installation, id)->addresses[0].text,
	    "203.0.113.5:7401");
	message.role = NODE_LISTENER;
	assert_int_equal(join(key_a, message), 0);
	assert_non_null(strstr(reason, "another --state"));
}

static void addresses(void **state)
{
	struct name binds[] = {{"0.0.0.0"}, {"::"}, {"2001:db8::5"}, {"nonsense"}};
	struct message_hello message = {.role = NODE_LISTENER, .binds = binds, .bind_count = 4};
	struct node node;

	(void)state;
	node_addresses(&message, &peer, &node);
	assert_int_equal(node.address_count, 2);
	assert_string_equal(node.addresses[0].text, "198.51.100.9");
	assert_string_equal(node.addresses[1].text, "2001:db8::5");
	message = hello("x", 0);
	strcpy(message.tunnel, "192.0.2.1:99");
	node_addresses(&message, &peer, &node);
	assert_string_equal(node.addresses[0].text, "192.0.2.1:99");
	strcpy(message.advertise, "[2001:db8::7]:8");
	node_addresses(&message, &peer, &node);
	assert_string_equal(node.addresses[0].text, "[2001:db8::7]:8");
	strcpy(message.tunnel, "no address");
	node_addresses(&message, &peer, &node);
	assert_int_equal(node.address_count, 0);
}

#define JOIN_TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    JOIN_TEST(joins_once),
	    JOIN_TEST(refusals),
	    JOIN_TEST(names_are_given_once),
	    JOIN_TEST(a_new_description_is_a_revision),
	    JOIN_TEST(addresses),
	};

	if (sodium_init() < 0 || addr_parse("198.51.100.9:50000", 0, &peer) < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
