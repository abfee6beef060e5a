/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Targets from configs, with real sockets on loopback as backends. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "base/keyed_hash.h"
#include "endpoint/health_targets.h"
#include "tests/support/loopback.h"

#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { TOLD_MAX = 64 };

static struct ev_loop *loop;
static struct health_targets *targets;
static struct backend_health told[TOLD_MAX];
static size_t told_count;
static int server;
static struct addr address;

static void on_told(void *context, const struct backend_health *changes, size_t count)
{
	assert_null(context);
	for (size_t i = 0; i < count && told_count < TOLD_MAX; i++)
		told[told_count++] = changes[i];
}

static int setup(void **state)
{
	(void)state;
	keyed_hash_init();
	loop = ev_loop_new(0);
	told_count = 0;
	assert_int_equal(health_targets_new(&targets, loop, on_told, NULL), 0);
	server = loopback_listen("127.0.0.1", &address);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	health_targets_free(targets);
	if (server >= 0)
		close(server);
	ev_loop_destroy(loop);
	return 0;
}

static void stop_server(void)
{
	close(server);
	server = -1;
}

/* One accelerator with one backend there, checked so. */
static void configure(const char *host, const char *spec)
{
	struct node_config config = {.role = NODE_ENDPOINT};
	struct config_accelerator *accelerator = calloc(1, sizeof(*accelerator));
	struct model_error error;

	accelerator->id = 3;
	accelerator->protocol = PROTOCOL_TCP;
	accelerator->ports = calloc(1, sizeof(*accelerator->ports));
	accelerator->ports[0] = (struct port_range){80, 80};
	accelerator->port_count = 1;
	accelerator->backends = calloc(1, sizeof(*accelerator->backends));
	accelerator->backend_count = 1;
	strcpy(accelerator->backends[0].host, host);
	accelerator->backends[0].port = address.port;
	if (health_check_parse(spec, &accelerator->health, &error) < 0)
		fail_msg("%s", error.reason);
	config.accelerators = accelerator;
	config.accelerator_count = 1;
	health_targets_config(targets, &config);
}

static void on_step(struct ev_loop *running, ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	ev_break(running, EVBREAK_ALL);
}

static void turn(double seconds)
{
	ev_timer step;

	ev_timer_init(&step, on_step, seconds, 0.);
	ev_timer_start(loop, &step);
	ev_run(loop, 0);
	ev_timer_stop(loop, &step);
}

static const struct backend_health *wait_told(size_t count)
{
	for (int i = 0; told_count < count && i < 2000; i++)
		turn(0.01);
	assert_in_range(told_count, count, TOLD_MAX);
	return &told[count - 1];
}

#define FAST "tcp,interval=200ms,timeout=100ms,rise=1,fall=2"

static void it_serves_and_stops_and_serves(void **state)
{
	const struct backend_health *last;
	char text[ADDR_TEXT_BYTES];

	(void)state;
	configure("127.0.0.1", FAST);
	last = wait_told(1);
	assert_int_equal(last->state, HEALTH_HEALTHY);
	assert_int_equal(last->backend.accelerator, 3);
	assert_string_equal(last->backend.host, "127.0.0.1");
	assert_true(addr_equal_ip(&last->address, &address));
	assert_int_equal(last->has_returned, 0);
	stop_server();
	last = wait_told(2);
	assert_int_equal(last->state, HEALTH_UNHEALTHY);
	assert_int_equal(last->cause, HEALTH_CAUSE_REFUSED);
	server = loopback_listen(addr_format(&address, text, sizeof(text)), &address);
	last = wait_told(3);
	assert_int_equal(last->state, HEALTH_HEALTHY);
	assert_int_equal(last->has_returned, 1);
}

static void the_same_config_keeps_the_state(void **state)
{
	(void)state;
	configure("127.0.0.1", FAST);
	wait_told(1);
	configure("127.0.0.1", FAST);
	turn(0.5);
	assert_int_equal(told_count, 1);
}

static void who_is_asked_no_more_is_gone(void **state)
{
	(void)state;
	stop_server();
	configure("127.0.0.1", FAST);
	assert_int_equal(wait_told(1)->state, HEALTH_UNHEALTHY);
	configure("127.0.0.1", "none");
	assert_int_equal(wait_told(2)->is_gone, 1);
}

static void another_process_goes_on(void **state)
{
	struct backend_health known = {.backend = {.accelerator = 3, .port = address.port},
	    .state = HEALTH_UNHEALTHY,
	    .cause = HEALTH_CAUSE_SILENT,
	    .since_us = 1};

	(void)state;
	strcpy(known.backend.host, "127.0.0.1");
	known.address = address;
	known.address.port = 0;
	health_targets_remember(targets, &known, 1);
	configure("127.0.0.1", "tcp,interval=200ms,timeout=100ms,rise=2");
	/* It had fallen: it returns, by two answers, and is not new. */
	assert_int_equal(wait_told(1)->state, HEALTH_HEALTHY);
	assert_int_equal(told[0].has_returned, 1);
}

/* The name had another address then, or none: whoever keeps that is told that it is gone, once. */
static void what_a_predecessor_knew_and_is_no_more_is_gone(void **state)
{
	struct backend_health known[3] = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		known[i].backend.accelerator = 3;
		known[i].backend.port = address.port;
		strcpy(known[i].backend.host, "127.0.0.1");
		known[i].state = HEALTH_UNHEALTHY;
	}
	known[0].address = (struct addr){.family = 4, .ip = {127, 0, 0, 9}};
	known[0].state = HEALTH_HEALTHY;
	known[1].cause = HEALTH_CAUSE_NO_NAME;
	known[2].address = (struct addr){.family = 4, .ip = {127, 0, 0, 1}};
	health_targets_remember(targets, known, 3);
	configure("127.0.0.1", FAST);
	assert_int_equal(wait_told(3)->state, HEALTH_HEALTHY);
	for (size_t i = 0; i < 2; i++) {
		assert_int_equal(told[i].is_gone, 1);
		assert_memory_equal(&told[i].address, &known[i].address, sizeof(struct addr));
	}
	assert_true(addr_equal_ip(&told[2].address, &address));
	assert_int_equal(told[2].is_gone, 0);
	turn(0.5);
	assert_int_equal(told_count, 3);
}

/* Its users' flows took it out, and the system lets nobody ask: time brings it back, as if it were not checked. */
static void what_cannot_be_asked_returns_by_time(void **state)
{
	struct backend_health known = {.backend = {.accelerator = 3, .port = address.port},
	    .state = HEALTH_UNHEALTHY,
	    .cause = HEALTH_CAUSE_FLOWS,
	    .since_us = 1};
	struct rlimit all, none;

	(void)state;
	strcpy(known.backend.host, "127.0.0.1");
	known.address = address;
	known.address.port = 0;
	health_targets_remember(targets, &known, 1);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &all), 0);
	none = all;
	none.rlim_cur = 0;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
	configure("127.0.0.1", "tcp,interval=200ms,timeout=100ms,rise=10");
	wait_told(2);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &all), 0);
	assert_int_equal(told[0].state, HEALTH_UNHEALTHY);
	assert_int_equal(told[0].cause, HEALTH_CAUSE_FLOWS);
	assert_int_equal(told[1].state, HEALTH_HEALTHY);
	assert_int_equal(told[1].cause, HEALTH_CAUSE_NOT_PERMITTED);
}

static void a_name_that_is_none(void **state)
{
	(void)state;
	configure("does-not-exist.invalid", FAST);
	assert_int_equal(wait_told(1)->cause, HEALTH_CAUSE_NO_NAME);
	assert_int_equal(told[0].address.family, 0);
	configure("127.0.0.1", FAST);
	assert_int_equal(wait_told(2)->is_gone, 1);
}

static void tell_flows(uint32_t served, uint32_t failed, uint32_t unanswered)
{
	struct flow_outcomes outcomes = {.backend = {.accelerator = 3, .port = address.port},
	    .served = served,
	    .failed = failed,
	    .unanswered = unanswered};

	strcpy(outcomes.backend.host, "127.0.0.1");
	assert_int_equal(addr_parse("127.0.0.1", 0, &outcomes.address), 0);
	health_targets_flows(targets, &outcomes, 1);
}

/* Its port takes connections, but its users' flows fail. */
static void flows_that_fail_take_it_out(void **state)
{
	(void)state;
	configure("127.0.0.1", "tcp,interval=60s");
	wait_told(1);
	tell_flows(100, 40, 0);
	tell_flows(0, 0, 100);
	turn(0.02);
	assert_int_equal(wait_told(2)->cause, HEALTH_CAUSE_FLOWS);
}

/* It is not asked, and never answered: perhaps it never does. */
static void a_service_that_never_answers_is_left_in_peace(void **state)
{
	(void)state;
	configure("127.0.0.1", "none");
	for (int i = 0; i < 5; i++)
		tell_flows(0, 0, 100);
	turn(0.02);
	assert_int_equal(told_count, 0);
	tell_flows(0, 10, 0);
	turn(0.02);
	assert_int_equal(wait_told(1)->cause, HEALTH_CAUSE_FLOWS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(it_serves_and_stops_and_serves),
	    TEST(the_same_config_keeps_the_state),
	    TEST(who_is_asked_no_more_is_gone),
	    TEST(another_process_goes_on),
	    TEST(what_a_predecessor_knew_and_is_no_more_is_gone),
	    TEST(what_cannot_be_asked_returns_by_time),
	    TEST(a_name_that_is_none),
	    TEST(flows_that_fail_take_it_out),
	    TEST(a_service_that_never_answers_is_left_in_peace),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
