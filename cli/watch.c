/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl tunnel watch: the tunnels anew each second.  On a terminal it takes the screen until q
 * or Ctrl-C; elsewhere each second's table (or JSON line, or YAML document) follows the last.
 */
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/tunnel_view.h"

enum { WATCH_INTERVAL_MS = 1000 };

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

/* Asks, draws, waits; an error of a later second is shown and tried again. */
static enum exit_code watch_screen(struct session *session)
{
	json_t *items = json_array();
	enum terminal_event event;
	do {
		struct reply reply;
		client_request(session->client, "GET", "/v1/tunnels", NULL, 0, &reply);
		if (reply.body) {
			json_decref(items);
			items = json_incref(json_object_get(reply.body, "items"));
		}
		draw(session, items, reply.error);
		reply_free(&reply);
		while ((event = terminal_wait(WATCH_INTERVAL_MS)) == TERMINAL_RESIZED) {
			session->terminal = terminal_inspect();
			draw(session, items, "");
		}
	} while (event != TERMINAL_QUIT);
	json_decref(items);
	return EXIT_DONE;
}

static enum exit_code print_second(struct session *session)
{
	struct reply reply;
	enum exit_code code =
	    client_request(session->client, "GET", "/v1/tunnels", NULL, 0, &reply);
	if (code != EXIT_DONE)
		return terminal_is_ending() ? EXIT_DONE : session_fail(code, "%s", reply.error);
	const json_t *answer = reply.body;
	if (session->format == OUTPUT_JSON)
		output_json(answer, true, session->out);
	else if (session->format == OUTPUT_YAML)
		output_yaml(answer, true, session->out);
	else
		tunnel_print_list(session, json_object_get(answer, "items"));
	reply_free(&reply);
	return fflush(session->out) == 0 ? EXIT_DONE : EXIT_FAILED;
}

int tunnel_watch(struct session *session, const struct invocation *invocation)
{
	json_t *first;
	enum exit_code code;
	(void)invocation;
	client_end_when(session->client, terminal_is_ending);
	if (session->format != OUTPUT_TABLE || !session->terminal.is_terminal) {
		terminal_heed_signals();
		while ((code = print_second(session)) == EXIT_DONE
		       && terminal_wait(WATCH_INTERVAL_MS) != TERMINAL_QUIT)
			;
		return code;
	}
	code = session_get(session, "/v1/tunnels", NULL, NULL, &first);
	json_decref(first);
	if (code != EXIT_DONE)
		return code;
	if (terminal_take_screen() < 0)
		return session_fail(EXIT_FAILED, "the terminal takes no settings");
	code = watch_screen(session);
	terminal_give_back();
	return code;
}
