/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of endpoint/explain.c: the backend that is told is the one that a flow gets, and why not the others. */
#include "config.h"

#include "endpoint/explain.h"

#include "tests/unit/endpoint_fixture.h"

static struct explain_answer answer;

static int teardown(void **state)
{
	schema_clear(&explain_answer_schema, &answer);
	return fixture_teardown(state);
}

static void ask(enum accelerator_protocol protocol, const char *listener, const char *user)
{
	struct explain_question question = {
	    .id = 1, .accelerator = ACCELERATOR, .protocol = protocol, .port = USER_PORT};

	snprintf(question.listener, sizeof question.listener, "%s", listener);
	snprintf(question.user, sizeof question.user, "%s", user);
	schema_clear(&explain_answer_schema, &answer);
	assert_int_equal(endpoint_explain(fixture.endpoint, &question, &answer), 0);
}

static void add_three(void)
{
	fixture_add_backend("127.0.0.1", 9000, 1);
	fixture_add_backend("127.0.0.2", 9001, 1);
	fixture_add_backend("127.0.0.3", 9002, 1);
}

/* The index of the one that takes it, which is one alone. */
static size_t taking(void)
{
	size_t found = SIZE_MAX;

	for (size_t i = 0; i < answer.backend_count; i++) {
		if (answer.backends[i].verdict != EXPLAIN_BACKEND_TAKES)
			continue;
		assert_int_equal(found, SIZE_MAX);
		found = i;
	}
	return found;
}

static void test_what_is_told_is_what_a_flow_gets(void **state)
{
	size_t told;

	(void)state;
	add_three();
	ask(PROTOCOL_UDP, "near-1", "192.0.2.1:1000");
	assert_int_equal(answer.verdict, EXPLAIN_TAKEN);
	assert_false(answer.is_live);
	told = taking();
	fixture_open(FLOW_UDP); /* of that user */
	run(5);
	ask(PROTOCOL_UDP, "near-1", "192.0.2.1:1000");
	assert_true(answer.is_live);
	assert_int_equal(taking(), told);
	assert_int_equal(answer.backends[told].port, 9000 + told);
	assert_non_null(strstr(answer.backends[told].address, ":900"));
	ask(PROTOCOL_TCP, "near-1", "192.0.2.1:1000");
	assert_false(answer.is_live);
}

static void test_why_not_the_others(void **state)
{
	size_t first, second, third;

	(void)state;
	add_three();
	ask(PROTOCOL_TCP, "near-1", "192.0.2.1:1000");
	first = taking();
	fixture_health(first, HEALTH_UNHEALTHY, HEALTH_CAUSE_REFUSED);
	ask(PROTOCOL_TCP, "near-1", "192.0.2.1:1000");
	second = taking();
	assert_true(second != first);
	assert_int_equal(answer.backends[first].verdict, EXPLAIN_BACKEND_UNHEALTHY);
	assert_int_equal(answer.backends[first].health, HEALTH_UNHEALTHY);
	fixture.backends[second].weight = 0;
	assert_int_equal(backends_set(&fixture.endpoint->tables, &fixture.config, NULL), 0);
	ask(PROTOCOL_TCP, "near-1", "192.0.2.1:1000");
	third = taking();
	assert_int_equal(first + second + third, 3);
	assert_int_equal(answer.backends[second].verdict, EXPLAIN_BACKEND_WEIGHT_0);
	fixture_health(third, HEALTH_UNHEALTHY, HEALTH_CAUSE_REFUSED);
	ask(PROTOCOL_TCP, "near-1", "192.0.2.1:1000");
	assert_int_equal(answer.verdict, EXPLAIN_NO_BACKEND);
	assert_int_equal(taking(), SIZE_MAX);
}

static void test_a_full_backend_is_passed_over(void **state)
{
	size_t first;

	(void)state;
	add_three();
	fixture.accelerator.limits.backend.flows = 1;
	ask(PROTOCOL_UDP, "near-1", "192.0.2.9:1");
	first = taking();
	for (unsigned i = 1; i < 200; i++) { /* flows of others, until that one is full */
		struct flow_open open = {.kind = FLOW_UDP, .accelerator = ACCELERATOR};
		char user[32];

		snprintf(user, sizeof user, "192.0.2.1:%u", 1000 + i);
		ask(PROTOCOL_UDP, "near-1", user);
		if (taking() != first)
			continue;
		addr_parse(user, 0, &open.user);
		addr_parse("192.0.2.2", USER_PORT, &open.local);
		far_flow_open(&fixture.far, &open);
		run(5);
		break;
	}
	ask(PROTOCOL_UDP, "near-1", "192.0.2.9:1");
	assert_int_equal(answer.backends[first].verdict, EXPLAIN_BACKEND_FULL);
	assert_true(taking() != first);
	for (unsigned i = 200; i < 210 && answer.verdict == EXPLAIN_TAKEN; i++) {
		struct flow_open open = {.kind = FLOW_UDP, .accelerator = ACCELERATOR};

		assert_int_equal(answer.limit, EXPLAIN_LIMIT_NONE);
		addr_parse("192.0.2.1", (uint16_t)(1000 + i), &open.user);
		addr_parse("192.0.2.2", USER_PORT, &open.local);
		far_flow_open(&fixture.far, &open);
		run(5);
		ask(PROTOCOL_UDP, "near-1", "192.0.2.9:1");
	}
	assert_int_equal(answer.verdict, EXPLAIN_LIMIT);
	assert_int_equal(answer.limit, EXPLAIN_LIMIT_BACKEND_FLOWS);
}

static void test_what_was_not_given_is_unknown(void **state)
{
	(void)state;
	add_three();
	ask(PROTOCOL_TCP, "near-2", "192.0.2.1:1000");
	assert_int_equal(answer.verdict, EXPLAIN_UNKNOWN);
	assert_int_equal(answer.backend_count, 0);
	fixture.worker.is_draining = true;
	ask(PROTOCOL_TCP, "near-1", "192.0.2.1:1000");
	assert_int_equal(answer.verdict, EXPLAIN_DRAINING);
	fixture.worker.config = NULL;
	ask(PROTOCOL_TCP, "near-1", "192.0.2.1:1000");
	assert_int_equal(answer.verdict, EXPLAIN_UNKNOWN);
}

#define EXPLAIN_TEST(f) cmocka_unit_test_setup_teardown(f, fixture_setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    EXPLAIN_TEST(test_what_is_told_is_what_a_flow_gets),
	    EXPLAIN_TEST(test_why_not_the_others),
	    EXPLAIN_TEST(test_a_full_backend_is_passed_over),
	    EXPLAIN_TEST(test_what_was_not_given_is_unknown),
	};

	if (double_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
