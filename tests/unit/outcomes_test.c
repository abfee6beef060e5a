/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Outcomes of flows are gathered by address and told a quarter of a second later, or when there are many. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "endpoint/outcomes.h"
#include "net/worker_messages.h"
#include "tests/support/worker_double.h"

#include <string.h>

static struct worker worker;
static struct outcomes outcomes;
static const struct backend backend = {.host = "a.test", .port = 80};

static int setup(void **state)
{
	(void)state;
	memset(&worker, 0, sizeof(worker));
	double_start(&worker);
	outcomes_init(&outcomes, &worker);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	outcomes_stop(&outcomes);
	double_stop(&worker);
	return 0;
}

static void add(uint8_t last, enum outcome outcome)
{
	struct addr address = {.family = 4, .port = last, .ip = {192, 0, 2, last}};

	outcomes_add(&outcomes, 7, &backend, &address, outcome);
}

static const struct flow_outcomes *told(void)
{
	return (const void *)worker.told;
}

static void they_are_told_together(void **state)
{
	(void)state;
	add(1, OUTCOME_SERVED);
	add(1, OUTCOME_SERVED);
	add(1, OUTCOME_FAILED);
	add(2, OUTCOME_UNANSWERED);
	assert_int_equal(worker.told_bytes, 0);
	double_run(&worker, 600);
	assert_int_equal(worker.told_type, WORKER_MESSAGE_FLOWS);
	assert_int_equal(worker.told_bytes, 2 * sizeof(struct flow_outcomes));
	assert_int_equal(told()[0].served, 2);
	assert_int_equal(told()[0].failed, 1);
	assert_int_equal(told()[0].backend.accelerator, 7);
	assert_string_equal(told()[0].backend.host, "a.test");
	assert_int_equal(told()[1].unanswered, 1);
	worker.told_bytes = 0;
	double_run(&worker, 600);
	assert_int_equal(worker.told_bytes, 0);
}

static void many_are_told_at_once(void **state)
{
	(void)state;
	for (int i = 0; i < OUTCOMES_MAX; i++)
		add((uint8_t)(i + 1), OUTCOME_FAILED);
	assert_true(worker.told_bytes > 0);
	assert_int_equal(outcomes.count, 0);
	add(1, OUTCOME_FAILED);
	assert_int_equal(outcomes.count, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(they_are_told_together, setup, teardown),
	    cmocka_unit_test_setup_teardown(many_are_told_at_once, setup, teardown),
	};

	if (double_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
