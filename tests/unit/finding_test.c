/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/finding.c: the shape of findings, their order, and their most. */
#include "tests/unit/cmocka_all.h"

#include "control/finding.h"
#include "model/limits.h"

#include <string.h>

static json_t *findings;

static int setup(void **state)
{
	(void)state;
	findings = json_array();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	json_decref(findings);
	return 0;
}

static const char *text_of(size_t i, const char *key)
{
	return json_string_value(json_object_get(json_array_get(findings, i), key));
}

static void each_has_its_parts(void **state)
{
	(void)state;
	finding_add(findings, FINDING_NOTICE, CHECK_MTU, "tyo-1", "do that", "of %d", 7);
	finding_add(findings, FINDING_WRONG, CHECK_REACHABILITY, NULL, "do this", "x");
	assert_string_equal(text_of(0, "level"), "notice");
	assert_string_equal(text_of(0, "check"), "mtu");
	assert_string_equal(text_of(0, "node"), "tyo-1");
	assert_string_equal(text_of(0, "detail"), "of 7");
	assert_string_equal(text_of(0, "fix"), "do that");
	assert_true(json_is_null(json_object_get(json_array_get(findings, 1), "node")));
	assert_string_equal(text_of(1, "check"), "reachability");
}

static void those_that_are_wrong_come_first(void **state)
{
	static const enum finding_level levels[] = {
	    FINDING_NOTICE, FINDING_WRONG, FINDING_NOTICE, FINDING_WRONG};
	char order[5] = "";

	(void)state;
	for (int i = 0; i < 4; i++)
		finding_add(findings, levels[i], CHECK_CLOCK, NULL, "", "%d", i);
	assert_int_equal(finding_sort(findings), 2);
	assert_int_equal(json_array_size(findings), 4);
	for (size_t i = 0; i < 4; i++)
		order[i] = text_of(i, "detail")[0];
	assert_string_equal(order, "1302");
}

static void a_cut_text_is_no_lost_finding(void **state)
{
	char reason[REASON_BYTES + 200];

	(void)state;
	memset(reason, 'x', sizeof reason);
	memcpy(reason + REASON_BYTES + 126, "\xc3\xa9", 3);
	finding_add(findings, FINDING_WRONG, CHECK_CONFIG, NULL, "", "%s", reason);
	assert_int_equal(strlen(text_of(0, "detail")), REASON_BYTES + 126);
}

/* What is left out is not hidden: when something of it is wrong, so is the last one. */
static void there_is_a_most(void **state)
{
	(void)state;
	for (int i = 0; i < FINDINGS_MAX - 1; i++)
		finding_add(findings, FINDING_NOTICE, CHECK_CONFIG, NULL, "", "%d", i);
	assert_string_equal(text_of(FINDINGS_MAX - 2, "detail"), "998");
	finding_add(findings, FINDING_NOTICE, CHECK_CONFIG, NULL, "", "one more");
	assert_int_equal(json_array_size(findings), FINDINGS_MAX);
	assert_non_null(strstr(text_of(FINDINGS_MAX - 1, "detail"), "left out"));
	assert_string_equal(text_of(FINDINGS_MAX - 1, "level"), "notice");
	finding_add(findings, FINDING_WRONG, CHECK_CONFIG, NULL, "", "and one");
	finding_add(findings, FINDING_NOTICE, CHECK_CONFIG, NULL, "", "and another");
	assert_int_equal(json_array_size(findings), FINDINGS_MAX);
	assert_int_equal(finding_sort(findings), 1);
	assert_non_null(strstr(text_of(0, "detail"), "left out"));
}

static void checks_have_names(void **state)
{
	json_t *names = finding_checks_json();

	(void)state;
	assert_int_equal(json_array_size(names), CHECK_STATE + 1);
	assert_string_equal(json_string_value(json_array_get(names, CHECK_LIMITS)), "limits");
	json_decref(names);
}

#define FINDING_TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    FINDING_TEST(each_has_its_parts),
	    FINDING_TEST(those_that_are_wrong_come_first),
	    FINDING_TEST(a_cut_text_is_no_lost_finding),
	    FINDING_TEST(there_is_a_most),
	    FINDING_TEST(checks_have_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
