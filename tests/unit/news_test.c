/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/news.c: what ends the wait, and what does not. */
#include "config.h"

#include "cli/news.h"

#include "tests/unit/cli_fixture.h"

static struct news news;

static void begin(void)
{
	news = (struct news){.session = &session, .path = "/v1/events?kinds=node"};
}

/* The server keeps its end only after it wrote what was read here. */
static int stream(void)
{
	pthread_mutex_lock(&server.lock);
	int descriptor = server.stream;
	pthread_mutex_unlock(&server.lock);
	assert_true(descriptor >= 0);
	return descriptor;
}

static double wait_s(double longest_s)
{
	double begin_s = news_clock_s();

	news_wait(&news, begin_s + longest_s);
	return news_clock_s() - begin_s;
}

static void test_an_event_ends_it_and_silence_does_not(void **state)
{
	(void)state;
	begin();
	server.events = "event: hello\ndata: {}\n\n";
	assert_true(wait_s(60) < 30);
	assert_true(cli_was_asked("GET /v1/events?kinds=node "));
	assert_true(wait_s(0.3) >= 0.3);
	assert_int_equal(cli_requests(), 1);
	dprintf(stream(), "event: node\ndata: {}\n\n");
	assert_true(wait_s(60) < 30);
	news_end(&news);
}

/* Of many nodes that drain, each tells once a second. */
static void test_events_that_come_together_end_it_once(void **state)
{
	(void)state;
	begin();
	server.events = "event: hello\ndata: {}\n\n";
	assert_true(wait_s(60) < 30);
	for (int i = 0; i < 20; i++)
		dprintf(stream(), "event: node\ndata: {}\n\n");
	assert_true(wait_s(60) >= 0.19);
	assert_true(wait_s(0.3) >= 0.3);
	news_end(&news);
}

static void test_a_stream_that_is_refused_is_asked_for_less_and_less(void **state)
{
	(void)state;
	begin();
	cli_set(429, "{\"detail\": \"too many\"}");
	assert_true(wait_s(60) >= 0.19);
	assert_true(wait_s(60) >= 0.39);
	assert_true(wait_s(60) >= 0.79);
	assert_int_equal(cli_requests(), 3);
	assert_null(news.stream);
}

/* Control was away: the caller looks, and then it listens anew. */
static void test_a_stream_that_ends_is_opened_again(void **state)
{
	(void)state;
	begin();
	server.events = "event: hello\ndata: {}\n\n";
	assert_true(wait_s(60) < 30);
	shutdown(stream(), SHUT_RDWR);
	close(server.stream);
	server.stream = -1;
	assert_true(wait_s(60) < 30);
	assert_null(news.stream);
	assert_true(wait_s(60) < 30);
	assert_int_equal(cli_requests(), 2);
	news_end(&news);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_an_event_ends_it_and_silence_does_not),
	    CLI_TEST(test_events_that_come_together_end_it_once),
	    CLI_TEST(test_a_stream_that_is_refused_is_asked_for_less_and_less),
	    CLI_TEST(test_a_stream_that_ends_is_opened_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
