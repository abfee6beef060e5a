/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looking things up in a snapshot, and which tunnels there are to be. */
#include "tests/unit/installation_fixture.h"

static void lookups(void **state)
{
	const uint8_t pin[PIN_BYTES] = {4}, nobodys[PIN_BYTES] = {9};

	(void)state;
	assert_string_equal(installation_node_by_pin(&fixture, pin)->name, "rom-1");
	assert_null(installation_node_by_pin(&fixture, nobodys));
	assert_int_equal(installation_node(&fixture, "tyo-2")->id, 6);
	assert_null(installation_node(&fixture, "tyo"));
	assert_string_equal(installation_node_by_id(&fixture, 1)->name, "lim-1");
	assert_null(installation_node_by_id(&fixture, 7));
	assert_int_equal(installation_accelerator(&fixture, "web")->accelerator.id, 8);
	assert_null(installation_accelerator(&fixture, "we"));
}

static bool tunnel(const char *listener, const char *endpoint)
{
	return installation_has_tunnel(
	    &fixture, installation_node(&fixture, listener), installation_node(&fixture, endpoint));
}

static void tunnels_of_shared_accelerators(void **state)
{
	(void)state;
	assert_true(tunnel("tyo-1", "osl-1"));
	assert_true(tunnel("lim-1", "rom-1"));
	assert_false(tunnel("osl-1", "tyo-1"));
	assert_false(tunnel("tyo-1", "tyo-2"));
	fixture.accelerator_count = 1; /* game alone */
	assert_true(tunnel("lim-1", "osl-2"));
	fixture.accelerators = &fixture_accelerators[1]; /* web alone */
	assert_false(tunnel("lim-1", "osl-2"));
	assert_false(tunnel("tyo-1", "rom-1"));
	assert_true(tunnel("tyo-1", "osl-2"));
}

static void settings_are_by_tunnel(void **state)
{
	const struct node *here = installation_node(&fixture, "tyo-1");
	const struct node *there = installation_node(&fixture, "osl-1");
	const struct node *other = installation_node(&fixture, "osl-2");
	const struct node *elsewhere = installation_node(&fixture, "lim-1");
	struct tunnel_setting settings[] = {{elsewhere->id, there->id, "fixed:1mbit", true, 0},
	    {there->id, here->id, "bbr", true, 0}, {here->id, there->id, "cubic", false, 0}};

	(void)state;
	assert_string_equal(installation_tunnel(&fixture, here, there).congestion, "bbr");
	fixture.tunnel_settings = settings;
	fixture.tunnel_setting_count = 3;
	assert_string_equal(installation_tunnel(&fixture, here, there).congestion, "cubic");
	assert_string_equal(installation_tunnel(&fixture, here, other).congestion, "bbr");
}

#define SNAPSHOT_TEST(test) cmocka_unit_test_setup_teardown(test, fixture_set_up, fixture_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    SNAPSHOT_TEST(lookups),
	    SNAPSHOT_TEST(tunnels_of_shared_accelerators),
	    SNAPSHOT_TEST(settings_are_by_tunnel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
