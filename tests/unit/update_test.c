/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/update.c. */
#include "config.h"

#include "cli/update.h"

#include "tests/unit/cli_fixture.h"

static unsigned patches;
static bool is_refused;

static bool make_patch(
    const struct invocation *invocation, const json_t *before, json_t **patch, char *error)
{
	assert_null(invocation);
	assert_int_equal(json_integer_value(json_object_get(before, "n")), 1);
	patches++;
	if (is_refused) {
		strcpy(error, "no");
		return false;
	}
	*patch = json_pack("{s:i}", "n", 2);
	return true;
}

static enum exit_code update(void)
{
	json_t *before, *after;
	patches = 0;
	enum exit_code code =
	    update_object(&session, NULL, "/v1/x", "?now=true", make_patch, &before, &after);
	assert_int_equal(before != NULL, code == EXIT_DONE);
	assert_int_equal(after != NULL, code == EXIT_DONE);
	json_decref(before);
	json_decref(after);
	return code;
}

static void the_condition_is_what_was_read(void **state)
{
	(void)state;
	is_refused = false;
	strcpy(server.etag, "\"0\"");
	cli_set(200, "{\"n\":1}");
	assert_int_equal(update(), EXIT_DONE);
	assert_int_equal(patches, 1);
	assert_int_equal(cli_requests(), 2);
	assert_true(cli_was_asked("PATCH /v1/x?now=true "));
	assert_true(cli_was_asked("If-Match: \"0\"\r\n"));
	assert_true(cli_was_asked("{\"n\":2}"));
}

static void what_cannot_be_is_not_sent(void **state)
{
	(void)state;
	is_refused = true;
	cli_set(200, "{\"n\":1}");
	assert_int_equal(update(), EXIT_FAILED);
	assert_int_equal(cli_requests(), 1);
	cli_set(404, "{\"type\":\"urn:trunkline:problem:not-found\",\"detail\":\"none\"}");
	assert_int_equal(update(), EXIT_NOT_FOUND);
	assert_int_equal(patches, 0);
}

/* Somebody else is always faster: it gives up in the end, and says so. */
static void others_may_be_faster(void **state)
{
	(void)state;
	is_refused = false;
	cli_set_change(200, "{\"n\":1}", 412, "{\"detail\":\"it has changed\"}");
	assert_int_equal(update(), EXIT_FAILED);
	assert_int_equal(patches, 5);
	assert_int_equal(cli_requests(), 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(the_condition_is_what_was_read),
	    CLI_TEST(what_cannot_be_is_not_sent),
	    CLI_TEST(others_may_be_faster),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
