/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_nodes.c: tokens, and nodes as they are shown and removed, over HTTP. */
#include "config.h"

#include "control/api_routes.h"

#include "model/join_token.h"
#include "tests/unit/api_fixture.h"

static unsigned ask_token(const char *body)
{
	return api_ask("POST", "/v1/node-tokens", "", body);
}

/* The token names control, and its secret is in the store as a hash alone. */
static void test_a_token_can_be_found_by_its_secret(void **state)
{
	struct join_token join;
	struct token token;
	uint8_t hash[32];

	(void)state;
	memset(control.pin, 9, sizeof control.pin);
	assert_int_equal(ask_token("{\"role\": \"endpoint\", \"region\": \"oslo\"}"), 201);
	assert_int_equal(join_token_parse(api_text("token"), &join), 0);
	assert_int_equal(join.role, NODE_ENDPOINT);
	assert_string_equal(join.region, "oslo");
	assert_string_equal(join.addresses[0], "192.0.2.9:7400");
	assert_memory_equal(join.control_pin, control.pin, PIN_BYTES);
	crypto_generichash(hash, sizeof hash, join.secret, sizeof join.secret, NULL, 0);
	assert_int_equal(store_find_token(control.store, hash, &token), 0);
	assert_string_equal(token.used_by, "");
	assert_in_range(token.expires_ms, control_now_ms() + 3590000, control_now_ms() + 3600000);
	assert_int_equal(control.installation.revision, 3);
}

static void test_each_token_is_another(void **state)
{
	char first[JOIN_TOKEN_TEXT_BYTES];

	(void)state;
	assert_int_equal(
	    ask_token("{\"role\": \"listener\", \"region\": \"lima\", \"ttl_s\": 60}"), 201);
	snprintf(first, sizeof first, "%s", api_text("token"));
	assert_int_equal(
	    ask_token("{\"role\": \"listener\", \"region\": \"lima\", \"ttl_s\": 60}"), 201);
	assert_string_not_equal(first, api_text("token"));
}

static void test_tokens_that_make_no_sense(void **state)
{
	static const char *const wrong[] = {"{}", "{\"role\": \"king\", \"region\": \"oslo\"}",
	    "{\"role\": \"listener\", \"region\": \"O slo\"}",
	    "{\"role\": \"listener\", \"region\": \"oslo\", \"ttl_s\": 0}",
	    "{\"role\": \"listener\", \"region\": \"oslo\", \"ttl_s\": 99999999}",
	    "{\"role\": \"listener\", \"region\": \"oslo\", \"name\": \"x\"}"};

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		unsigned status = ask_token(wrong[i]);

		assert_true(status == 400 || status == 422);
	}
	control.join_address_count = 0;
	assert_int_equal(ask_token("{\"role\": \"listener\", \"region\": \"oslo\"}"), 500);
	assert_non_null(strstr(api_text("fix"), "--advertise"));
	assert_int_equal(control.installation.revision, 2);
}

static void test_nodes_are_shown_as_they_are(void **state)
{
	char pin[PIN_TEXT_BYTES];
	uint8_t key[PIN_BYTES];

	(void)state;
	memset(key, 1, sizeof key);
	assert_int_equal(api_get("/v1/nodes"), 200);
	assert_int_equal(json_array_size(api_at("items")), 2);
	assert_int_equal(api_get("/v1/nodes/osl-1"), 200);
	assert_string_equal(api_text("role"), "endpoint");
	assert_string_equal(api_text("region"), "oslo");
	assert_string_equal(api_text("pin"), pin_format(key, pin));
	assert_string_equal(api_text("state"), "down");
	assert_string_equal(api_text("addresses/0"), "192.0.2.2:7401");
	assert_true(json_is_null(api_at("config/applied")));
	assert_true(json_is_null(api_at("config/refused")));
	assert_true(json_is_null(api_at("reported")));
	assert_true(json_is_object(api_at("counters")));
	assert_null(strstr(answer.bytes, "door")); /* secrets of nodes are nobody's to read */
}

static void test_a_drain_is_a_change_that_stays(void **state)
{
	(void)state;
	assert_int_equal(api_get("/v1/nodes/osl-1"), 200);
	assert_string_equal(api_text("drain"), "off");
	assert_true(json_is_null(api_at("flows"))); /* it is down */
	assert_int_equal(api_ask("PATCH", "/v1/nodes/osl-1", "", "{\"draining\": true}"), 200);
	assert_string_equal(api_text("drain"), "draining");
	assert_int_equal(control.installation.revision, 3);
	assert_int_equal(api_ask("PATCH", "/v1/nodes/osl-1", "", "{\"draining\": true}"), 200);
	assert_int_equal(control.installation.revision, 3); /* it was so */
	assert_int_equal(store_load(control.store, &control.installation), 0);
	assert_int_equal(api_get("/v1/nodes"), 200);
	assert_string_equal(api_text("items/0/drain"), "draining");
	assert_string_equal(api_text("items/1/drain"), "off");
	assert_int_equal(api_ask("PATCH", "/v1/nodes/osl-1", "", "{\"draining\": false}"), 200);
	assert_string_equal(api_text("drain"), "off");
	assert_int_equal(api_ask("PATCH", "/v1/nodes/osl-1", "", "{}"), 400);
	assert_int_equal(api_ask("PATCH", "/v1/nodes/osl-1", "", "{\"drain\": true}"), 400);
	assert_int_equal(api_ask("PATCH", "/v1/nodes/osl-9", "", "{\"draining\": true}"), 404);
}

static void test_a_removed_node_is_gone_for_good(void **state)
{
	(void)state;
	assert_int_equal(api_ask("DELETE", "/v1/nodes/osl-1", "", ""), 200);
	assert_int_equal(api_number("revision"), 3);
	assert_int_equal(api_get("/v1/nodes/osl-1"), 404);
	assert_int_equal(api_ask("DELETE", "/v1/nodes/osl-1", "", ""), 404);
	assert_null(installation_node(&control.installation, "osl-1"));
	assert_int_equal(store_load(control.store, &control.installation), 0);
	assert_null(installation_node(&control.installation, "osl-1"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(test_a_token_can_be_found_by_its_secret),
	    API_TEST(test_each_token_is_another),
	    API_TEST(test_tokens_that_make_no_sense),
	    API_TEST(test_nodes_are_shown_as_they_are),
	    API_TEST(test_a_drain_is_a_change_that_stays),
	    API_TEST(test_a_removed_node_is_gone_for_good),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
