/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See news.h. */
#include "cli/news.h"

#include <time.h>

enum { NEWS_RETRY_MS = 200 };

double news_clock_s(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

void news_wait(struct news *news, double deadline_s)
{
	const struct timespec pause = {.tv_nsec = NEWS_RETRY_MS * 1000000L};
	enum client_stream_result result = CLIENT_STREAM_NONE;
	struct client_event event;
	struct reply reply;
	if (!news->stream)
		news->stream = client_stream_open(news->session->client, news->path);
	for (double left_s; news->stream && result == CLIENT_STREAM_NONE
	                    && (left_s = deadline_s - news_clock_s()) > 0;)
		result =
		    client_stream_next(news->stream, (int)(left_s * 1000) + 1, -1, &event, &reply);
	while (result == CLIENT_STREAM_EVENT)
		result = client_stream_next(news->stream, 0, -1, &event, &reply);
	if (result != CLIENT_STREAM_OVER && news->stream)
		return;
	if (news->stream)
		reply_free(&reply);
	news_end(news);
	nanosleep(&pause, NULL);
}

void news_end(struct news *news)
{
	client_stream_close(news->stream);
	news->stream = NULL;
}
