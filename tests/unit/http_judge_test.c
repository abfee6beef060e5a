/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Status and body of an HTTP answer against the check. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "endpoint/http_judge.h"

static enum health_cause judge(const char *spec, long status, const char *body, size_t length)
{
	struct health_check check;
	struct model_error error;

	assert_int_equal(health_check_parse(spec, &check, &error), 0);
	return http_judge(&check, status, body, length);
}

static void status(void **state)
{
	(void)state;
	assert_int_equal(judge("http:/", 200, "", 0), HEALTH_CAUSE_NONE);
	assert_int_equal(judge("http:/", 399, "", 0), HEALTH_CAUSE_NONE);
	assert_int_equal(judge("http:/", 199, "", 0), HEALTH_CAUSE_WRONG_ANSWER);
	assert_int_equal(judge("http:/", 503, "", 0), HEALTH_CAUSE_WRONG_ANSWER);
	assert_int_equal(judge("http:/,status=401", 401, "", 0), HEALTH_CAUSE_NONE);
	assert_int_equal(judge("http:/,status=401", 200, "", 0), HEALTH_CAUSE_WRONG_ANSWER);
}

static void body(void **state)
{
	(void)state;
	assert_int_equal(judge("http:/,body=ok", 200, "it is ok", 8), HEALTH_CAUSE_NONE);
	assert_int_equal(judge("http:/,body=ok", 200, "it is ok", 7), HEALTH_CAUSE_WRONG_ANSWER);
	assert_int_equal(judge("http:/,body=ok", 200, "\0\0ok", 4), HEALTH_CAUSE_NONE);
	assert_int_equal(judge("http:/,body=ok", 500, "ok", 2), HEALTH_CAUSE_WRONG_ANSWER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(status), cmocka_unit_test(body)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
