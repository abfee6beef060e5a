/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl tunnel watch: the tunnels anew each second, as control sends them.  On a terminal it takes the screen until q
 * or Ctrl-C; elsewhere each second's table (or JSON line, or YAML document) follows the last.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/client_stream.h"
#include "cli/commands.h"
#include "cli/tunnel_view.h"

#define WATCH_PATH "/v1/events?kinds=tunnels"

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

static void print_screen(struct session *session, const json_t *items, const char *error)
{
	char clock[16];
	time_t now = time(NULL);
	struct tm local;
	localtime_r(&now, &local);
	strftime(clock, sizeof(clock), "%H:%M:%S", &local);
	fprintf(session->out, "Tunnels at %s; q ends\n", clock);
	fprintf(session->out, "%.*s\n", (int)session->terminal.width, error);
	if (json_array_size(items) == 0) {
		fputs("There is no tunnel.\n", session->out);
		return;
	}
	tunnel_print_list(session, items);
	fputc('\n', session->out);
	tunnel_print_history(session, items);
}

/* One picture, made in memory first so that it does not flicker. */
static void draw(const struct session *session, const json_t *items, const char *error)
{
	struct session picture = *session;
	char *text = NULL;
	size_t length = 0;
	picture.out = open_memstream(&text, &length);
	if (!picture.out)
		return;
	print_screen(&picture, items, error);
	fclose(picture.out);
	draw_text(text, session->terminal.height, session->out);
	free(text);
}

/* One watch: the stream, opened again while control is away, and the last table. */
struct watch {
	struct session *session;
	struct client_stream *stream; /* NULL: to be opened again */
	json_t *tunnels;              /* the last event's data, {"items": [...]} */
	struct reply reply;           /* why the last stream ended */
	bool was_good;
};

/*
 * Waits for the next measurement, a key or the time; true with a new one.  A stream that ends is
 * tried again after that time.
 */
static bool wait_for_tunnels(struct watch *watch)
{
	struct client_event event;
	json_t *data;
	if (!watch->stream)
		watch->stream = client_stream_open(watch->session->client, WATCH_PATH);
	if (!watch->stream)
		return false;
	reply_free(&watch->reply);
	switch (client_stream_next(
	    watch->stream, WATCH_WAIT_MS, terminal_keys_descriptor(), &event, &watch->reply)) {
	case CLIENT_STREAM_OVER:
		client_stream_close(watch->stream);
		watch->stream = NULL;
		return false;
	case CLIENT_STREAM_NONE:
		return false;
	case CLIENT_STREAM_EVENT:
		break;
	}
	watch->was_good = true;
	data = strcmp(event.name, "tunnels") == 0 ? json_loads(event.data, 0, NULL) : NULL;
	if (!data)
		return false;
	json_decref(watch->tunnels);
	watch->tunnels = data;
	return true;
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
		bool is_new = wait_for_tunnels(watch);
		event = terminal_wait(has_failed(watch) ? WATCH_RETRY_MS : 0);
		if (event == TERMINAL_RESIZED)
			session->terminal = terminal_inspect();
		if (is_new || event == TERMINAL_RESIZED || has_failed(watch))
			draw(session, json_object_get(watch->tunnels, "items"), watch->reply.error);
	} while (event != TERMINAL_QUIT);
}

static enum exit_code print_tunnels(struct session *session, const json_t *tunnels)
{
	if (session->format == OUTPUT_JSON)
		output_json(tunnels, true, session->out);
	else if (session->format == OUTPUT_YAML)
		output_yaml(tunnels, true, session->out);
	else
		tunnel_print_list(session, json_object_get(tunnels, "items"));
	return fflush(session->out) == 0 ? EXIT_DONE : EXIT_FAILED;
}

static enum exit_code watch_lines(struct watch *watch)
{
	enum exit_code code = EXIT_DONE;
	terminal_heed_signals();
	while (code == EXIT_DONE && !terminal_is_ending()) {
		if (wait_for_tunnels(watch))
			code = print_tunnels(watch->session, watch->tunnels);
		else if (has_failed(watch) && (!watch->was_good || watch->reply.status >= 400))
			code = failure(watch);
		else if (has_failed(watch))
			terminal_wait(WATCH_RETRY_MS);
	}
	return code;
}

/* The first table comes before the screen is taken, so that what is wrong is told as ever. */
static enum exit_code watch_terminal(struct watch *watch)
{
	terminal_heed_signals();
	while (!wait_for_tunnels(watch)) {
		if (terminal_is_ending())
			return EXIT_DONE;
		if (!watch->stream)
			return failure(watch);
	}
	if (terminal_take_screen() < 0)
		return session_fail(EXIT_FAILED, "the terminal takes no settings");
	draw(watch->session, json_object_get(watch->tunnels, "items"), "");
	watch_screen(watch);
	terminal_give_back();
	return EXIT_DONE;
}

int tunnel_watch(struct session *session, const struct invocation *invocation)
{
	struct watch watch = {.session = session};
	enum exit_code code;
	(void)invocation;
	code = session->format == OUTPUT_TABLE && session->terminal.is_terminal
	           ? watch_terminal(&watch)
	           : watch_lines(&watch);
	client_stream_close(watch.stream);
	json_decref(watch.tunnels);
	reply_free(&watch.reply);
	return code;
}
