/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl token: who may use the API over TCP.
 */
#include <string.h>
#include <time.h>

#include "cli/commands.h"
#include "cli/format.h"
#include "cli/value.h"
#include "cli/watch.h"

enum {
	TTL_DEFAULT_S = 90 * 24 * 3600,
	TTL_MAX_S = 10 * 366 * 24 * 3600, /* as in doc/openapi.yaml */
};

/* The token alone is stdout's, for scripts; a person also sees that it is shown this once. */
static void print_secret(struct session *session, const json_t *token)
{
	char expires[FORMAT_BYTES];
	const char *text = json_string_value(json_object_get(token, "token"));
	fprintf(session->out, "%s\n", text ? text : "");
	format_time(json_object_get(token, "expires"), time(NULL), expires);
	if (session->terminal.is_terminal)
		fprintf(stderr,
		    "Shown this once; good until %s. Keep it in a file that only its user may "
		    "read, for --token-file.\n",
		    expires);
}

int token_create(struct session *session, const struct invocation *invocation)
{
	static const char *const roles[] = {"viewer", "operator", "admin", NULL};
	char error[VALUE_ERROR_BYTES];
	const char *name = invocation_value(invocation, "--name");
	const char *role = invocation_value(invocation, "--role");
	const char *ttl = invocation_value(invocation, "--ttl");
	long ttl_s = TTL_DEFAULT_S;
	json_t *token;
	if (!value_name("--name", name, error) || !value_word("--role", role, roles, error)
	    || (ttl && !value_duration("--ttl", ttl, 1, TTL_MAX_S, &ttl_s, error)))
		return session_fail(EXIT_USAGE, "%s", error);
	json_t *body =
	    json_pack("{s:s, s:s, s:I}", "name", name, "role", role, "ttl_s", (json_int_t)ttl_s);
	enum exit_code code = session_request(session, "POST", "/v1/tokens", body, &token);
	json_decref(body);
	if (code == EXIT_DONE && !session_print_value(session, token))
		print_secret(session, token);
	json_decref(token);
	return code;
}

static void add_row(struct table *table, const json_t *token)
{
	static const char *const times[] = {"expires", "used", "created"};
	char buf[FORMAT_BYTES];
	table_row(table);
	table_cell(table, format_string(json_object_get(token, "name"), buf));
	table_cell(table, format_string(json_object_get(token, "role"), buf));
	format_string(json_object_get(token, "state"), buf);
	table_cell_coloured(table, buf, strcmp(buf, "good") == 0 ? COLOUR_GOOD : COLOUR_BAD);
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		table_cell(table, format_time(json_object_get(token, times[i]), time(NULL), buf));
	table_cell(table, format_string(json_object_get(token, "created_by"), buf));
}

static void print_list(struct session *session, const json_t *answer)
{
	static const struct table_column columns[] = {{"TOKEN", 0}, {"ROLE", 0}, {"STATE", 0},
	    {"EXPIRES", 0}, {"LAST USED", 0}, {"CREATED", TABLE_SPARE},
	    {"BY", TABLE_CUT | TABLE_SPARE}, {NULL, 0}};
	session_print_items(session, columns, answer, add_row);
}

int token_list(struct session *session, const struct invocation *invocation)
{
	static const struct watch_view view = {
	    .title = "Tokens",
	    .path = "/v1/tokens",
	    .kinds = "revision",
	    .print = print_list,
	    .empty = "There is no token; trunkctl token create makes one.",
	};
	return watch_or_print(session, invocation, &view);
}

int token_revoke(struct session *session, const struct invocation *invocation)
{
	char error[VALUE_ERROR_BYTES], path[SESSION_PATH_BYTES];
	const char *name = invocation->arguments[0];
	if (!value_name("NAME", name, error))
		return session_fail(EXIT_USAGE, "%s", error);
	snprintf(path, sizeof(path), "/v1/tokens/%s", name);
	return session_delete(session, path, "token", name, "revoked");
}
