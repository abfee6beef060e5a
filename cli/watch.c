/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See watch.h. */
#include "cli/watch.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/client_stream.h"

enum { WATCH_WAIT_MS = 250, WATCH_RETRY_MS = 1000 };

#define SEQUENCE_HOME      "\033[H"
#define SEQUENCE_CLEAR_EOL "\033[K"
#define SEQUENCE_CLEAR_EOS "\033[J"

/* Copies the text to the screen: each line's old rest cleared, none below the last row. */
static void draw_text(const char *text, size_t rows, FILE *out)
{
	fputs(SEQUENCE_HOME, out);
	for (size_t row = 0; row < rows && *text; row++) {
		size_t length = strcspn(text, "\n");
		if (row > 0)
			fputc('\n', out);
		fwrite(text, 1, length, out);
		fputs(SEQUENCE_CLEAR_EOL, out);
		text += length + (text[length] == '\n' ? 1 : 0);
	}
	fputs(SEQUENCE_CLEAR_EOS, out);
	fflush(out);
}

static bool is_empty(const struct watch_view *view, const json_t *answer)
{
	return view->empty && json_array_size(json_object_get(answer, "items")) == 0;
}

/* One watch: the stream, opened again while control is away, and the last answer. */
struct watch {
	struct session *session;
	const struct watch_view *view;
	struct client_stream *stream; /* NULL: to be opened again */
	json_t *answer;
	struct reply reply; /* why the last stream or question failed */
	bool was_good;
};

static void print_screen(struct session *session, const struct watch *watch)
{
	const struct watch_view *view = watch->view;
	char clock[16];
	time_t now = time(NULL);
	struct tm local;
	localtime_r(&now, &local);
	strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	fprintf(session->out, "%s at %s; q ends\n", view->title, clock);
	fprintf(session->out, "%.*s\n", (int)session->terminal.width, watch->reply.error);
	if (is_empty(view, watch->answer)) {
		fprintf(session->out, "%s\n", view->empty);
		return;
	}
	view->print(session, watch->answer);
	if (view->print_more)
		view->print_more(session, watch->answer);
}

/* One picture, made in memory first so that it does not flicker. */
static void draw(const struct watch *watch)
{
	struct session picture = *watch->session;
	char *text = NULL;
	size_t length = 0;
	picture.out = open_memstream(&text, &length);
	if (!picture.out)
		return;
	print_screen(&picture, watch);
	fclose(picture.out);
	draw_text(text, picture.terminal.height, watch->session->out);
	free(text);
}

static void end_stream(struct watch *watch)
{
	client_stream_close(watch->stream);
	watch->stream = NULL;
}

/* True when the answer is another than before, or has come by itself. */
static bool take_answer(struct watch *watch, json_t *answer, bool is_measured)
{
	bool is_new = answer && (is_measured || !json_equal(watch->answer, answer));
	if (answer) {
		json_decref(watch->answer);
		watch->answer = answer;
		watch->was_good = true;
	}
	return is_new;
}

/* Asks for the list again; an answer that does not come ends the stream too. */
static bool ask(struct watch *watch)
{
	enum exit_code code = client_request(
	    watch->session->client, "GET", watch->view->path, NULL, NULL, &watch->reply);
	if (code != EXIT_DONE)
		end_stream(watch);
	return take_answer(watch, json_incref(watch->reply.body), false);
}

/* What has come by now is answered by one question. */
static bool ask_for_all(struct watch *watch)
{
	struct client_event event;
	enum client_stream_result result;
	do {
		reply_free(&watch->reply);
		result = client_stream_next(watch->stream, 0, -1, &event, &watch->reply);
	} while (result == CLIENT_STREAM_EVENT);
	reply_free(&watch->reply);
	if (result == CLIENT_STREAM_OVER)
		end_stream(watch);
	return ask(watch);
}

static bool take_event(struct watch *watch, const struct client_event *event)
{
	const char *name = watch->view->event;
	if (!name)
		return ask_for_all(watch);
	return strcmp(event->name, name) == 0
	       && take_answer(watch, json_loads(event->data, 0, NULL), true);
}

/*
 * Waits for the next event, a key or the time; true with something new.  The first event, hello,
 * comes at once.  A stream that ends is tried again after that time.
 */
static bool wait_for_news(struct watch *watch)
{
	struct client_event event;
	char path[SESSION_PATH_BYTES];
	snprintf(path, sizeof(path), "/v1/events?kinds=%s", watch->view->kinds);
	if (!watch->stream)
		watch->stream = client_stream_open(watch->session->client, path);
	if (!watch->stream)
		return false;
	reply_free(&watch->reply);
	switch (client_stream_next(
	    watch->stream, WATCH_WAIT_MS, terminal_keys_descriptor(), &event, &watch->reply)) {
	case CLIENT_STREAM_OVER:
		end_stream(watch);
		return false;
	case CLIENT_STREAM_NONE:
		return false;
	case CLIENT_STREAM_EVENT:
		break;
	}
	return take_event(watch, &event);
}

static bool has_failed(const struct watch *watch)
{
	return !watch->stream && watch->reply.error[0];
}

static enum exit_code failure(const struct watch *watch)
{
	return session_fail(watch->reply.status ? EXIT_FAILED : EXIT_UNREACHABLE, "%s",
	    watch->reply.error[0] ? watch->reply.error : "out of memory");
}

/* Draws what comes; that control is away is shown, and tried again. */
static void watch_screen(struct watch *watch)
{
	struct session *session = watch->session;
	enum terminal_event event;
	do {
		bool is_new = wait_for_news(watch);
		event = terminal_wait(has_failed(watch) ? WATCH_RETRY_MS : 0);
		if (event == TERMINAL_RESIZED)
			session->terminal = terminal_inspect();
		if (is_new || event == TERMINAL_RESIZED || has_failed(watch))
			draw(watch);
	} while (event != TERMINAL_QUIT);
}

static enum exit_code print_answer(const struct watch *watch)
{
	struct session *session = watch->session;
	if (session->format == OUTPUT_JSON)
		output_json(watch->answer, true, session->out);
	else if (session->format == OUTPUT_YAML)
		output_yaml(watch->answer, true, session->out);
	else
		watch->view->print(session, watch->answer);
	return fflush(session->out) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_code watch_lines(struct watch *watch)
{
	enum exit_code code = EXIT_DONE;
	terminal_heed_signals();
	while (code == EXIT_DONE && !terminal_is_ending()) {
		if (wait_for_news(watch))
			code = print_answer(watch);
		else if (has_failed(watch) && (!watch->was_good || watch->reply.status >= 400))
			code = failure(watch);
		else if (has_failed(watch))
			terminal_wait(WATCH_RETRY_MS);
	}
	return code;
}

/* The first answer comes before the screen is taken, so that what is wrong is told as ever. */
static enum exit_code watch_terminal(struct watch *watch)
{
	terminal_heed_signals();
	while (!wait_for_news(watch)) {
		if (terminal_is_ending())
			return EXIT_DONE;
		if (!watch->stream)
			return failure(watch);
	}
	if (terminal_take_screen() < 0)
		return session_fail(EXIT_FAILED, "the terminal takes no settings");
	draw(watch);
	watch_screen(watch);
	terminal_give_back();
	return EXIT_DONE;
}

enum exit_code watch_view(struct session *session, const struct watch_view *view)
{
	struct watch watch = {.session = session, .view = view};
	enum exit_code code = session->format == OUTPUT_TABLE && session->terminal.is_terminal
	                          ? watch_terminal(&watch)
	                          : watch_lines(&watch);
	client_stream_close(watch.stream);
	json_decref(watch.answer);
	reply_free(&watch.reply);
	return code;
}

enum exit_code watch_or_print(
    struct session *session, const struct invocation *invocation, const struct watch_view *view)
{
	json_t *answer;
	if (invocation_has(invocation, "--watch"))
		return watch_view(session, view);
	enum exit_code code = session_get(session, view->path, NULL, NULL, &answer);
	if (code != EXIT_DONE)
		return code;
	if (!session_print_value(session, answer)) {
		view->print(session, answer);
		if (is_empty(view, answer))
			fprintf(stderr, "%s\n", view->empty);
	}
	json_decref(answer);
	return EXIT_DONE;
}
