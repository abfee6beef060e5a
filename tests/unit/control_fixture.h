/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Control's state for tests: a real store in a directory of /tmp, and what main.c gives.  Nodes and
 * accelerators go in by the store, as the API would have them.
 */
#ifndef TESTS_UNIT_CONTROL_FIXTURE_H
#define TESTS_UNIT_CONTROL_FIXTURE_H

#include "control/api_access.h"
#include "control/control.h"
#include "control/events.h"
#include "tests/unit/cmocka_all.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static struct control control;
static char store_path[256];
static char control_directory[32]; /* of control_begin_alone() */

static uint64_t clock_ms(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

uint64_t control_now_ms(void)
{
	return clock_ms(CLOCK_REALTIME);
}

uint64_t control_steady_ms(void)
{
	return clock_ms(CLOCK_MONOTONIC);
}

static inline void control_begin(const char *directory)
{
	char reason[REASON_BYTES];

	memset(&control, 0, sizeof control);
	control.loop = ev_default_loop(0);
	control.started_ms = control_now_ms();
	control.started_steady_ms = control_steady_ms();
	control.tunnels = tunnels_new();
	control.access = api_access_new(1000);
	assert_non_null(control.access);
	control.events = events_new(&control);
	assert_non_null(control.events);
	snprintf(store_path, sizeof store_path, "%s/control.db", directory);
	if (store_open(&control.store, store_path, reason) < 0)
		fail_msg("%s", reason);
	assert_int_equal(store_load(control.store, &control.installation), 0);
	strcpy(control.join_addresses[0], "192.0.2.9:7400");
	control.join_address_count = 1;
}

static inline void control_end(void)
{
	static const char *const suffixes[] = {"", "-wal", "-shm"};
	char name[sizeof store_path + 8];

	tunnels_free(control.tunnels);
	api_access_free(control.access);
	events_free(control.events);
	installation_clear(&control.installation);
	store_close(control.store);
	for (size_t i = 0; i < sizeof suffixes / sizeof *suffixes; i++) {
		snprintf(name, sizeof name, "%s%s", store_path, suffixes[i]);
		unlink(name);
	}
}

/* In a new directory, which control_end_alone() removes: nothing else may be in it then. */
static inline void control_begin_alone(void)
{
	strcpy(control_directory, "/tmp/trunkline-XXXXXX");
	assert_non_null(mkdtemp(control_directory));
	control_begin(control_directory);
}

static inline void control_end_alone(void)
{
	control_end();
	rmdir(control_directory);
}

static inline int control_teardown(void **state)
{
	(void)state;
	control_end_alone();
	return 0;
}

/* What the store has now. */
static inline void control_load(void)
{
	assert_int_equal(store_load(control.store, &control.installation), 0);
}

/* A node that joined, whose key is all of that byte. */
static inline uint32_t control_add_node(
    const char *name, enum node_role role, const char *region, uint8_t key)
{
	struct node node = {.role = role, .slots = 1, .version = "0.1"};
	struct revision revision = {.when_ms = 5, .who = "fixture", .what = "node"};

	strcpy(node.name, name);
	strcpy(node.region, region);
	memset(node.pin, key, sizeof node.pin);
	if (role == NODE_ENDPOINT) {
		memset(node.door_secret, key, sizeof node.door_secret);
		strcpy(node.addresses[0].text, "192.0.2.2:7401");
		node.address_count = 1;
	}
	assert_int_equal(store_begin(control.store), 0);
	assert_int_equal(store_add_revision(control.store, &revision, NULL), 0);
	assert_int_equal(store_put_node(control.store, &node), 0);
	assert_int_equal(store_commit(control.store), 0);
	control_load();
	return node.id;
}

/* TCP, of one port, from one region to one backend in another. */
static inline uint32_t control_add_accelerator(
    const char *name, unsigned port, const char *from, const char *to)
{
	struct revision revision = {.when_ms = 5, .who = "fixture", .what = "accelerator"};
	struct accelerator accelerator;
	struct schema_errors errors;
	struct model_error error;
	char json[512];

	snprintf(json, sizeof json,
	    "{\"name\": \"%s\", \"protocol\": \"tcp\", \"ports\": [\"%u\"], \"listen\": [\"%s\"], "
	    "\"endpoint_groups\": [{\"region\": \"%s\", \"backends\": [{\"host\": \"::1\"}]}]}",
	    name, port, from, to);
	assert_int_equal(schema_from_json_text(
	                     &accelerator_schema, json, strlen(json), 0, &accelerator, &errors),
	    0);
	assert_int_equal(accelerator_validate(&accelerator, &error), 0);
	assert_int_equal(store_begin(control.store), 0);
	assert_int_equal(store_add_revision(control.store, &revision, NULL), 0);
	assert_int_equal(store_put_accelerator(control.store, &accelerator, revision.number), 0);
	assert_int_equal(store_commit(control.store), 0);
	control_load();
	uint32_t id = accelerator.id;
	accelerator_clear(&accelerator);
	return id;
}

/* The network of most tests, in revisions 1 and 2. */
static inline void control_add_pair(void)
{
	control_add_node("osl-1", NODE_ENDPOINT, "oslo", 1);
	control_add_node("tyo-1", NODE_LISTENER, "tokyo", 2);
}

/* The secret of a token is all of that byte. */
static inline void control_add_token(enum node_role role, const char *region, uint8_t byte)
{
	struct token token = {.role = role, .expires_ms = control_now_ms() + 60000};
	uint8_t secret[JOIN_SECRET_BYTES];

	memset(secret, byte, sizeof secret);
	strcpy(token.region, region);
	crypto_generichash(token.hash, sizeof token.hash, secret, sizeof secret, NULL, 0);
	assert_int_equal(store_add_token(control.store, &token), 0);
}

#endif
