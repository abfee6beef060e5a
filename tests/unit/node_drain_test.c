/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/node_drain.c: when a drain is over, by what the nodes told. */
#include "config.h"

#include "control/change.h"
#include "control/events.h"
#include "control/node_drain.h"
#include "control/node_server.h"

#include "tests/unit/installation_fixture.h"

enum { NODES = 7, REVISION = 7, APPLIED_MS = 1000000, TOLD_MS = APPLIED_MS + 5000 };

/* What the nodes told, in place of control's connections; by id. */
static struct node_live lives[NODES];
static struct counter counters[NODES][2];
static struct control control;

const struct node_live *node_server_live(const struct node_server *server, uint32_t node_id)
{
	(void)server;
	return &lives[node_id];
}

/* The last event, in place of control's; owned. */
static json_t *event;

void events_publish(struct events *events, enum event_kind kind, uint64_t id, json_t *data)
{
	(void)events;
	assert_int_equal(kind, EVENT_DRAIN);
	assert_int_equal(id, 0);
	json_decref(event);
	event = data;
}

static int set_up(void **state)
{
	fixture_set_up(state);
	for (size_t i = 0; i < NODES; i++) {
		counters[i][0] = (struct counter){"tcp_flows", 0};
		counters[i][1] = (struct counter){"udp_flows", 0};
		lives[i] = (struct node_live){.is_up = true,
		    .reported_steady_ms = TOLD_MS,
		    .wanted_revision = REVISION,
		    .has_applied = true,
		    .applied_revision = REVISION,
		    .applied_since_ms = UINT64_MAX / 2, /* the wall clock was set back since */
		    .applied_steady_ms = APPLIED_MS,
		    .counters = counters[i],
		    .counter_count = 2};
	}
	for (size_t i = 0; i < fixture.node_count; i++)
		fixture.nodes[i].is_draining = false;
	control.installation = fixture;
	return 0;
}

static struct node *node(const char *name)
{
	return (struct node *)(uintptr_t)installation_node(&control.installation, name);
}

static const char *state_of(const char *name)
{
	return node_drain_state(&control, node(name));
}

static void without_flows_it_is_drained(void **state)
{
	(void)state;
	assert_string_equal(state_of("osl-1"), "off");
	node("osl-1")->is_draining = true;
	assert_string_equal(state_of("osl-1"), "drained");
	counters[2][1].value = 3;
	assert_string_equal(state_of("osl-1"), "draining");
	assert_int_equal(node_drain_flows(&control, node("osl-1")).udp, 3);
	assert_int_equal(node_drain_flows(&control, node("osl-1")).tcp, 0);
}

/* A request with a key is answered before anybody is told of what it changed. */
static void not_before_nodes_are_told(void **state)
{
	struct change_hold hold = {.is_made = true};

	(void)state;
	node("osl-1")->is_draining = true;
	control.hold = &hold;
	assert_string_equal(state_of("osl-1"), "draining");
	hold.is_made = false; /* it drained before, and nothing was changed */
	assert_string_equal(state_of("osl-1"), "drained");
	control.hold = NULL;
	assert_string_equal(state_of("osl-1"), "drained");
}

/* Flows may come until each listener knows, and its own report may be older than that. */
static void not_before_all_listeners_know(void **state)
{
	(void)state;
	node("osl-1")->is_draining = true;
	lives[6].applied_revision = REVISION - 1; /* tyo-2 */
	assert_string_equal(state_of("osl-1"), "draining");
	lives[6].applied_revision = REVISION;
	lives[6].applied_steady_ms = TOLD_MS - 100;
	assert_string_equal(state_of("osl-1"), "draining");
	lives[6].applied_steady_ms = APPLIED_MS;
	lives[6].has_applied = false;
	assert_string_equal(state_of("osl-1"), "draining");
	lives[6].has_applied = true;
	lives[6].refused_revision = REVISION; /* has it, and cannot serve by it */
	assert_string_equal(state_of("osl-1"), "draining");
	lives[6].refused_revision = 0;
	lives[6].is_asked = true; /* connected, and may be unable to serve by what it has */
	assert_string_equal(state_of("osl-1"), "draining");
	lives[6].is_asked = false;
	lives[3].has_applied = false; /* another endpoint does not matter */
	assert_string_equal(state_of("osl-1"), "drained");
}

/* rom-1 serves "game" alone, in which both regions listen; osl-1 is no concern of a listener. */
static void a_listener_drains_by_itself(void **state)
{
	(void)state;
	node("tyo-1")->is_draining = true;
	lives[2].has_applied = lives[6].has_applied = false;
	assert_string_equal(state_of("tyo-1"), "drained");
	lives[5].applied_revision = 0;
	assert_string_equal(state_of("tyo-1"), "draining");
}

static void what_a_node_that_is_down_has_is_not_known(void **state)
{
	(void)state;
	node("osl-1")->is_draining = true;
	lives[2].is_up = false;
	assert_string_equal(state_of("osl-1"), "draining");
	assert_int_equal(node_drain_flows(&control, node("osl-1")).tcp, -1);
	lives[2].is_up = true;
	lives[2].counter_count = 0; /* up, but no report yet */
	assert_string_equal(state_of("osl-1"), "draining");
}

static bool is_told(struct drain_told *told)
{
	json_decref(event);
	event = NULL;
	node_drain_tell(&control, node("osl-1"), told);
	return event != NULL;
}

static void what_is_as_before_is_not_told_again(void **state)
{
	struct drain_told told = {0};

	(void)state;
	assert_false(is_told(&told));
	node("osl-1")->is_draining = true;
	counters[2][0].value = 2;
	assert_true(is_told(&told));
	assert_string_equal(json_string_value(json_object_get(event, "drain")), "draining");
	assert_false(is_told(&told));
	counters[2][0].value = 1;
	assert_true(is_told(&told));
	counters[2][0].value = 0;
	lives[6].applied_steady_ms = TOLD_MS; /* no flows any more, and some may still come */
	assert_true(is_told(&told));
	lives[6].applied_steady_ms = APPLIED_MS;
	assert_true(is_told(&told));
	assert_string_equal(json_string_value(json_object_get(event, "drain")), "drained");
	assert_false(is_told(&told));
	node("osl-1")->is_draining = false;
	assert_false(is_told(&told));
	node("osl-1")->is_draining = true; /* another drain */
	assert_true(is_told(&told));
	is_told(&told); /* frees it */
}

int main(void)
{
#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, fixture_tear_down)
	const struct CMUnitTest tests[] = {
	    TEST(without_flows_it_is_drained),
	    TEST(not_before_nodes_are_told),
	    TEST(not_before_all_listeners_know),
	    TEST(a_listener_drains_by_itself),
	    TEST(what_is_as_before_is_not_told_again),
	    TEST(what_a_node_that_is_down_has_is_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
