/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/state.c: the objects of now, and of earlier, by undoing. */
#include "config.h"

#include "control/state.h"

#include "base/err.h"
#include "base/keyed_hash.h"
#include "control/change.h"
#include "tests/unit/control_fixture.h"

static struct problem problem;

static int setup(void **state)
{
	(void)state;
	control_begin_alone();
	control_add_pair();
	problem = (struct problem){0};
	return 0;
}

/* Sets the congestion of the one tunnel; the revision. */
static uint64_t set_congestion(const char *congestion)
{
	const struct installation *installation = &control.installation;
	struct tunnel_setting setting = installation_tunnel(installation,
	    installation_node(installation, "tyo-1"), installation_node(installation, "osl-1"));
	json_t *before =
	    tunnel_setting_is_default(&setting) ? NULL : state_tunnel_json(installation, &setting);
	json_t *after;
	struct change change;

	strcpy(setting.congestion, congestion);
	after =
	    tunnel_setting_is_default(&setting) ? NULL : state_tunnel_json(installation, &setting);
	change_init(&change, "test", "set");
	change_note(&change, "Tunnel", "tyo-1/osl-1", before, after);
	json_decref(before);
	json_decref(after);
	assert_int_equal(change_begin(&control, &change, &problem), 0);
	assert_int_equal(
	    change_end(&control, &change,
	        store_put_tunnel(control.store, &setting, change.revision.number), &problem),
	    0);
	return change.revision.number;
}

static void expect_at(uint64_t revision, const char *congestion)
{
	json_t *items, *gone;

	assert_int_equal(
	    state_objects_at(control.store, &control.installation, revision, &items, &gone), 0);
	assert_int_equal(json_array_size(items), congestion != NULL);
	if (congestion)
		assert_string_equal(
		    json_string_value(json_object_get(json_array_get(items, 0), "congestion")),
		    congestion);
	assert_int_equal(json_array_size(gone), 0);
	json_decref(items);
	json_decref(gone);
}

static void earlier_states(void **state)
{
	json_t *items, *gone;
	uint64_t first, second, third;

	(void)state;
	first = set_congestion("cubic");
	second = set_congestion("fixed:2mbit");
	third = set_congestion("bbr");
	assert_int_equal(control.installation.tunnel_setting_count, 0);
	expect_at(third, NULL);
	expect_at(second, "fixed:2mbit");
	expect_at(first, "cubic");
	expect_at(first - 1, NULL);
	assert_int_equal(
	    state_objects_at(control.store, &control.installation, third + 1, &items, &gone),
	    ERR_NOT_FOUND);
	assert_int_equal(state_objects_at(control.store, &control.installation, 0, &items, &gone),
	    ERR_NOT_FOUND);
}

static void note_node(const json_t *after)
{
	json_t *before = json_pack("{s:s}", "name", "tyo-1");
	struct change change;

	change_init(&change, "test", "node");
	change_note(&change, "Node", "tyo-1", before, after);
	json_decref(before);
	assert_int_equal(change_begin(&control, &change, &problem), 0);
	assert_int_equal(change_end(&control, &change, 0, &problem), 0);
}

/* Nodes are not stated: one that drains is not gone, one that was removed is. */
static void what_became_of_nodes(void **state)
{
	uint64_t first = set_congestion("cubic");
	json_t *node = json_pack("{s:s}", "name", "tyo-1"), *items, *gone;

	(void)state;
	note_node(node);
	expect_at(first, "cubic");
	note_node(NULL);
	assert_int_equal(
	    state_objects_at(control.store, &control.installation, first, &items, &gone), 0);
	assert_int_equal(json_array_size(gone), 1);
	json_decref(items);
	json_decref(gone);
	json_decref(node);
}

static void kinds_stand_first(void **state)
{
	json_t *items;

	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	set_congestion("cubic");
	items = state_objects(&control.installation);
	assert_int_equal(json_array_size(items), 2);
	assert_string_equal(
	    json_object_iter_key(json_object_iter(json_array_get(items, 0))), "kind");
	assert_string_equal(
	    json_string_value(json_object_get(json_array_get(items, 1), "listener")), "tyo-1");
	json_decref(items);
}

#define STATE_TEST(f) cmocka_unit_test_setup_teardown(f, setup, control_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    STATE_TEST(earlier_states),
	    STATE_TEST(what_became_of_nodes),
	    STATE_TEST(kinds_stand_first),
	};

	if (sodium_init() < 0 || keyed_hash_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
