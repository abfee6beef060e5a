/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See news.h. */
#include "cli/news.h"

#include <time.h>

enum {
	NEWS_PAUSE_MS = 200, /* so that many who wait do not ask more than control lets one token */
	NEWS_RETRY_MS_MAX = 3200,
};

double news_clock_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Not past the deadline. */
static void pause_ms(int longest_ms, double deadline_s)
{
	double left_ms = (deadline_s - news_clock_s()) * 1000;
	long ms = left_ms < longest_ms ? (long)left_ms : longest_ms;
	if (ms > 0)
		nanosleep(&(struct timespec){ms / 1000, ms % 1000 * 1000000}, NULL);
}

/* It is opened again, later each time while nothing comes of it. */
static void give_up_stream(struct news *news, double deadline_s)
{
	news_end(news);
	news->retry_ms = news->retry_ms ? 2 * news->retry_ms : NEWS_PAUSE_MS;
	if (news->retry_ms > NEWS_RETRY_MS_MAX)
		news->retry_ms = NEWS_RETRY_MS_MAX;
	pause_ms(news->retry_ms, deadline_s);
}

/* An event came: what others come soon after it is answered by the same question. */
static void gather(struct news *news, bool is_hello, double deadline_s)
{
	enum client_stream_result result = CLIENT_STREAM_EVENT;
	struct client_event event;
	struct reply reply;
	news->retry_ms = 0;
	if (!is_hello)
		pause_ms(NEWS_PAUSE_MS, deadline_s);
	while (result == CLIENT_STREAM_EVENT)
		result = client_stream_next(news->stream, 0, -1, &event, &reply);
	if (result != CLIENT_STREAM_OVER)
		return;
	reply_free(&reply);
	give_up_stream(news, deadline_s);
}

void news_wait(struct news *news, double deadline_s)
{
	enum client_stream_result result = CLIENT_STREAM_NONE;
	struct client_event event;
	struct reply reply;
	bool is_new = !news->stream;
	if (is_new)
		news->stream = client_stream_open(news->session->client, news->path);
	for (double left_s; news->stream && result == CLIENT_STREAM_NONE
	                    && (left_s = deadline_s - news_clock_s()) > 0;)
		result =
		    client_stream_next(news->stream, (int)(left_s * 1000) + 1, -1, &event, &reply);
	if (result == CLIENT_STREAM_EVENT) {
		gather(news, is_new, deadline_s);
	} else if (result == CLIENT_STREAM_OVER || !news->stream) {
		if (news->stream)
			reply_free(&reply);
		give_up_stream(news, deadline_s);
	}
}

void news_end(struct news *news)
{
	client_stream_close(news->stream);
	news->stream = NULL;
}
