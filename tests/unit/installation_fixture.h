/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A small installation for tests of control's pure parts: listeners in tokyo (two) and lima,
 * endpoints in oslo (two) and rome, accelerators "web" (tcp 80, tokyo -> oslo) and "game"
 * (udp 5000-5010, tokyo and lima -> oslo and rome).
 */
#ifndef TESTS_UNIT_INSTALLATION_FIXTURE_H
#define TESTS_UNIT_INSTALLATION_FIXTURE_H

#include "control/installation.h"
#include "tests/unit/cmocka_all.h"

#include <string.h>

static struct node fixture_nodes[] = {
    {.id = 1, .name = "lim-1", .role = NODE_LISTENER, .region = "lima", .pin = {1}, .slots = 1},
    {.id = 2,
        .name = "osl-1",
        .role = NODE_ENDPOINT,
        .region = "oslo",
        .pin = {2},
        .door_secret = {22},
        .addresses = {{"192.0.2.2:7401"}},
        .address_count = 1,
        .slots = 2},
    {.id = 3,
        .name = "osl-2",
        .role = NODE_ENDPOINT,
        .region = "oslo",
        .pin = {3},
        .door_secret = {33},
        .addresses = {{"192.0.2.3:7401"}},
        .address_count = 1,
        .slots = 2},
    {.id = 4,
        .name = "rom-1",
        .role = NODE_ENDPOINT,
        .region = "rome",
        .pin = {4},
        .door_secret = {44},
        .addresses = {{"[2001:db8::4]:7401"}},
        .address_count = 1,
        .slots = 1},
    {.id = 5, .name = "tyo-1", .role = NODE_LISTENER, .region = "tokyo", .pin = {5}, .slots = 2},
    {.id = 6, .name = "tyo-2", .role = NODE_LISTENER, .region = "tokyo", .pin = {6}, .slots = 2},
};
static struct stored_accelerator fixture_accelerators[2];
static struct installation fixture;

static inline struct accelerator fixture_accelerator(const char *json)
{
	struct accelerator accelerator;
	struct schema_errors errors;
	struct model_error error;

	if (schema_from_json_text(&accelerator_schema, json, strlen(json), 0, &accelerator, &errors)
	    < 0)
		fail_msg("%s: %s", errors.list[0].path, errors.list[0].text);
	assert_int_equal(accelerator_validate(&accelerator, &error), 0);
	return accelerator;
}

static inline int fixture_set_up(void **state)
{
	(void)state;
	fixture_accelerators[0].accelerator = fixture_accelerator(
	    "{\"name\": \"game\", \"protocol\": \"udp\", \"ports\": [\"5000-5010\"], "
	    "\"listen\": [\"tokyo\", \"lima\"], \"endpoint_groups\": ["
	    "{\"region\": \"oslo\", \"backends\": [{\"host\": \"10.0.0.1\"}]}, "
	    "{\"region\": \"rome\", \"backends\": [{\"host\": \"10.1.0.1\", \"port\": 6000}]}]}");
	fixture_accelerators[0].accelerator.id = 9;
	fixture_accelerators[1].accelerator = fixture_accelerator(
	    "{\"name\": \"web\", \"protocol\": \"tcp\", \"ports\": [\"80\"], \"listen\": "
	    "[\"tokyo\"], "
	    "\"endpoint_groups\": [{\"region\": \"oslo\", \"backends\": ["
	    "{\"host\": \"10.0.0.1\", \"weight\": 1}, {\"host\": \"10.0.0.2\", \"weight\": 2}]}]}");
	fixture_accelerators[1].accelerator.id = 8;
	fixture = (struct installation){.incarnation = 100,
	    .revision = 7,
	    .seed = 77,
	    .nodes = fixture_nodes,
	    .node_count = 6,
	    .accelerators = fixture_accelerators,
	    .accelerator_count = 2};
	return 0;
}

static inline int fixture_tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < 2; i++)
		accelerator_clear(&fixture_accelerators[i].accelerator);
	return 0;
}

#endif
