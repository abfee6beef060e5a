/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/flow_treatment.c: from an accelerator's settings to a flow's policy. */
#include "tests/unit/cmocka_all.h"

#include "net/flow_treatment.h"

static struct flow *told;
static struct flow_policy told_policy;

void flow_set_policy(struct flow *flow, const struct flow_policy *policy)
{
	told = flow;
	told_policy = *policy;
}

static void classes(void **state)
{
	static const struct {
		enum traffic_class said;
		enum flow_class tcp, udp;
	} cases[] = {{TRAFFIC_AUTO, CLASS_INTERACTIVE, CLASS_REALTIME},
	    {TRAFFIC_REALTIME, CLASS_REALTIME, CLASS_REALTIME},
	    {TRAFFIC_INTERACTIVE, CLASS_INTERACTIVE, CLASS_INTERACTIVE},
	    {TRAFFIC_BULK, CLASS_BULK, CLASS_BULK}};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct flow_settings settings = {.traffic_class = cases[i].said};

		assert_int_equal(flow_treatment_policy(&settings, FLOW_TCP).class, cases[i].tcp);
		assert_int_equal(flow_treatment_policy(&settings, FLOW_UDP).class, cases[i].udp);
	}
}

static void a_deadline_is_for_datagrams(void **state)
{
	struct flow_settings settings = {.repair_budget_percent = 7, .deadline_ms = 10000};

	(void)state;
	assert_int_equal(flow_treatment_policy(&settings, FLOW_UDP).deadline_us, 10000000);
	assert_int_equal(flow_treatment_policy(&settings, FLOW_TCP).deadline_us, 0);
	assert_int_equal(flow_treatment_policy(&settings, FLOW_UDP).repair_budget_pct, 7);
}

static void the_flow_is_told(void **state)
{
	struct flow_settings settings = {TRAFFIC_BULK, 100, 5, COMPRESSION_LZ4};
	struct flow *flow = (struct flow *)&settings; /* any address: it is only handed on */

	(void)state;
	flow_treatment_apply(flow, &settings, FLOW_UDP);
	assert_ptr_equal(told, flow);
	assert_int_equal(told_policy.class, CLASS_BULK);
	assert_int_equal(told_policy.repair_budget_pct, 100);
	assert_int_equal(told_policy.deadline_us, 5000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(classes),
	    cmocka_unit_test(a_deadline_is_for_datagrams),
	    cmocka_unit_test(the_flow_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
