/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which config each node gets: only its own part, and both ends of a tunnel agree. */
#include "tests/unit/installation_fixture.h"

#include "control/compile.h"

#include <sodium.h>

static struct node_config compile(const char *name)
{
	struct node_config config;
	struct model_error error;

	assert_int_equal(
	    compile_node_config(&fixture, installation_node(&fixture, name), &config), 0);
	if (node_config_validate(&config, &error) < 0)
		fail_msg("%s: %s", name, error.reason);
	return config;
}

static void listener_with_both(void **state)
{
	struct node_config config = compile("tyo-1");
	const struct config_accelerator *game = node_config_accelerator(&config, 9);

	(void)state;
	assert_int_equal(config.number.incarnation, 100);
	assert_int_equal(config.number.revision, 7);
	assert_string_equal(config.node_name, "tyo-1");
	assert_string_equal(config.region, "tokyo");
	assert_int_equal(config.role, NODE_LISTENER);
	assert_int_equal(config.accelerator_count, 2);
	assert_int_equal(config.peer_count, 3);
	assert_string_equal(
	    node_config_peer(&config, "rom-1")->addresses[0].text, "[2001:db8::4]:7401");
	assert_int_equal(game->group_count, 2);
	assert_int_equal(game->groups[0].endpoint_count, 2);
	assert_string_equal(game->groups[0].endpoints[1].text, "osl-2");
	assert_int_equal(game->backend_count, 0);
	assert_int_equal(game->ports[0].last, 5010);
	node_config_clear(&config);
}

static void listener_of_one(void **state)
{
	struct node_config config = compile("lim-1");

	(void)state;
	assert_int_equal(config.accelerator_count, 1);
	assert_null(node_config_accelerator(&config, 8));
	node_config_clear(&config);
}

static void endpoint_knows_who_may_ask(void **state)
{
	struct node_config config = compile("osl-1");
	const struct config_accelerator *web = node_config_accelerator(&config, 8);

	(void)state;
	assert_int_equal(config.peer_count, 3);
	assert_int_equal(web->backend_count, 2);
	assert_int_equal(web->backends[1].weight, 2);
	assert_int_equal(web->group_count, 0);
	assert_true(config_accelerator_allows(web, "tyo-1"));
	assert_true(config_accelerator_allows(web, "tyo-2"));
	assert_false(config_accelerator_allows(web, "lim-1"));
	assert_true(config_accelerator_allows(node_config_accelerator(&config, 9), "lim-1"));
	assert_int_equal(node_config_peer(&config, "tyo-1")->address_count, 0);
	node_config_clear(&config);
}

static void endpoint_has_its_regions_backends(void **state)
{
	struct node_config config = compile("rom-1");

	(void)state;
	assert_int_equal(config.accelerator_count, 1);
	assert_string_equal(config.accelerators[0].backends[0].host, "10.1.0.1");
	assert_int_equal(config.accelerators[0].backends[0].port, 6000);
	node_config_clear(&config);
}

static void ranked_groups_come_first(void **state)
{
	struct accelerator *game = &fixture_accelerators[0].accelerator;
	struct name order = {"rome"};
	struct node_config config;
	const struct config_accelerator *got;

	(void)state;
	game->failover_order = &order;
	game->failover_order_count = 1;
	game->endpoint_groups[0].traffic_dial_percent = 40;
	game->client_affinity = AFFINITY_SOURCE;
	config = compile("tyo-1");
	got = node_config_accelerator(&config, 9);
	assert_int_equal(got->ranked_groups, 1);
	assert_int_equal(got->group_count, 2);
	assert_string_equal(got->groups[0].region, "rome");
	assert_int_equal(got->groups[0].traffic_dial_percent, 100);
	assert_string_equal(got->groups[1].region, "oslo");
	assert_int_equal(got->groups[1].traffic_dial_percent, 40);
	assert_int_equal(got->client_affinity, AFFINITY_SOURCE);
	node_config_clear(&config);
	config = compile("osl-1");
	assert_int_equal(node_config_accelerator(&config, 9)->client_affinity, AFFINITY_SOURCE);
	node_config_clear(&config);
	game->failover_order = NULL;
	game->failover_order_count = 0;
	game->client_affinity = AFFINITY_NONE;
	game->endpoint_groups[0].traffic_dial_percent = 100;
}

/* A draining endpoint keeps its tunnels; a draining listener is told. */
static void draining_nodes(void **state)
{
	struct node_config config;
	const struct config_accelerator *game;

	(void)state;
	fixture_nodes[1].is_draining = fixture_nodes[4].is_draining = true; /* osl-1, tyo-1 */
	config = compile("tyo-1");
	game = node_config_accelerator(&config, 9);
	assert_true(config.is_draining);
	assert_int_equal(config.peer_count, 3);
	assert_int_equal(game->groups[0].endpoint_count, 1);
	assert_string_equal(game->groups[0].endpoints[0].text, "osl-2");
	node_config_clear(&config);
	fixture_nodes[2].is_draining = true; /* osl-2, the region's last */
	config = compile("tyo-2");
	assert_false(config.is_draining);
	assert_int_equal(config.peer_count, 3);
	assert_int_equal(node_config_accelerator(&config, 9)->groups[0].endpoint_count, 0);
	node_config_clear(&config);
	fixture_nodes[1].is_draining = fixture_nodes[2].is_draining = false;
	fixture_nodes[4].is_draining = false;
}

static void both_ends_get_the_flow_settings(void **state)
{
	struct flow_settings *settings = &fixture_accelerators[0].accelerator.flow_settings;
	uint32_t id = fixture_accelerators[0].accelerator.id;
	struct flow_settings before = *settings;

	(void)state;
	*settings = (struct flow_settings){TRAFFIC_BULK, 5, 40, COMPRESSION_LZ4};
	for (size_t i = 0; i < 2; i++) {
		struct node_config config = compile(i ? "tyo-1" : "osl-1");
		const struct flow_settings *got =
		    &node_config_accelerator(&config, id)->flow_settings;

		assert_int_equal(got->traffic_class, TRAFFIC_BULK);
		assert_int_equal(got->repair_budget_percent, 5);
		assert_int_equal(got->deadline_ms, 40);
		assert_int_equal(got->compression, COMPRESSION_LZ4);
		node_config_clear(&config);
	}
	*settings = before;
}

/* It is in no config; its tunnels stay. */
static void a_disabled_one_leaves_its_peers(void **state)
{
	struct accelerator *game = &fixture_accelerators[0].accelerator;
	static const char *const names[] = {"lim-1", "rom-1", "osl-1", "tyo-1"};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct node_config enabled = compile(names[i]), disabled;
		struct model_error error;

		game->is_enabled = false;
		disabled = compile(names[i]);
		game->is_enabled = true;
		assert_null(node_config_accelerator(&disabled, game->id));
		assert_int_equal(disabled.accelerator_count, enabled.accelerator_count - 1);
		assert_int_equal(disabled.peer_count, enabled.peer_count);
		for (size_t k = 0; k < enabled.peer_count; k++)
			assert_non_null(node_config_peer(&disabled, enabled.peers[k].name));
		assert_int_equal(node_config_validate(&disabled, &error), 0);
		node_config_clear(&enabled);
		node_config_clear(&disabled);
	}
}

/* Whose flows are taken is for listeners. */
static void listeners_get_the_lists_of_addresses(void **state)
{
	struct accelerator *accelerator = &fixture_accelerators[0].accelerator;
	struct cidr_text allow[] = {{"10.0.0.0/8"}, {"::1/128"}}, deny = {"10.1.0.0/16"};
	struct node_config listener, endpoint;
	const struct access_lists *got;

	(void)state;
	accelerator->access = (struct access_lists){allow, 2, &deny, 1};
	listener = compile("tyo-1");
	endpoint = compile("osl-1");
	accelerator->access = (struct access_lists){0};
	got = &node_config_accelerator(&listener, accelerator->id)->access;
	assert_int_equal(got->allow_count, 2);
	assert_string_equal(got->allow[1].text, "::1/128");
	assert_int_equal(got->deny_count, 1);
	assert_string_equal(got->deny[0].text, "10.1.0.0/16");
	got = &node_config_accelerator(&endpoint, accelerator->id)->access;
	assert_int_equal(got->allow_count + got->deny_count, 0);
	node_config_clear(&listener);
	node_config_clear(&endpoint);
}

static void both_ends_get_the_limits(void **state)
{
	struct accelerator_limits *limits = &fixture_accelerators[0].accelerator.limits;
	uint32_t id = fixture_accelerators[0].accelerator.id;
	static const struct accelerator_limits wanted = {
	    .source = {5, 6, 70000}, .accelerator = {70, 8, 80000}, .backend = {9, 90000}};

	(void)state;
	*limits = wanted;
	for (size_t i = 0; i < 2; i++) {
		struct node_config config = compile(i ? "tyo-1" : "osl-1");

		assert_memory_equal(
		    &node_config_accelerator(&config, id)->limits, &wanted, sizeof wanted);
		node_config_clear(&config);
	}
	*limits = (struct accelerator_limits){0};
}

static void both_ends_get_the_tunnels_settings(void **state)
{
	struct tunnel_setting setting = {5, 2, "fixed:200mbit", true, 0}; /* tyo-1, osl-1 */
	struct node_config listener, endpoint;

	(void)state;
	fixture.tunnel_settings = &setting;
	fixture.tunnel_setting_count = 1;
	listener = compile("tyo-1");
	endpoint = compile("osl-1");
	assert_string_equal(node_config_peer(&listener, "osl-1")->congestion, "fixed:200mbit");
	assert_string_equal(node_config_peer(&endpoint, "tyo-1")->congestion, "fixed:200mbit");
	assert_true(node_config_peer(&listener, "osl-1")->is_traced);
	assert_true(node_config_peer(&endpoint, "tyo-1")->is_traced);
	assert_false(node_config_peer(&listener, "osl-2")->is_traced);
	assert_string_equal(node_config_peer(&listener, "osl-2")->congestion, "bbr");
	assert_string_equal(node_config_peer(&endpoint, "tyo-2")->congestion, "bbr");
	node_config_clear(&listener);
	node_config_clear(&endpoint);
}

static void both_ends_share_a_door_key(void **state)
{
	struct node_config listener = compile("tyo-1"), endpoint = compile("osl-1");
	struct node_config other = compile("tyo-2");
	const uint8_t *key = node_config_peer(&listener, "osl-1")->door_key;

	(void)state;
	assert_memory_equal(key, node_config_peer(&endpoint, "tyo-1")->door_key, DOOR_KEY_BYTES);
	assert_memory_not_equal(
	    key, node_config_peer(&endpoint, "tyo-2")->door_key, DOOR_KEY_BYTES);
	assert_memory_not_equal(
	    key, node_config_peer(&listener, "osl-2")->door_key, DOOR_KEY_BYTES);
	assert_memory_not_equal(key, node_config_peer(&other, "osl-1")->door_key, DOOR_KEY_BYTES);
	node_config_clear(&listener);
	node_config_clear(&endpoint);
	node_config_clear(&other);
}

static void endpoint_without_address_is_left_out(void **state)
{
	struct node_config config;

	(void)state;
	fixture_nodes[2].address_count = 0;
	config = compile("tyo-1");
	fixture_nodes[2].address_count = 1;
	assert_null(node_config_peer(&config, "osl-2"));
	node_config_clear(&config);
}

/* A change elsewhere leaves a node's config as it was. */
static void only_those_concerned_change(void **state)
{
	uint8_t before[2][32], after[2][32];
	struct node_config config;

	(void)state;
	for (int i = 0; i < 2; i++) {
		fixture_accelerators[1].accelerator.udp_idle_timeout_s += (uint32_t)i;
		fixture.revision += (uint64_t)i;
		config = compile("lim-1");
		node_config_fingerprint(&config, i ? after[0] : before[0]);
		node_config_clear(&config);
		config = compile("tyo-1");
		node_config_fingerprint(&config, i ? after[1] : before[1]);
		node_config_clear(&config);
	}
	assert_memory_equal(before[0], after[0], 32);
	assert_memory_not_equal(before[1], after[1], 32);
}

static void expect_print(const char *node_name, const char *wanted)
{
	struct node_config config = compile(node_name);
	uint8_t print[32];
	char text[2 * sizeof(print) + 1];

	assert_int_equal(node_config_fingerprint(&config, print), 0);
	sodium_bin2hex(text, sizeof(text), print, sizeof(print));
	if (strcmp(text, wanted) != 0)
		fail_msg(
		    "%s has another config than in compile format %d, which is no fault: raise "
		    "COMPILE_FORMAT, or its nodes refuse it after an upgrade; it is now %s",
		    node_name, COMPILE_FORMAT, text);
	node_config_clear(&config);
}

/* A node with the number takes no other content by it. */
static void the_same_content_by_the_same_format(void **state)
{
	(void)state;
	assert_int_equal(COMPILE_FORMAT, 1);
	expect_print("tyo-1", "6f876098cebc30949c6c73574ab51ba08c8809b12cb7399997d7692543f229e1");
	expect_print("osl-1", "67c2f7dbaa2a9c8f66c77221c302ba675008e92d00a81c4777a1dcf6c146eb3a");
}

#define COMPILE_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    COMPILE_TEST(the_same_content_by_the_same_format),
	    COMPILE_TEST(listener_with_both),
	    COMPILE_TEST(listener_of_one),
	    COMPILE_TEST(endpoint_knows_who_may_ask),
	    COMPILE_TEST(endpoint_has_its_regions_backends),
	    COMPILE_TEST(ranked_groups_come_first),
	    COMPILE_TEST(draining_nodes),
	    COMPILE_TEST(both_ends_get_the_flow_settings),
	    COMPILE_TEST(a_disabled_one_leaves_its_peers),
	    COMPILE_TEST(listeners_get_the_lists_of_addresses),
	    COMPILE_TEST(both_ends_get_the_limits),
	    COMPILE_TEST(both_ends_get_the_tunnels_settings),
	    COMPILE_TEST(both_ends_share_a_door_key),
	    COMPILE_TEST(endpoint_without_address_is_left_out),
	    COMPILE_TEST(only_those_concerned_change),
	};

	return sodium_init() < 0 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
