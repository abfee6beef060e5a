/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl wait: until every node serves by a revision.  It asks how far that is whenever control's
 * events tell of a node; a line on stderr for each node that changes its state shows the progress.
 */
#include <limits.h>
#include <string.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/news.h"
#include "cli/value.h"

#define WAIT_EVENTS "/v1/events?kinds=node,config"

enum { WAIT_DEFAULT_S = 60, WAIT_MAX_S = 86400 };

static const json_t *find(const json_t *answer, const char *name)
{
	size_t i;
	json_t *node;
	json_array_foreach(json_object_get(answer, "nodes"), i, node)
	{
		if (strcmp(format_text_of(node, "node"), name) == 0)
			return node;
	}
	return NULL;
}

/* Those that are in another state than before; all at first. */
static void show_progress(const json_t *before, const json_t *answer)
{
	size_t i;
	json_t *node;
	json_array_foreach(json_object_get(answer, "nodes"), i, node)
	{
		const json_t *earlier = find(before, format_text_of(node, "node"));
		const json_t *reason = json_object_get(node, "reason");
		char words[FORMAT_BYTES];
		if (earlier
		    && strcmp(format_text_of(earlier, "state"), format_text_of(node, "state")) == 0)
			continue;
		fprintf(stderr, "%s %s: %s%s%s\n", format_text_of(node, "role"),
		    format_text_of(node, "node"), format_text_of(node, "state"),
		    json_is_string(reason) ? ": " : "",
		    json_is_string(reason) ? format_string(reason, words) : "");
	}
}

static size_t count_state(const json_t *answer, const char *state)
{
	size_t i, count = 0;
	json_t *node;
	json_array_foreach(json_object_get(answer, "nodes"), i, node) count +=
	    strcmp(format_text_of(node, "state"), state) == 0;
	return count;
}

/* A node that refused goes on refusing until somebody mends something: there is nothing to wait for. */
static enum exit_code judge(struct session *session, const json_t *answer, bool is_late)
{
	size_t refused = count_state(answer, "refused");
	size_t missing = json_array_size(json_object_get(answer, "nodes"))
	                 - count_state(answer, "applied") - refused;
	if (json_is_true(json_object_get(answer, "done"))) {
		if (!session_print_value(session, answer))
			fprintf(session->out,
			    "revision %" JSON_INTEGER_FORMAT " is applied by all nodes\n",
			    json_integer_value(json_object_get(answer, "revision")));
		return EXIT_DONE;
	}
	if (refused > 0 && (missing == 0 || is_late))
		return session_fail(EXIT_FAILED,
		    "%zu node%s refused it; mend the cause or change the accelerator", refused,
		    refused == 1 ? "" : "s");
	return session_fail(EXIT_FAILED,
	    "%zu node%s did not apply it in time; trunkctl status says which are down", missing,
	    missing == 1 ? "" : "s");
}

static bool is_settled(const json_t *answer)
{
	return count_state(answer, "pending") == 0 && count_state(answer, "down") == 0;
}

static enum exit_code wait_until(struct session *session, const char *path, double deadline_s)
{
	struct news news = {.session = session, .path = WAIT_EVENTS};
	json_t *before = NULL, *answer;
	enum exit_code code;
	for (;;) {
		code = session_get(session, path, NULL, NULL, &answer);
		if (code != EXIT_DONE)
			break;
		show_progress(before, answer);
		json_decref(before);
		before = answer;
		bool is_late = news_clock_s() >= deadline_s;
		if (is_settled(answer) || is_late) {
			code = judge(session, answer, is_late);
			break;
		}
		news_wait(&news, deadline_s);
	}
	news_end(&news);
	json_decref(before);
	return code;
}

/* Without --revision it is the newest one of the moment when the waiting begins. */
int wait_revision(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES], path[SESSION_PATH_BYTES];
	const char *word = invocation_value(invocation, "--revision");
	const char *timeout = invocation_value(invocation, "--timeout");
	long revision = 0, timeout_s = WAIT_DEFAULT_S;
	json_t *answer;
	if ((word && !value_number("--revision", word, 1, LONG_MAX, &revision, error))
	    || (timeout && !value_duration("--timeout", timeout, 1, WAIT_MAX_S, &timeout_s, error)))
		return session_fail(EXIT_USAGE, "%s", error);
	double deadline_s = news_clock_s() + (double)timeout_s;
	if (!word) {
		enum exit_code code = session_get(session, "/v1/rollout", NULL, NULL, &answer);
		if (code != EXIT_DONE)
			return code;
		revision = (long)json_integer_value(json_object_get(answer, "revision"));
		json_decref(answer);
	}
	snprintf(path, sizeof(path), "/v1/rollout?revision=%ld", revision);
	return wait_until(session, path, deadline_s);
}
