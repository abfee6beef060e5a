/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A node's config: validation, the saved form and its checksum, order of numbers, fingerprint. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "model/node_config.h"

#include <stdlib.h>
#include <string.h>

static struct name addresses[] = {{"192.0.2.1:7401"}};
static struct name endpoints[] = {{"fra-1"}};
static struct config_peer peers[] = {
    {.name = "fra-1",
        .region = "frankfurt",
        .pin = {1, 2},
        .door_key = {3, 4},
        .slots = 2,
        .congestion = "bbr",
        .is_traced = true,
        .addresses = addresses,
        .address_count = 1},
};
static struct port_range ports[] = {{80, 80}, {8000, 8010}};
static struct config_group groups[] = {
    {.region = "frankfurt", .endpoints = endpoints, .endpoint_count = 1},
};
static struct config_accelerator accelerators[] = {
    {.id = 7,
        .name = "web",
        .protocol = PROTOCOL_TCP_UDP,
        .ports = ports,
        .port_count = 2,
        .tcp_idle_timeout_s = 3600,
        .udp_idle_timeout_s = 60,
        .udp_flows_per_source = 1000,
        .connect_timeout_ms = 5000,
        .health = {.kind = HEALTH_HTTP,
            .path = "/ready",
            .interval_ms = 1000,
            .timeout_ms = 500,
            .rise = 2,
            .fall = 3},
        .groups = groups,
        .group_count = 1},
};

static struct node_config make(void)
{
	return (struct node_config){
	    .number = {1700000000, 12},
	    .node_id = 3,
	    .node_name = "tyo-1",
	    .region = "tokyo",
	    .role = NODE_LISTENER,
	    .drain_s = 30,
	    .seed = UINT64_C(0x7fffffffffffffff),
	    .peers = peers,
	    .peer_count = 1,
	    .accelerators = accelerators,
	    .accelerator_count = 1,
	};
}

static void saved_and_loaded(void **state)
{
	struct node_config config = make(), loaded;
	uint8_t before[32], after[32];
	struct model_error error;
	size_t length;
	char *text;

	(void)state;
	assert_int_equal(node_config_save(&config, &text, &length), 0);
	assert_int_equal(strlen(text), length);
	assert_int_equal(node_config_load(text, length, &loaded, &error), 0);
	assert_int_equal(config_number_compare(&loaded.number, &config.number), 0);
	assert_true(loaded.seed == config.seed);
	assert_memory_equal(loaded.peers[0].door_key, peers[0].door_key, DOOR_KEY_BYTES);
	assert_int_equal(loaded.accelerators[0].ports[1].last, 8010);
	assert_string_equal(loaded.accelerators[0].groups[0].endpoints[0].text, "fra-1");
	assert_non_null(node_config_peer(&loaded, "fra-1"));
	assert_null(node_config_peer(&loaded, "fra-2"));
	assert_non_null(node_config_accelerator(&loaded, 7));
	assert_int_equal(node_config_fingerprint(&config, before), 0);
	assert_int_equal(node_config_fingerprint(&loaded, after), 0);
	assert_memory_equal(before, after, sizeof(before));
	node_config_clear(&loaded);
	free(text);
}

static void damage_is_seen(void **state)
{
	struct node_config config = make(), loaded;
	struct model_error error;
	size_t length;
	char *text;

	(void)state;
	assert_int_equal(node_config_save(&config, &text, &length), 0);
	for (size_t i = 0; i < length; i++) {
		text[i] ^= 1;
		assert_true(node_config_load(text, length, &loaded, &error) < 0);
		text[i] ^= 1;
		assert_true(node_config_load(text, i, &loaded, &error) < 0);
	}
	free(text);
}

static void fingerprint_leaves_out_number_and_drain(void **state)
{
	struct node_config config = make();
	uint8_t one[32], other[32];

	(void)state;
	node_config_fingerprint(&config, one);
	config.number.revision++;
	config.drain_s = 0;
	node_config_fingerprint(&config, other);
	assert_memory_equal(one, other, sizeof(one));
	config.seed--;
	node_config_fingerprint(&config, other);
	assert_memory_not_equal(one, other, sizeof(one));
}

static void order_of_numbers(void **state)
{
	const struct config_number old = {1, 900}, next = {2, 1}, later = {2, 2};

	(void)state;
	assert_true(config_number_compare(&old, &next) < 0);
	assert_true(config_number_compare(&next, &later) < 0);
	assert_true(config_number_compare(&later, &old) > 0);
	assert_int_equal(config_number_compare(&next, &next), 0);
}

static void dangling_names_are_refused(void **state)
{
	struct node_config config = make();
	struct model_error error;

	(void)state;
	assert_int_equal(node_config_validate(&config, &error), 0);
	config.peer_count = 0;
	assert_int_equal(node_config_validate(&config, &error), ERR_INVALID);
	config = make();
	ports[1].first = 80;
	assert_int_equal(node_config_validate(&config, &error), ERR_INVALID);
	ports[1].first = 8000;
	peers[0].address_count = 0;
	assert_int_equal(node_config_validate(&config, &error), ERR_INVALID);
	peers[0].address_count = 1;
}

static void what_is_no_block_is_refused(void **state)
{
	struct cidr_text blocks[] = {{"10.0.0.0/8"}, {"10.0.0.1/8"}};
	struct node_config config = make();
	struct model_error error;

	(void)state;
	accelerators[0].access = (struct access_lists){.deny = blocks, .deny_count = 1};
	assert_int_equal(node_config_validate(&config, &error), 0);
	accelerators[0].access.deny_count = 2;
	assert_int_equal(node_config_validate(&config, &error), ERR_INVALID);
	assert_string_equal(error.reason, "\"web\" allows or denies what is no block of addresses");
	accelerators[0].access = (struct access_lists){0};
}

static void who_may_ask(void **state)
{
	const struct config_accelerator accelerator = {.listeners = endpoints, .listener_count = 1};

	(void)state;
	assert_true(config_accelerator_allows(&accelerator, "fra-1"));
	assert_false(config_accelerator_allows(&accelerator, "fra-11"));
}

/* A removed peer goes wherever it is named; what is left can still be saved and loaded. */
static void removed_peers_are_dropped(void **state)
{
	struct node_config config = make(), newer = make(), owned, loaded;
	struct config_peer two[] = {peers[0], peers[0]};
	struct name names[] = {{"fra-1"}, {"fra-2"}};
	struct config_group both[] = {groups[0], groups[0]};
	struct config_accelerator web = accelerators[0];
	struct model_error error;
	size_t length;
	char *text;

	(void)state;
	strcpy(two[1].name, "fra-2");
	two[1].pin[0] = 9;
	strcpy(both[1].region, "paris");
	both[0].endpoints = names;
	both[0].endpoint_count = 2;
	both[1].endpoints = names + 1;
	web.groups = both;
	web.group_count = 2;
	web.ranked_groups = 2;
	web.client_affinity = AFFINITY_SOURCE;
	both[0].traffic_dial_percent = 30;
	config.peers = two;
	config.peer_count = 2;
	config.accelerators = &web;
	assert_int_equal(node_config_save(&config, &text, &length), 0);
	assert_int_equal(node_config_load(text, length, &owned, &error), 0);
	free(text);
	assert_int_equal(node_config_drop_peers(&owned, &config), 0);
	assert_int_equal(node_config_drop_peers(&owned, &newer), 1);
	assert_null(node_config_peer(&owned, "fra-2"));
	assert_non_null(node_config_peer(&owned, "fra-1"));
	assert_int_equal(owned.accelerators[0].group_count, 1);
	assert_int_equal(owned.accelerators[0].ranked_groups, 1);
	assert_int_equal(owned.accelerators[0].client_affinity, AFFINITY_SOURCE);
	assert_int_equal(owned.accelerators[0].groups[0].traffic_dial_percent, 30);
	assert_int_equal(owned.accelerators[0].groups[0].endpoint_count, 1);
	newer.peer_count = 0;
	assert_int_equal(node_config_drop_peers(&owned, &newer), 1);
	assert_int_equal(owned.accelerators[0].group_count, 0);
	assert_int_equal(node_config_save(&owned, &text, &length), 0);
	assert_int_equal(node_config_load(text, length, &loaded, &error), 0);
	free(text);
	node_config_clear(&owned);
	node_config_clear(&loaded);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(saved_and_loaded),
	    cmocka_unit_test(damage_is_seen),
	    cmocka_unit_test(fingerprint_leaves_out_number_and_drain),
	    cmocka_unit_test(order_of_numbers),
	    cmocka_unit_test(dangling_names_are_refused),
	    cmocka_unit_test(what_is_no_block_is_refused),
	    cmocka_unit_test(who_may_ask),
	    cmocka_unit_test(removed_peers_are_dropped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
