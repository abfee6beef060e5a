/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl history, rollback and confirm: what was changed, and the way back.
 */
#include <limits.h>
#include <time.h>

#include "cli/change_view.h"
#include "cli/commands.h"
#include "cli/format.h"
#include "cli/value.h"
#include "cli/watch.h"

enum { HISTORY_DEFAULT = 20, HISTORY_MAX = 1000 };

static void add_row(struct table *table, const json_t *revision)
{
	char buf[FORMAT_BYTES];
	table_row(table);
	table_cell(table, format_integer(json_object_get(revision, "revision"), buf));
	table_cell(table, format_time(json_object_get(revision, "when"), time(NULL), buf));
	table_cell(table, format_string(json_object_get(revision, "who"), buf));
	table_cell(table, format_string(json_object_get(revision, "what"), buf));
}

static void print_list(struct session *session, const json_t *answer)
{
	static const struct table_column columns[] = {
	    {"REVISION", TABLE_RIGHT}, {"WHEN", 0}, {"WHO", 0}, {"WHAT", TABLE_CUT}, {NULL, 0}};
	session_print_items(session, columns, answer, add_row);
}

static void print_one(struct session *session, const json_t *revision)
{
	char buf[FORMAT_BYTES];
	struct table *table = table_new_properties();
	const json_t *changes = json_object_get(revision, "changes");
	table_property(
	    table, "revision", format_integer(json_object_get(revision, "revision"), buf));
	table_property(
	    table, "when", format_time(json_object_get(revision, "when"), time(NULL), buf));
	table_property(table, "who", format_string(json_object_get(revision, "who"), buf));
	table_property(table, "what", format_string(json_object_get(revision, "what"), buf));
	session_print_table(session, table);
	if (json_array_size(changes) > 0)
		fputc('\n', session->out);
	change_print_fields(session, changes);
}

static enum exit_code show_one(struct session *session, const char *number)
{
	json_t *answer;
	enum exit_code code = session_get(session, "/v1/revisions", number, NULL, &answer);
	if (code == EXIT_DONE && !session_print_value(session, answer))
		print_one(session, answer);
	json_decref(answer);
	return code;
}

int history_show(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES], path[SESSION_PATH_BYTES];
	const struct watch_view view = {
	    .title = "Changes", .path = path, .kinds = "revision", .print = print_list};
	const char *word = invocation->arguments[0];
	const char *limit = invocation_value(invocation, "--limit");
	long number = HISTORY_DEFAULT;
	if ((word && !value_number("REVISION", word, 1, LONG_MAX, &number, error))
	    || (limit && !value_number("--limit", limit, 1, HISTORY_MAX, &number, error)))
		return session_fail(EXIT_USAGE, "%s", error);
	if (word && invocation_has(invocation, "--watch"))
		return session_fail(
		    EXIT_USAGE, "--watch is of the list: one revision stays as it is");
	if (word)
		return show_one(session, word);
	snprintf(path, sizeof(path), "/v1/revisions?limit=%ld", number);
	return watch_or_print(session, invocation, &view);
}

static void print_rollback(struct session *session, const json_t *answer, bool is_dry_run)
{
	const json_t *changes = json_object_get(answer, "changes");
	size_t i;
	json_t *warning;
	if (is_dry_run)
		change_print_fields(session, changes);
	else
		change_print_list(session, changes, false);
	json_array_foreach(json_object_get(answer, "warnings"), i, warning)
	    fprintf(stderr, "trunkctl: %s\n", json_string_value(warning));
	fputs("Nodes and tokens are not rolled back: they stay as they are now.\n", stderr);
	if (!is_dry_run)
		fprintf(session->out, "revision %" JSON_INTEGER_FORMAT "\n",
		    format_number_of(answer, "revision"));
}

int rollback_revision(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES];
	bool is_dry_run = invocation_has(invocation, "--dry-run");
	long revision;
	json_t *answer;
	if (!value_number("REVISION", invocation->arguments[0], 1, LONG_MAX, &revision, error))
		return session_fail(EXIT_USAGE, "%s", error);
	json_t *body = json_pack("{s:I, s:b, s:b}", "revision", (json_int_t)revision, "dry_run",
	    is_dry_run, "now", invocation_has(invocation, "--now"));
	enum exit_code code = session_request(session, "POST", "/v1/rollback", body, &answer);
	json_decref(body);
	if (code == EXIT_DONE && !session_print_value(session, answer))
		print_rollback(session, answer, is_dry_run);
	json_decref(answer);
	return code;
}

int confirm_change(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES];
	const char *word = invocation->arguments[0];
	json_t *answer, *body = json_object();
	long revision;
	if (word) {
		if (!value_number("REVISION", word, 1, LONG_MAX, &revision, error)) {
			json_decref(body);
			return session_fail(EXIT_USAGE, "%s", error);
		}
		json_object_set_new(body, "revision", json_integer(revision));
	}
	enum exit_code code = session_request(session, "POST", "/v1/confirm", body, &answer);
	json_decref(body);
	if (code == EXIT_DONE && !session_print_value(session, answer))
		fprintf(session->out,
		    "revision %" JSON_INTEGER_FORMAT " confirmed (revision %" JSON_INTEGER_FORMAT
		    ")\n",
		    format_number_of(answer, "confirmed"), format_number_of(answer, "revision"));
	json_decref(answer);
	return code;
}
