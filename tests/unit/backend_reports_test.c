/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/backend_reports.c: what an endpoint may tell of backends, and what it may not. */
#include "config.h"

#include "control/backend_reports.h"

#include "net/backend_states.h"
#include "tests/unit/control_fixture.h"

static uint32_t web, far;
static struct backend_report list[BACKEND_REPORTS_MAX];

static int setup(void **state)
{
	(void)state;
	control_begin_alone();
	control_add_node("osl-1", NODE_ENDPOINT, "oslo", 1);
	control_add_node("osl-2", NODE_LISTENER, "oslo", 2);
	web = control_add_accelerator("web", 80, "tokyo", "oslo");
	far = control_add_accelerator("far", 81, "tokyo", "rome");
	return 0;
}

static struct backend_report report(
    uint32_t accelerator, const char *host, uint16_t port, const char *address)
{
	struct backend_report made = {
	    .accelerator = accelerator, .port = port, .state = HEALTH_HEALTHY};

	snprintf(made.host, sizeof made.host, "%s", host);
	snprintf(made.address, sizeof made.address, "%s", address);
	return made;
}

static size_t keep(const char *name, size_t count)
{
	return backend_reports_keep(
	    &control.installation, installation_node(&control.installation, name), list, count);
}

static void those_of_its_region_alone(void **state)
{
	(void)state;
	list[0] = report(web, "made-up.example", 0, "192.0.2.1");
	list[1] = report(web, "::1", 8080, "::1");
	list[2] = report(web, "::1", 0, "::1");
	list[3] = report(far, "::1", 0, "::1");
	list[4] = report(far + 1, "::1", 0, "::1");
	assert_int_equal(keep("osl-1", 5), 1);
	assert_int_equal(list[0].accelerator, web);
	assert_string_equal(list[0].host, "::1");
	assert_int_equal(list[0].port, 0);
	assert_int_equal(keep("osl-1", 0), 0);
}

static void a_listener_knows_of_none(void **state)
{
	(void)state;
	list[0] = report(web, "::1", 0, "::1");
	assert_int_equal(keep("osl-2", 1), 0);
}

static void each_address_once_as_it_came_first(void **state)
{
	(void)state;
	list[0] = report(web, "::1", 0, "192.0.2.2");
	list[1] = report(web, "::1", 0, "192.0.2.1");
	list[2] = report(web, "::1", 0, "192.0.2.2");
	list[2].state = HEALTH_UNHEALTHY;
	assert_int_equal(keep("osl-1", 3), 2);
	assert_string_equal(list[0].address, "192.0.2.2");
	assert_int_equal(list[0].state, HEALTH_HEALTHY);
	assert_string_equal(list[1].address, "192.0.2.1");
}

static void so_many_addresses_and_no_more(void **state)
{
	char address[32];

	(void)state;
	for (int i = 0; i < BACKEND_REPORTS_MAX; i++) {
		snprintf(address, sizeof address, "192.0.%d.%d", i >> 8, i & 255);
		list[i] = report(web, "::1", 0, address);
	}
	assert_int_equal(keep("osl-1", BACKEND_REPORTS_MAX), BACKEND_ADDRESSES_MAX);
}

#define REPORTS_TEST(f) cmocka_unit_test_setup_teardown(f, setup, control_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    REPORTS_TEST(those_of_its_region_alone),
	    REPORTS_TEST(a_listener_knows_of_none),
	    REPORTS_TEST(each_address_once_as_it_came_first),
	    REPORTS_TEST(so_many_addresses_and_no_more),
	};

	if (sodium_init() < 0)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
