/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The words of failover settings in YAML, and where they start. */
#include "tests/unit/cmocka_all.h"

#include "model/failover.h"

#include <string.h>

struct holder {
	struct failover failover;
};

static const struct schema_field fields[] = {FAILOVER_FIELDS(struct holder)};
static const struct schema schema = SCHEMA(struct holder, fields);

static enum all_unhealthy from_yaml(const char *text)
{
	struct holder holder;
	struct schema_errors errors;

	assert_int_equal(schema_from_yaml_text(&schema, text, strlen(text), &holder, &errors), 0);
	return holder.failover.all_unhealthy;
}

static void words(void **state)
{
	struct holder holder;
	struct schema_errors errors;
	static const char wrong[] = "all_unhealthy: open";

	(void)state;
	assert_int_equal(from_yaml(""), ALL_UNHEALTHY_REFUSE);
	assert_int_equal(from_yaml("all_unhealthy: refuse"), ALL_UNHEALTHY_REFUSE);
	assert_int_equal(from_yaml("all_unhealthy: fail-open"), ALL_UNHEALTHY_FAIL_OPEN);
	assert_int_equal(
	    schema_from_yaml_text(&schema, "udp_failover: off", 17, &holder, &errors), 0);
	assert_int_equal(holder.failover.udp_failover, UDP_FAILOVER_OFF);
	assert_int_equal(schema_from_yaml_text(&schema, "", 0, &holder, &errors), 0);
	assert_int_equal(holder.failover.udp_failover, UDP_FAILOVER_ON);
	assert_int_not_equal(
	    schema_from_yaml_text(&schema, wrong, strlen(wrong), &holder, &errors), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(words)};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
