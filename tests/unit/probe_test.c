/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Probes of real sockets on loopback: answered, refused, silent, ended early, too many. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "endpoint/probe.h"
#include "tests/support/loopback.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { NOT_YET = -1 };

static struct ev_loop *loop;
static struct probes *probes;
static struct health_check check;
static int result;
static int server, peer;
static struct addr address, source; /* source: to ask from, family 0 for any */

static void done(void *context, enum health_cause cause)
{
	assert_ptr_equal(context, &result);
	assert_int_equal(result, NOT_YET);
	result = (int)cause;
}

static int setup(void **state)
{
	(void)state;
	loop = ev_loop_new(0);
	assert_int_equal(probes_new(&probes, loop), 0);
	server = peer = -1;
	source = (struct addr){0};
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	probes_free(probes);
	if (server >= 0)
		close(server);
	if (peer >= 0)
		close(peer);
	ev_loop_destroy(loop);
	return 0;
}

static struct probe *start(const char *spec)
{
	struct model_error error;
	struct probe *probe = NULL;
	struct probe_request request = {
	    .check = &check, .to = address, .source = source, .host = "a.test"};

	if (health_check_parse(spec, &check, &error) < 0)
		fail_msg("%s", error.reason);
	request.kind = check.kind;
	result = NOT_YET;
	assert_int_equal(probe_start(probes, &request, done, &result, &probe), 0);
	assert_int_equal(result, NOT_YET); /* never from within the call */
	return probe;
}

static void on_step(struct ev_loop *running, ev_timer *timer, int events)
{
	(void)timer;
	(void)events;
	ev_break(running, EVBREAK_ALL);
}

static void turn(void)
{
	ev_timer step;

	ev_timer_init(&step, on_step, 0.005, 0.);
	ev_timer_start(loop, &step);
	ev_run(loop, 0);
	ev_timer_stop(loop, &step);
}

/* Until there is a result; the timeouts of the checks end it. */
static enum health_cause finish(void)
{
	for (int i = 0; result == NOT_YET && i < 4000; i++)
		turn();
	assert_int_not_equal(result, NOT_YET);
	return (enum health_cause)result;
}

static void refused_by_nobody(void)
{
	int taken = loopback_listen("127.0.0.1", &address);

	close(taken);
}

static void tcp_that_listens(void **state)
{
	(void)state;
	server = loopback_listen("127.0.0.1", &address);
	start("tcp");
	assert_int_equal(finish(), HEALTH_CAUSE_NONE);
	peer = loopback_accept(server, NULL);
	assert_true(peer >= 0);
	assert_end(peer); /* no reset */
}

static void tcp_that_does_not(void **state)
{
	(void)state;
	refused_by_nobody();
	start("tcp");
	assert_int_equal(finish(), HEALTH_CAUSE_REFUSED);
}

/* The answer was there in time; who asked was late. */
static void an_answer_counts_though_the_process_stood_still(void **state)
{
	(void)state;
	server = loopback_listen("127.0.0.1", &address);
	start("tcp,interval=200ms,timeout=50ms");
	usleep(120000);
	assert_int_equal(finish(), HEALTH_CAUSE_NONE);
}

static void answer_http(const char *text)
{
	char request[2048];
	ssize_t length = -1;

	for (int i = 0; peer < 0 && i < 1000; i++) {
		turn();
		peer = loopback_accept(server, NULL);
	}
	for (int i = 0; length <= 0 && i < 1000; i++) {
		turn();
		length = recv(peer, request, sizeof(request) - 1, MSG_DONTWAIT);
	}
	assert_true(length > 0);
	request[length] = '\0';
	assert_ptr_equal(strstr(request, "GET /ready HTTP/1.1\r\n"), request);
	assert_non_null(strstr(request, "Host: a.test:"));
	assert_int_equal(send(peer, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

static void http_answers(void **state)
{
	(void)state;
	server = loopback_listen("127.0.0.1", &address);
	start("http:/ready,body=well");
	answer_http("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nall well\n");
	assert_int_equal(finish(), HEALTH_CAUSE_NONE);
}

static void http_with_another_status(void **state)
{
	(void)state;
	server = loopback_listen("127.0.0.1", &address);
	start("http:/ready");
	answer_http("HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(finish(), HEALTH_CAUSE_WRONG_ANSWER);
}

static void http_goes_nowhere_else(void **state)
{
	(void)state;
	server = loopback_listen("127.0.0.1", &address);
	start("http:/ready,status=302");
	answer_http(
	    "HTTP/1.1 302 There\r\nLocation: http://192.0.2.1/\r\nContent-Length: 0\r\n\r\n");
	assert_int_equal(finish(), HEALTH_CAUSE_NONE);
}

static void http_that_is_none(void **state)
{
	(void)state;
	server = loopback_listen("127.0.0.1", &address);
	start("http:/ready");
	answer_http("220 mail ESMTP\r\n");
	assert_int_equal(finish(), HEALTH_CAUSE_WRONG_ANSWER);
}

static void http_refused_and_silent(void **state)
{
	(void)state;
	refused_by_nobody();
	start("http:/ready");
	assert_int_equal(finish(), HEALTH_CAUSE_REFUSED);
	server = loopback_listen("127.0.0.1", &address);
	start("http:/ready,timeout=50ms");
	assert_int_equal(finish(), HEALTH_CAUSE_SILENT);
}

/* A body without an end is cut, and judged by what came. */
/* The address to ask from is not on this machine: that says nothing of the backend. */
static void http_that_cannot_be_asked(void **state)
{
	(void)state;
	server = loopback_listen("127.0.0.1", &address);
	assert_int_equal(addr_parse("192.0.2.77", 0, &source), 0);
	start("http:/");
	assert_int_equal(finish(), HEALTH_CAUSE_NOT_PERMITTED);
}

static void http_without_end(void **state)
{
	static char block[8192];

	(void)state;
	server = loopback_listen("127.0.0.1", &address);
	start("http:/ready");
	answer_http("HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n");
	for (int i = 0; result == NOT_YET && i < 1000; i++) {
		send(peer, block, sizeof(block), MSG_NOSIGNAL | MSG_DONTWAIT);
		turn();
	}
	assert_int_equal(finish(), HEALTH_CAUSE_NONE);
}

static void udp_there_and_back(void **state)
{
	char text[100];
	struct addr from;
	ssize_t length = -1;

	(void)state;
	server = loopback_udp("127.0.0.1", &address);
	start("udp:send=ping,expect=pong");
	for (int i = 0; length < 0 && i < 1000; i++) {
		turn();
		length = loopback_receive(server, text, sizeof(text), &from);
	}
	assert_int_equal(length, 4);
	loopback_send(server, &from, "pong", 4);
	assert_int_equal(finish(), HEALTH_CAUSE_NONE);
}

static void udp_refused_and_silent(void **state)
{
	(void)state;
	server = loopback_udp("127.0.0.1", &address);
	start("udp:send=ping,timeout=50ms");
	assert_int_equal(finish(), HEALTH_CAUSE_SILENT);
	close(server);
	server = -1;
	start("udp:send=ping");
	assert_int_equal(finish(), HEALTH_CAUSE_REFUSED);
}

/* Who asks again and again is not asked for ever. */
static void challenges_end(void **state)
{
	char text[100];
	struct addr from;
	int questions = 0;

	(void)state;
	server = loopback_udp("127.0.0.1", &address);
	start("a2s");
	for (int i = 0; result == NOT_YET && i < 1000; i++) {
		turn();
		if (loopback_receive(server, text, sizeof(text), &from) < 0)
			continue;
		questions++;
		loopback_send(server, &from,
		    "\xff\xff\xff\xff"
		    "A1234",
		    9);
	}
	assert_int_equal(finish(), HEALTH_CAUSE_WRONG_ANSWER);
	assert_int_equal(questions, 4);
}

static void an_echo(void **state)
{
	(void)state;
	assert_int_equal(addr_parse("127.0.0.1:9", 0, &address), 0);
	start("icmp");
	finish();
	if (result != HEALTH_CAUSE_NONE) /* as net.ipv4.ping_group_range has it */
		assert_int_equal(result, HEALTH_CAUSE_NOT_PERMITTED);
}

static void cancelled_ones_are_not_told(void **state)
{
	(void)state;
	server = loopback_listen("127.0.0.1", &address);
	probe_cancel(start("tcp"));
	for (int i = 0; i < 10; i++)
		turn();
	assert_int_equal(result, NOT_YET);
	start("http:/ready");
	turn();
}

static void there_are_not_too_many(void **state)
{
	struct probe_request request = {.check = &check, .host = "a.test", .kind = HEALTH_UDP};
	struct model_error error;
	struct probe *probe;
	int code = 0, count = 0;

	(void)state;
	assert_int_equal(health_check_parse("udp:send=x", &check, &error), 0);
	server = loopback_udp("127.0.0.1", &request.to);
	while (count <= PROBES_MAX
	       && (code = probe_start(probes, &request, done, &result, &probe)) == 0)
		count++;
	assert_int_equal(code, ERR_LIMIT);
	assert_int_equal(count, PROBES_MAX);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
	    TEST(tcp_that_listens),
	    TEST(tcp_that_does_not),
	    TEST(an_answer_counts_though_the_process_stood_still),
	    TEST(http_answers),
	    TEST(http_with_another_status),
	    TEST(http_goes_nowhere_else),
	    TEST(http_that_is_none),
	    TEST(http_refused_and_silent),
	    TEST(http_that_cannot_be_asked),
	    TEST(http_without_end),
	    TEST(udp_there_and_back),
	    TEST(udp_refused_and_silent),
	    TEST(challenges_end),
	    TEST(an_echo),
	    TEST(cancelled_ones_are_not_told),
	    TEST(there_are_not_too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
