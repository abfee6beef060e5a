/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/explain_flow.c: what is asked, and the answer in words. */
#include "config.h"

#include "cli/commands.h"

#include "tests/unit/cli_fixture.h"

#define FLOW(live, verdict, listener, endpoint)                                                    \
	"{\"user\": \"192.0.2.1:4000\", \"accelerator\": \"web\", \"protocol\": \"tcp\", "         \
	"\"port\": 443, \"live\": " live ", \"verdict\": \"" verdict "\", \"listener\": " listener \
	", \"endpoint\": " endpoint ", \"other_listeners\": [\"tyo-2\"], \"silent\": []}"
#define LISTENER                                                                                   \
	"{\"node\": \"tyo-1\", \"verdict\": \"taken\", \"live\": false, \"worker\": 1, "           \
	"\"workers\": 2, \"alike\": 2, \"affinity\": \"none\", \"endpoint\": \"osl-1\", "          \
	"\"endpoint_now\": \"osl-1\", \"lane\": {\"lane\": 1, \"up\": true, \"remote\": "          \
	"\"192.0.2.9:7401\", \"rtt_us\": 142100, \"rtt_min_us\": 1, \"packet_bytes\": 1472}, "     \
	"\"groups\": [{\"region\": \"oslo\", \"verdict\": \"takes\", \"ranked\": false, "          \
	"\"rtt_us\": 142100, \"dial\": 100, \"share\": 23, \"endpoint\": \"osl-1\", "              \
	"\"endpoints\": [{\"name\": \"osl-1\", \"has_lane\": true, \"health\": \"healthy\", "      \
	"\"rtt_us\": 142100}, {\"name\": \"osl-2\", \"has_lane\": false, \"health\": "             \
	"\"unknown\", \"rtt_us\": 0}], \"endpoint_total\": 2}]}"
#define ENDPOINT                                                                                   \
	"{\"node\": \"osl-1\", \"verdict\": \"taken\", \"live\": false, \"worker\": 0, "           \
	"\"workers\": 1, \"alike\": 1, \"affinity\": \"none\", \"backends\": [{\"host\": "         \
	"\"a.test\", \"port\": 80, \"weight\": 128, \"health\": \"healthy\", \"verdict\": "        \
	"\"takes\", \"address\": \"192.0.2.20:80\"}, {\"host\": \"b.test\", \"port\": 80, "        \
	"\"weight\": 0, \"health\": \"unknown\", \"verdict\": \"weight-0\"}]}"

static void test_a_flow_that_is_to_come(void **state)
{
	(void)state;
	cli_set(200, FLOW("false", "taken", LISTENER, ENDPOINT));
	assert_int_equal(cli_run("explain flow 192.0.2.1:4000 --to 443"), EXIT_DONE);
	assert_true(cli_was_asked("POST /v1/explain/flow "));
	assert_non_null(strstr(server.request, "\"user\":\"192.0.2.1:4000\""));
	assert_non_null(strstr(server.request, "\"to\":\"443\""));
	assert_null(strstr(server.request, "\"at\""));
	cli_assert_printed(
	    "flow             not there now: as a new one\n"
	    "accelerator      web, port 443/tcp, affinity none\n"
	    "outcome          taken\n"
	    "listener         tyo-1\n"
	    "other listeners  tyo-2: DNS or routing says whose users come where (--at)\n"
	    "endpoint         osl-1\n"
	    "lane             1 (up), round trip 142.1 ms, packets of 1472 bytes\n"
	    "path             to 192.0.2.9:7401\n"
	    "backend          a.test:80 at 192.0.2.20:80\n"
	    "\n"
	    "GROUP  ORDER BY  DIAL  SHARE  ENDPOINT  WHY\n"
	    "oslo   142.1 ms   100     23  osl-1     takes it: its share is below the dial\n"
	    "\n"
	    "ENDPOINT  GROUP  RTT MS  HEALTH   WHY\n"
	    "osl-1     oslo    142.1  healthy  the flow's hash chose it\n"
	    "osl-2     oslo        -  unknown  has no lane that is up\n"
	    "\n"
	    "BACKEND    ADDRESS        WEIGHT  HEALTH   WHY\n"
	    "a.test:80  192.0.2.20:80     128  healthy  takes it\n"
	    "b.test:80  -                   0  unknown  takes no flows: its weight is 0\n");
}

static void test_a_flow_that_is_there(void **state)
{
	(void)state;
	cli_set(200, FLOW("true", "taken", LISTENER, ENDPOINT));
	assert_int_equal(
	    cli_run("explain flow 192.0.2.1:4000 --at tyo-1 --protocol udp"), EXIT_DONE);
	assert_non_null(strstr(server.request, "\"at\":\"tyo-1\""));
	assert_non_null(strstr(server.request, "\"protocol\":\"udp\""));
	assert_non_null(strstr(printed, "flow         live\n"));
	assert_non_null(strstr(printed, "listener     tyo-1, worker 1\n"));
}

static void test_a_refusal_says_why(void **state)
{
	(void)state;
	cli_set(200, FLOW("false", "unhealthy",
	                 "{\"node\": \"tyo-1\", \"workers\": 1, \"alike\": 1, \"affinity\": "
	                 "\"none\", \"lane\": null, \"groups\": []}",
	                 "null"));
	assert_int_equal(cli_run("explain flow 192.0.2.1:4000 --to web"), EXIT_DONE);
	assert_non_null(strstr(printed, "refused: no endpoint that can be reached has a healthy"));
}

#define AT_LIMIT(verdict, limit)                                                                   \
	FLOW("false", verdict,                                                                     \
	    "{\"node\": \"tyo-1\", \"limit\": \"" limit "\", \"workers\": 1, "                     \
	    "\"alike\": 1, \"affinity\": \"none\", \"lane\": null, \"groups\": []}",               \
	    "null")

static void test_a_limit_is_named(void **state)
{
	(void)state;
	cli_set(200, AT_LIMIT("limit", "source.new-flows"));
	assert_int_equal(cli_run("explain flow 192.0.2.1:4000 --to web"), EXIT_DONE);
	assert_non_null(strstr(printed, "refused: its source begins flows too fast (source.new"));
	assert_null(strstr(printed, "gives way"));
	cli_set(200, AT_LIMIT("taken", "udp-flows-per-source"));
	assert_int_equal(cli_run("explain flow 192.0.2.1:4000 --to web"), EXIT_DONE);
	assert_non_null(strstr(printed, "taken\n"));
	assert_non_null(strstr(printed, "the flow of its source that was idle longest (udp-flows"));
	cli_set(200, AT_LIMIT("taken", "none"));
	assert_int_equal(cli_run("explain flow 192.0.2.1:4000 --to web"), EXIT_DONE);
	assert_null(strstr(printed, "gives way"));
}

/* A group with an endpoint that has a lane and is healthy, and which the hash gives the flow. */
#define GROUP(verdict)                                                                             \
	"{\"node\": \"tyo-1\", \"workers\": 1, \"alike\": 1, \"affinity\": \"none\", \"lane\": "   \
	"null, \"groups\": [{\"region\": \"oslo\", \"verdict\": \"" verdict                        \
	"\", \"ranked\": true, \"rtt_us\": 0, \"dial\": 0, \"share\": 23, \"endpoint\": "          \
	"\"osl-1\", "                                                                              \
	"\"endpoints\": [{\"name\": \"osl-1\", \"has_lane\": true, \"health\": \"healthy\", "      \
	"\"rtt_us\": 142100}], \"endpoint_total\": 1}]}"

static void assert_endpoint_reason(const char *listener, const char *reason)
{
	char answer[2048], line[256];

	snprintf(answer, sizeof answer,
	    "{\"accelerator\": \"web\", \"protocol\": \"tcp\", \"port\": 443, \"live\": false, "
	    "\"verdict\": \"no-lane\", \"listener\": %s, \"endpoint\": null, "
	    "\"other_listeners\": [], \"silent\": []}",
	    listener);
	snprintf(line, sizeof line, "osl-1     oslo    142.1  healthy  %s\n", reason);
	cli_set(200, answer);
	assert_int_equal(cli_run("explain flow 192.0.2.1:4000 --to web"), EXIT_DONE);
	assert_non_null(strstr(printed, line));
}

static void test_an_endpoint_is_told_of_as_its_group_is(void **state)
{
	(void)state;
	assert_endpoint_reason(GROUP("takes-rest"), "the flow's hash chose it");
	assert_endpoint_reason(GROUP("passes"), "its group passed the flow on");
	assert_endpoint_reason(GROUP("dial-0"), "its group takes no flows");
	assert_endpoint_reason(GROUP("not-asked"), "its group was not asked");
}

static const struct {
	const char *verdict, *said;
	int code;
} unanswered[] = {
    {"not-live", "name what it goes to by --to", EXIT_NOT_FOUND},
    {"no-listener", "none of the listeners to ask is up", EXIT_FAILED},
    {"no-answer", "a node did not answer in time", EXIT_FAILED},
};

static void test_no_flow_is_found(void **state)
{
	char answer[1024];

	(void)state;
	for (size_t i = 0; i < sizeof unanswered / sizeof unanswered[0]; i++) {
		snprintf(answer, sizeof answer,
		    "{\"user\": \"192.0.2.1:4000\", \"accelerator\": null, \"protocol\": null, "
		    "\"port\": null, \"live\": false, \"verdict\": \"%s\", \"listener\": null, "
		    "\"endpoint\": null, \"other_listeners\": [], \"silent\": []}",
		    unanswered[i].verdict);
		cli_set(200, answer);
		assert_int_equal(cli_run("explain flow 192.0.2.1:4000"), unanswered[i].code);
		assert_non_null(strstr(printed, unanswered[i].said));
	}
}

static void test_no_address_is_usage(void **state)
{
	unsigned before = server.requests;

	(void)state;
	assert_int_equal(cli_run("explain flow 192.0.2.1"), EXIT_USAGE);
	assert_int_equal(cli_run("explain flow web:80"), EXIT_USAGE);
	assert_int_equal(cli_run("explain flow 192.0.2.1:1 --protocol sctp"), EXIT_USAGE);
	assert_int_equal(server.requests, before);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_a_flow_that_is_to_come),
	    CLI_TEST(test_a_flow_that_is_there),
	    CLI_TEST(test_a_refusal_says_why),
	    CLI_TEST(test_a_limit_is_named),
	    CLI_TEST(test_an_endpoint_is_told_of_as_its_group_is),
	    CLI_TEST(test_no_flow_is_found),
	    CLI_TEST(test_no_address_is_usage),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
