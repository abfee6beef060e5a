/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of net/worker.c: a real worker process and what main says to it, in and out of order. */
#include "config.h"

#include "net/worker.h"

#include "base/err.h"
#include "model/health.h"
#include "net/health_messages.h"
#include "tests/support/worker_process.h"
#include "tests/unit/cmocka_all.h"

#include <sys/wait.h>
#include <unistd.h>

static struct worker_process process;

static int teardown(void **state)
{
	(void)state;
	worker_process_stop(&process);
	return 0;
}

static void assert_ends(int status)
{
	WORKER_PROCESS_UNTIL(&process, process.is_over);
	assert_true(WIFEXITED(process.status));
	assert_int_equal(WEXITSTATUS(process.status), status);
}

static void test_it_is_ready_after_its_settings(void **state)
{
	(void)state;
	worker_process_fork(&process, NODE_LISTENER);
	worker_process_run(&process, 20);
	assert_false(process.is_ready);
	worker_process_send_settings(&process);
	WORKER_PROCESS_UNTIL(&process, process.is_ready);
	assert_int_equal(process.told->starts, 1);
	assert_int_equal(process.told->configs, 0);
	worker_process_tell(&process, WORKER_MESSAGE_STOP);
	assert_ends(0);
	assert_int_equal(process.told->stops, 1);
}

static void test_a_config_comes_with_the_one_before(void **state)
{
	(void)state;
	worker_process_start(&process, NODE_ENDPOINT);
	assert_int_equal(process.told->revision, 1);
	assert_false(process.told->has_old);
	worker_process_send_config(&process, false, 0);
	WORKER_PROCESS_UNTIL(&process, process.told->configs == 2);
	assert_int_equal(process.told->revision, 2);
	assert_true(process.told->has_old);
}

/* What main must not say is no reason to guess: the worker ends and main starts another. */
static void test_settings_come_once(void **state)
{
	(void)state;
	worker_process_start(&process, NODE_LISTENER);
	worker_process_send_settings(&process);
	assert_ends(1);
}

static void test_a_config_without_settings_ends_it(void **state)
{
	(void)state;
	worker_process_fork(&process, NODE_LISTENER);
	worker_process_send_config(&process, true, 0);
	assert_ends(1);
	assert_int_equal(process.told->configs, 0);
}

static void test_a_second_tunnel_socket_ends_it(void **state)
{
	(void)state;
	worker_process_start(&process, NODE_LISTENER);
	worker_process_send_socket(&process);
	assert_ends(1);
}

static void test_a_broken_config_ends_it(void **state)
{
	static const char text[] = "no checksum\n{}";

	(void)state;
	worker_process_start(&process, NODE_LISTENER);
	assert_int_equal(ipc_send(process.main, WORKER_MESSAGE_CONFIG, text, sizeof text - 1), 0);
	assert_ends(1);
	assert_int_equal(process.told->configs, 1);
}

static void test_a_config_that_the_role_cannot_take_ends_it(void **state)
{
	(void)state;
	worker_process_start(&process, NODE_LISTENER);
	process.told->fails_config = true;
	worker_process_send_config(&process, true, 0);
	assert_ends(1);
	assert_int_equal(process.told->configs, 2);
	assert_int_equal(process.told->stops, 1);
}

static void test_settings_out_of_range_end_it(void **state)
{
	struct worker_settings settings = {.count = 1, .source_count = WORKER_SOURCES_MAX + 1};
	int writer, reader;

	(void)state;
	worker_process_fork(&process, NODE_LISTENER);
	assert_int_equal(page_create(&writer, &reader), 0);
	assert_int_equal(ipc_send_descriptors(process.main, WORKER_MESSAGE_SETTINGS, &settings,
	                     sizeof settings, &writer, 1),
	    0);
	close(writer);
	close(reader);
	assert_ends(1);
	assert_int_equal(process.told->starts, 0);
}

/* Sockets are for roles that take them; for another it is main that is wrong. */
static void test_a_socket_for_an_endpoint_ends_it(void **state)
{
	struct worker_socket socket = {.kind = WORKER_SOCKET_UDP_USERS};

	(void)state;
	worker_process_start(&process, NODE_ENDPOINT);
	assert_int_equal(ipc_send(process.main, WORKER_MESSAGE_SOCKET, &socket, sizeof socket), 0);
	assert_ends(1);
}

/* What it is asked behind a config it says when it has taken all before it. */
static void test_it_says_what_it_serves_by(void **state)
{
	struct config_number number = {.incarnation = 3, .revision = 9};

	(void)state;
	worker_process_start(&process, NODE_LISTENER);
	worker_process_send_config(&process, true, 0);
	assert_int_equal(ipc_send(process.main, WORKER_MESSAGE_SERVE, &number, sizeof number), 0);
	WORKER_PROCESS_UNTIL(&process, process.serving.revision == 9);
	assert_int_equal(process.serving.incarnation, 3);
	assert_int_equal(process.told->configs, 2);
}

static void test_it_says_drained_when_no_flow_is_left(void **state)
{
	(void)state;
	worker_process_start(&process, NODE_LISTENER);
	process.told->flow_count = 3;
	WORKER_PROCESS_UNTIL(&process, worker_process_counted(&process, PAGE_udp_flows) == 3);
	worker_process_tell(&process, WORKER_MESSAGE_DRAIN);
	WORKER_PROCESS_UNTIL(&process, process.told->drains == 1);
	worker_process_run(&process, 600);
	assert_false(process.has_drained);
	process.told->flow_count = 0;
	WORKER_PROCESS_UNTIL(&process, process.has_drained);
	assert_false(process.is_over);
}

static void send_health(void)
{
	struct backend_health health = {.state = HEALTH_HEALTHY};

	assert_int_equal(ipc_send(process.main, WORKER_MESSAGE_HEALTH, &health, sizeof(health)), 0);
}

/* One that starts again while its node drains gets no config, and news of health all the same. */
static void test_health_before_a_config_is_left_out(void **state)
{
	(void)state;
	worker_process_fork(&process, NODE_ENDPOINT);
	worker_process_send_settings(&process);
	worker_process_tell(&process, WORKER_MESSAGE_DRAIN);
	send_health();
	WORKER_PROCESS_UNTIL(&process, process.told->drains == 1);
	worker_process_run(&process, 50);
	assert_false(process.is_over);
	assert_int_equal(process.told->healths, 0);
	worker_process_send_config(&process, true, 0);
	send_health();
	WORKER_PROCESS_UNTIL(&process, process.told->healths == 1);
}

/* Main died: nobody else can stop a worker then. */
static void test_it_ends_with_main(void **state)
{
	(void)state;
	worker_process_start(&process, NODE_LISTENER);
	ipc_free(process.main);
	process.main = NULL;
	assert_ends(0);
	assert_int_equal(process.told->stops, 1);
}

static void test_a_page_that_is_none_ends_it(void **state)
{
	struct worker_settings settings = {.count = 1, .packet_bytes = 1200};
	int ends[2];

	(void)state;
	worker_process_fork(&process, NODE_LISTENER);
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(ipc_send_descriptors(process.main, WORKER_MESSAGE_SETTINGS, &settings,
	                     sizeof settings, &ends[0], 1),
	    0);
	close(ends[0]);
	close(ends[1]);
	assert_ends(1);
	assert_int_equal(process.told->starts, 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_teardown(f, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(test_it_is_ready_after_its_settings),
	    TEST(test_a_config_comes_with_the_one_before),
	    TEST(test_settings_come_once),
	    TEST(test_a_config_without_settings_ends_it),
	    TEST(test_a_second_tunnel_socket_ends_it),
	    TEST(test_a_broken_config_ends_it),
	    TEST(test_a_config_that_the_role_cannot_take_ends_it),
	    TEST(test_settings_out_of_range_end_it),
	    TEST(test_a_socket_for_an_endpoint_ends_it),
	    TEST(test_it_says_what_it_serves_by),
	    TEST(test_it_says_drained_when_no_flow_is_left),
	    TEST(test_health_before_a_config_is_left_out),
	    TEST(test_it_ends_with_main),
	    TEST(test_a_page_that_is_none_ends_it),
	};

	if (worker_process_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
