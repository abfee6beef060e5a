/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of model/explain.c: question and answer come through whole, and what is neither is refused. */
#include "tests/unit/cmocka_all.h"

#include "model/explain.h"

#include <string.h>

static int decode(const struct schema *schema, const char *text, void *out)
{
	return schema_from_json_text(schema, text, strlen(text), 0, out, NULL);
}

static void an_answer_comes_back_whole(void **state)
{
	struct explain_endpoint endpoint = {.name = "osl-1", .has_lane = true, .rtt_us = 5};
	struct explain_group group = {.region = "oslo",
	    .verdict = EXPLAIN_GROUP_TAKES_REST,
	    .is_ranked = true,
	    .dial = 50,
	    .share = 99,
	    .endpoint = "osl-1",
	    .endpoints = &endpoint,
	    .endpoint_count = 1,
	    .endpoint_total = 20};
	struct explain_backend backend = {
	    .host = "a.test", .port = 80, .weight = 255, .verdict = EXPLAIN_BACKEND_RETURNING};
	struct explain_answer said = {.id = 7,
	    .verdict = EXPLAIN_FAILED_OPEN,
	    .is_live = true,
	    .workers = 2,
	    .protocol = PROTOCOL_UDP,
	    .has_lane = true,
	    .lane = {.remote = "[2001:db8::1]:7401", .packet_bytes = 1452},
	    .groups = &group,
	    .group_count = 1,
	    .backends = &backend,
	    .backend_count = 1};
	struct explain_answer again;
	json_t *json = schema_to_json(&explain_answer_schema, &said, 0), *other;

	(void)state;
	assert_int_equal(schema_from_json(&explain_answer_schema, json, 0, &again, NULL), 0);
	other = schema_to_json(&explain_answer_schema, &again, 0);
	assert_true(json_equal(json, other));
	assert_int_equal(again.groups[0].verdict, EXPLAIN_GROUP_TAKES_REST);
	assert_string_equal(again.groups[0].endpoints[0].name, "osl-1");
	assert_int_equal(again.backends[0].verdict, EXPLAIN_BACKEND_RETURNING);
	assert_true(explain_is_taken(&again));
	json_decref(json);
	json_decref(other);
	schema_clear(&explain_answer_schema, &again);
}

static void what_is_no_question_is_refused(void **state)
{
	static const char *const wrong[] = {"{\"id\": 1}", "{\"id\": 1, \"user\": \"192.0.2.1\"}",
	    "{\"id\": 1, \"user\": \"example.test:1\"}", "{\"user\": \"192.0.2.1:1\"}",
	    "{\"id\": 1, \"user\": \"192.0.2.1:1\", \"listener\": \"a b\"}",
	    "{\"id\": 1, \"user\": \"192.0.2.1:1\", \"port\": 65536}"};
	struct explain_question question;

	(void)state;
	assert_int_equal(
	    decode(&explain_question_schema, "{\"id\": 1, \"user\": \"[::1]:9\"}", &question), 0);
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_true(decode(&explain_question_schema, wrong[i], &question) < 0);
}

static void an_answer_has_bounds(void **state)
{
	static const char *const wrong[] = {"{\"id\": 1}", "{\"id\": 1, \"verdict\": \"maybe\"}",
	    "{\"id\": 1, \"verdict\": \"taken\", \"endpoint\": \"../x\"}",
	    "{\"id\": 1, \"verdict\": \"taken\", \"worker\": 65}",
	    "{\"id\": 1, \"verdict\": \"taken\", \"lane\": {\"remote\": \"here\"}}",
	    "{\"id\": 1, \"verdict\": \"taken\", \"groups\": [{\"share\": 100}]}"};
	struct explain_answer answer;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
		assert_true(decode(&explain_answer_schema, wrong[i], &answer) < 0);
	assert_string_equal(explain_verdict_text(EXPLAIN_NO_LANE), "no-lane");
	assert_string_equal(explain_verdict_text((enum explain_verdict)99), "?");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(an_answer_comes_back_whole),
	    cmocka_unit_test(what_is_no_question_is_refused),
	    cmocka_unit_test(an_answer_has_bounds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
