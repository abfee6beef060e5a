/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Twin of control/api_revisions.c, with rollback.c and confirm.c behind it: what a revision
 * changed, the way back, and changes that are undone unless they are confirmed.
 */
#include "config.h"

#include "control/audit.h"
#include "control/confirm.h"

#include "tests/unit/api_fixture.h"

static void put(const char *name, unsigned port)
{
	char body[512];

	snprintf(body, sizeof body,
	    "{\"items\": [{\"kind\": \"Accelerator\", \"name\": \"%s\", \"protocol\": \"tcp\","
	    " \"ports\": [\"%u\"], \"listen\": [\"tokyo\"], \"endpoint_groups\":"
	    " [{\"region\": \"oslo\", \"backends\": [{\"host\": \"::1\"}]}]}]}",
	    name, port);
	assert_int_equal(api_ask("POST", "/v1/apply", "", body), 200);
}

static unsigned roll_back(uint64_t revision)
{
	char body[64];

	snprintf(body, sizeof body, "{\"revision\": %llu}", (unsigned long long)revision);
	return api_ask("POST", "/v1/rollback", "", body);
}

static const struct accelerator *find(const char *name)
{
	const struct stored_accelerator *stored =
	    installation_accelerator(&control.installation, name);

	return stored ? &stored->accelerator : NULL;
}

static void one_revision(void **state)
{
	char path[64];

	(void)state;
	put("web", 80);
	put("web", 81);
	snprintf(path, sizeof path, "/v1/revisions/%llu",
	    (unsigned long long)control.installation.revision);
	assert_int_equal(api_get(path), 200);
	assert_string_equal(api_text("what"), "applied: 1 updated");
	assert_string_equal(api_text("changes/0/name"), "web");
	assert_string_equal(api_text("changes/0/action"), "updated");
	assert_string_equal(api_text("changes/0/fields/0/field"), "ports");
	assert_string_equal(api_text("changes/0/fields/0/before/0"), "80");
	assert_int_equal(api_get("/v1/revisions/999"), 404);
	assert_int_equal(api_get("/v1/revisions/x"), 404);
	assert_int_equal(api_get("/v1/revisions/0"), 404);
}

static void back_and_forth(void **state)
{
	uint64_t empty = control.installation.revision, one, two;

	(void)state;
	put("web", 80);
	one = control.installation.revision;
	put("web", 81);
	put("api", 80);
	two = control.installation.revision;
	assert_int_equal(roll_back(one), 200);
	assert_int_equal(control.installation.revision, two + 1);
	assert_string_equal(find("web")->port_texts[0].text, "80");
	assert_null(find("api"));
	assert_int_equal(roll_back(two), 200);
	assert_string_equal(find("web")->port_texts[0].text, "81");
	assert_string_equal(find("api")->port_texts[0].text, "80");
	assert_int_equal(roll_back(empty), 200);
	assert_int_equal(control.installation.accelerator_count, 0);
	assert_int_equal(roll_back(999), 404);
	assert_int_equal(api_ask("POST", "/v1/rollback", "", "{}"), 400);
}

/* A dry run tells the same, and what nobody can bring back. */
static void nodes_do_not_come_back(void **state)
{
	uint64_t before;

	(void)state;
	put("web", 80);
	assert_int_equal(api_ask("PATCH", "/v1/tunnels/tyo-1/osl-1", "", "{\"trace\": true}"), 200);
	before = control.installation.revision;
	assert_int_equal(api_ask("DELETE", "/v1/nodes/tyo-1", "", ""), 200);
	assert_int_equal(api_ask("DELETE", "/v1/accelerators/web", "", ""), 200);
	assert_int_equal(roll_back(before), 200);
	assert_int_equal(json_array_size(api_at("warnings")), 3);
	assert_non_null(strstr(api_text("warnings/0"), "node tyo-1 is gone"));
	assert_non_null(strstr(api_text("warnings/1"), "no listener has joined in region"));
	assert_string_equal(
	    api_text("warnings/2"), "node tyo-1 was removed since: it does not come back");
	assert_non_null(find("web"));
	assert_int_equal(control.installation.tunnel_setting_count, 0);
}

static void apply_to_confirm(unsigned port, unsigned confirm_s)
{
	char body[512];

	snprintf(body, sizeof body,
	    "{\"confirm_s\": %u, \"items\": [{\"kind\": \"Accelerator\", \"name\": \"web\","
	    " \"protocol\": \"tcp\", \"ports\": [\"%u\"], \"listen\": [\"tokyo\"],"
	    " \"endpoint_groups\": [{\"region\": \"oslo\", \"backends\": [{\"host\": "
	    "\"::1\"}]}]}]}",
	    confirm_s, port);
	assert_int_equal(api_ask("POST", "/v1/apply", "", body), 200);
}

static void what_waits_blocks_other_changes(void **state)
{
	(void)state;
	put("web", 80);
	assert_int_equal(api_ask("POST", "/v1/confirm", "", "{}"), 404);
	apply_to_confirm(81, 60);
	assert_int_equal(api_get("/v1/status"), 200);
	assert_int_equal(api_number("confirmation/revision"), control.installation.revision);
	assert_true(api_number("confirmation/seconds_left") > 50);
	assert_non_null(strstr(api_text("problems/0/detail"), "unless it is confirmed"));
	assert_int_equal(api_ask("DELETE", "/v1/accelerators/web", "", ""), 409);
	assert_string_equal(api_text("type"), "urn:trunkline:problem:unconfirmed");
	assert_int_equal(api_ask("PATCH", "/v1/accelerators/web", "", "{\"ports\": [\"9\"]}"), 409);
	/* What is stolen is removed all the same. */
	control_add_node("tyo-9", NODE_LISTENER, "tokyo", 9);
	assert_int_equal(api_ask("DELETE", "/v1/nodes/tyo-9", "", ""), 200);
	/* Going back leaves nodes as they are: one may drain meanwhile. */
	assert_int_equal(api_ask("PATCH", "/v1/nodes/osl-1", "", "{\"draining\": true}"), 200);
	assert_int_equal(api_ask("POST", "/v1/confirm", "", "{\"revision\": 1}"), 404);
	assert_int_equal(api_ask("POST", "/v1/confirm", "", "{}"), 200);
	assert_int_equal(api_ask("DELETE", "/v1/accelerators/web", "", ""), 200);
	assert_int_equal(api_get("/v1/status"), 200);
	assert_true(json_is_null(api_at("confirmation")));
}

static void what_is_not_confirmed_is_undone(void **state)
{
	struct revision newest;
	char path[80];

	(void)state;
	assert_int_equal(audit_open(&control.audit, api_directory), 0);
	put("web", 80);
	apply_to_confirm(81, 1);
	assert_string_equal(find("web")->port_texts[0].text, "81");
	for (int i = 0; i < 5000 && control.installation.confirmation.revision; i++)
		rounds_one(control.loop);
	assert_int_equal(control.installation.confirmation.revision, 0);
	assert_string_equal(find("web")->port_texts[0].text, "80");
	assert_int_equal(store_list_revisions(control.store, &newest, 1), 1);
	assert_string_equal(newest.who, "control");
	assert_non_null(strstr(newest.what, "was not confirmed in 1 s: rolled back to revision"));
	assert_int_equal(api_get("/v1/audit?limit=1"), 200);
	assert_string_equal(api_text("items/0/who"), "control");
	assert_int_equal(strncmp(api_text("items/0/what"), "rollback to revision ", 21), 0);
	assert_int_equal(api_number("items/0/revision"), newest.number);
	audit_close(control.audit);
	snprintf(path, sizeof path, "%s/audit.log", api_directory);
	unlink(path);
}

/* The store remembers it; one whose time came while nobody was there is undone at once. */
static void it_survives_a_restart(void **state)
{
	struct confirmation past;

	(void)state;
	put("web", 80);
	apply_to_confirm(81, 3600);
	past = control.installation.confirmation;
	past.deadline_ms = control_now_ms() - 1;
	assert_int_equal(store_put_confirmation(control.store, &past), 0);
	confirm_stop(&control);
	assert_int_equal(store_load(control.store, &control.installation), 0);
	confirm_watch(&control);
	for (int i = 0; i < 5000 && control.installation.confirmation.revision; i++)
		rounds_one(control.loop);
	assert_string_equal(find("web")->port_texts[0].text, "80");
}

/* Going back by hand is an answer too. */
static void a_rollback_ends_the_wait(void **state)
{
	(void)state;
	put("web", 80);
	apply_to_confirm(81, 60);
	assert_int_equal(roll_back(control.installation.confirmation.back_to), 200);
	assert_int_equal(control.installation.confirmation.revision, 0);
	assert_string_equal(find("web")->port_texts[0].text, "80");
	assert_false(ev_is_active(&control.confirm_due));
}

static int teardown(void **state)
{
	confirm_stop(&control);
	return api_teardown(state);
}

#define REVISION_TEST(f) cmocka_unit_test_setup_teardown(f, api_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    REVISION_TEST(one_revision),
	    REVISION_TEST(back_and_forth),
	    REVISION_TEST(nodes_do_not_come_back),
	    REVISION_TEST(what_waits_blocks_other_changes),
	    REVISION_TEST(what_is_not_confirmed_is_undone),
	    REVISION_TEST(it_survives_a_restart),
	    REVISION_TEST(a_rollback_ends_the_wait),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
