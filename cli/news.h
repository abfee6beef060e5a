/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Waiting until control's events tell that it is worth asking again.  The commands that wait for
 * something ask, and then call this, so that nothing is asked in between.
 */
#ifndef CLI_NEWS_H
#define CLI_NEWS_H

#include "cli/client_stream.h"
#include "cli/session.h"

struct news {
	struct session *session;
	const char *path;             /* of the events: "/v1/events?kinds=node" */
	struct client_stream *stream; /* NULL at first */
	int retry_ms;                 /* the last pause before it was opened again, 0 at first */
};

/* Seconds of the clock that nobody sets, of which deadlines are. */
double news_clock_s(void);

/*
 * Until something happened, or the deadline.  The first event, hello, says that no later one is
 * missed and ends it at once; later ones end it a fifth of a second later, together.  A stream that ends
 * is opened again, later each time that it is refused; what is wrong with it the next question tells.
 */
void news_wait(struct news *news, double deadline_s);

void news_end(struct news *news);

#endif
