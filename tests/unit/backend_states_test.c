/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of backends: only of the config's, bounded, and summed over addresses. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "base/keyed_hash.h"
#include "net/backend_states.h"

#include <string.h>

static struct backend backends[] = {{.host = "a.test", .port = 80}, {.host = "192.0.2.2"}};
static struct config_accelerator accelerator = {.id = 7, .backends = backends, .backend_count = 2};
static const struct node_config config = {.accelerators = &accelerator, .accelerator_count = 1};
static const struct node_config empty;
static struct backend_states *states;

static int setup(void **state)
{
	(void)state;
	keyed_hash_init();
	states = backend_states_new();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	backend_states_free(states);
	return 0;
}

static struct backend_health of(size_t backend, uint8_t last, enum health_state health)
{
	struct backend_health made = {
	    .backend = backend_key(7, &backends[backend]), .state = health, .since_us = 5};

	made.address = (struct addr){.family = 4, .ip = {192, 0, 2, last}};
	return made;
}

static void take(struct backend_health change)
{
	assert_int_equal(backend_states_take(states, &config, &change, 1), 0);
}

static enum health_state sum(size_t backend)
{
	struct backend_key key = backend_key(7, &backends[backend]);

	return backend_states_sum(states, &key);
}

static void all_addresses_make_a_backend(void **state)
{
	(void)state;
	assert_int_equal(sum(0), HEALTH_UNKNOWN);
	take(of(0, 1, HEALTH_UNHEALTHY));
	assert_int_equal(sum(0), HEALTH_UNHEALTHY);
	take(of(0, 2, HEALTH_UNKNOWN));
	assert_int_equal(sum(0), HEALTH_UNKNOWN);
	take(of(0, 2, HEALTH_HEALTHY));
	assert_int_equal(sum(0), HEALTH_HEALTHY);
	assert_int_equal(backend_states_unhealthy(states, &accelerator), 0);
	take(of(0, 2, HEALTH_UNHEALTHY));
	assert_int_equal(backend_states_unhealthy(states, &accelerator), 1);
	take(of(1, 2, HEALTH_UNHEALTHY));
	assert_int_equal(backend_states_unhealthy(states, &accelerator), 3);
}

static void an_address_that_is_gone_counts_no_more(void **state)
{
	struct backend_health change = of(0, 2, HEALTH_HEALTHY);
	struct addr with_port = change.address;

	(void)state;
	take(of(0, 1, HEALTH_UNHEALTHY));
	take(change);
	with_port.port = 80;
	assert_int_equal(
	    backend_states_find(states, &change.backend, &with_port)->state, HEALTH_HEALTHY);
	change.is_gone = 1;
	take(change);
	assert_null(backend_states_find(states, &change.backend, &with_port));
	assert_int_equal(sum(0), HEALTH_UNHEALTHY);
	take(change);
}

static void what_the_config_has_not_is_not_kept(void **state)
{
	struct backend_health change = of(0, 1, HEALTH_UNHEALTHY);
	size_t count;

	(void)state;
	change.backend.port = 81;
	take(change);
	change = of(0, 1, HEALTH_UNHEALTHY);
	change.backend.accelerator = 8;
	take(change);
	assert_null(backend_states_all(states, &count));
	take(of(0, 1, HEALTH_UNHEALTHY));
	backend_states_keep(states, &config);
	assert_int_equal(sum(0), HEALTH_UNHEALTHY);
	backend_states_keep(states, &empty);
	assert_null(backend_states_all(states, &count));
	assert_int_equal(count, 0);
}

static void broken_messages_do_nothing(void **state)
{
	struct backend_health change = of(0, 1, (enum health_state)3);
	size_t count;

	(void)state;
	take(change);
	change = of(0, 1, HEALTH_HEALTHY);
	change.cause = HEALTH_CAUSE_COUNT;
	take(change);
	change = of(0, 1, HEALTH_HEALTHY);
	change.address.family = 5;
	take(change);
	change = of(0, 1, HEALTH_HEALTHY);
	memset(change.backend.host, 'a', sizeof(change.backend.host));
	take(change);
	assert_null(backend_states_all(states, &count));
}

static void addresses_are_bounded(void **state)
{
	struct backend_key key = backend_key(7, &backends[0]);
	struct backend_health *all;
	size_t count;

	(void)state;
	for (int i = 0; i < 3 * BACKEND_ADDRESSES_MAX; i++)
		take(of(0, (uint8_t)i, HEALTH_UNHEALTHY));
	assert_non_null(backend_states_of(states, &key, &count));
	assert_int_equal(count, BACKEND_ADDRESSES_MAX);
	take(of(1, 1, HEALTH_HEALTHY));
	all = backend_states_all(states, &count);
	assert_int_equal(count, BACKEND_ADDRESSES_MAX + 1);
	free(all);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(all_addresses_make_a_backend, setup, teardown),
	    cmocka_unit_test_setup_teardown(
	        an_address_that_is_gone_counts_no_more, setup, teardown),
	    cmocka_unit_test_setup_teardown(what_the_config_has_not_is_not_kept, setup, teardown),
	    cmocka_unit_test_setup_teardown(broken_messages_do_nothing, setup, teardown),
	    cmocka_unit_test_setup_teardown(addresses_are_bounded, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
