/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the commands share: requests whose errors are told, and output by the chosen format.
 */
#include "cli/session.h"

#include <stdarg.h>

#include "cli/fault_option.h"
#include "cli/format.h"

enum exit_code session_fail(enum exit_code code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	fputs("trunkctl: ", stderr);
	vfprintf(stderr, format, arguments);
	fputc('\n', stderr);
	va_end(arguments);
	return code;
}

static void tell_fault(const struct session *session, const json_t *fault)
{
	const char *pointer = json_string_value(json_object_get(fault, "pointer"));
	const char *detail = json_string_value(json_object_get(fault, "detail"));
	const char *fix = json_string_value(json_object_get(fault, "fix"));
	const char *option = pointer ? fault_option(session->invocation, pointer) : NULL;
	char line[CLIENT_ERROR_BYTES];
	snprintf(line, sizeof(line), "%s%s%.600s%s%.300s", option ? option : "", option ? ": " : "",
	    detail ? detail : "?", fix ? "; " : "", fix ? fix : "");
	session_fail(EXIT_FAILED, "%s", format_make_printable(line));
}

enum exit_code session_fail_reply(
    const struct session *session, enum exit_code code, const struct reply *reply)
{
	const json_t *faults = json_object_get(reply->problem, "errors");
	json_t *fault;
	size_t i;
	json_array_foreach(faults, i, fault) tell_fault(session, fault);
	/* What one fault of one object says the problem says too; of many objects it says more. */
	const json_t *said = json_object_get(json_array_get(faults, 0), "detail");
	return json_equal(said, json_object_get(reply->problem, "detail"))
	           ? code
	           : session_fail(code, "%s", reply->error);
}

enum exit_code session_request(struct session *session, const char *method, const char *path,
    const json_t *body, json_t **answer)
{
	struct reply reply;
	enum exit_code code = client_request(session->client, method, path, body, NULL, &reply);
	*answer = NULL;
	if (code != EXIT_DONE)
		session_fail_reply(session, code, &reply);
	else
		*answer = json_incref(reply.body);
	reply_free(&reply);
	return code;
}

enum exit_code session_get(struct session *session, const char *path, const char *name,
    const char *second_name, json_t **answer)
{
	char whole[SESSION_PATH_BYTES];
	snprintf(whole, sizeof(whole), "%s%s%s%s%s", path, name ? "/" : "", name ? name : "",
	    second_name ? "/" : "", second_name ? second_name : "");
	return session_request(session, "GET", whole, NULL, answer);
}

bool session_print_value(struct session *session, const json_t *value)
{
	if (session->format == OUTPUT_TABLE)
		return false;
	if (session->format == OUTPUT_JSON)
		output_json(value, false, session->out);
	else
		output_yaml(value, false, session->out);
	return true;
}

void session_print_table(struct session *session, struct table *table)
{
	table_print(table, session->out, session->terminal.has_colours, session->terminal.width);
	table_free(table);
}

void session_print_items(struct session *session, const struct table_column *columns,
    const json_t *answer, void (*add_row)(struct table *table, const json_t *item))
{
	struct table *table = table_new(columns, true);
	json_t *item;
	size_t i;
	json_array_foreach(json_object_get(answer, "items"), i, item) add_row(table, item);
	session_print_table(session, table);
}

enum exit_code session_delete(
    struct session *session, const char *path, const char *noun, const char *name, const char *done)
{
	json_t *answer;
	enum exit_code code = session_request(session, "DELETE", path, NULL, &answer);
	if (code == EXIT_DONE && !session_print_value(session, answer))
		fprintf(session->out, "%s %s %s (revision %" JSON_INTEGER_FORMAT ")\n", noun, name,
		    done, format_number_of(answer, "revision"));
	json_decref(answer);
	return code;
}
