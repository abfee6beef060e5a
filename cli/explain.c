/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl explain: the kinds of objects and their fields, from the tables that decode them.
 */
#include <string.h>

#include "base/suggest.h"
#include "cli/commands.h"
#include "cli/field_text.h"
#include "model/objects.h"

static void print_row(struct session *session, const char *left, const char *right)
{
	if (right[0])
		fprintf(session->out, "%-9s %s\n", left, right);
}

static void print_fields(struct session *session, const struct schema *schema)
{
	static const struct table_column columns[] = {
	    {"FIELD", 0}, {"TYPE", 0}, {"DEFAULT", 0}, {"WHAT", TABLE_CUT}, {NULL, 0}};
	struct table *table = table_new(columns, true);
	for (size_t i = 0; i < schema->field_count; i++) {
		const struct schema_field *field = &schema->fields[i];
		char text[FIELD_TEXT_BYTES];
		table_row(table);
		table_cell(table, field->key);
		table_cell(table, field_type(field, text));
		table_cell(table, field->is_required ? "(required)" : field_default(field, text));
		table_cell(table, field->help ? field->help : "");
	}
	session_print_table(session, table);
}

static void print_field(struct session *session, const char *path, const struct schema_field *field)
{
	char text[FIELD_TEXT_BYTES];
	print_row(session, "FIELD", path);
	print_row(session, "TYPE", field_type(field, text));
	print_row(session, "REQUIRED", field->is_required ? "yes" : "no");
	print_row(session, "DEFAULT", field_default(field, text));
	print_row(session, "LIMITS", field_limits(field, text));
	if (field->is_array)
		fprintf(
		    session->out, "%-9s %zu..%zu\n", "ITEMS", field->min_items, field->max_items);
	print_row(session, "WHAT", field->help ? field->help : "");
	if (field_members(field)) {
		fputc('\n', session->out);
		print_fields(session, field_members(field));
	}
}

static void print_kinds(struct session *session)
{
	static const struct table_column columns[] = {{"KIND", 0}, {"WHAT", TABLE_CUT}, {NULL, 0}};
	struct table *table = table_new(columns, true);
	for (const struct object_kind *kind = object_kinds; kind->name; kind++) {
		table_row(table);
		table_cell(table, kind->name);
		table_cell(table, kind->help);
	}
	session_print_table(session, table);
}

static enum exit_code fail_field(
    const struct schema *schema, const char *path, const char *word, size_t length)
{
	struct suggestion suggestion;
	suggestion_begin(&suggestion, word, length);
	for (size_t i = 0; i < schema->field_count; i++)
		suggestion_offer(&suggestion, schema->fields[i].key);
	if (suggestion.best)
		return session_fail(EXIT_NOT_FOUND,
		    "there is no field \"%.*s\" in %.100s; did you mean \"%s\"?", (int)length, word,
		    path, suggestion.best);
	return session_fail(
	    EXIT_NOT_FOUND, "there is no field \"%.*s\" in %.100s", (int)length, word, path);
}

/* The fields behind KIND, one after the other. */
static enum exit_code explain_path(
    struct session *session, const struct object_kind *kind, const char *path)
{
	const struct schema *schema = kind->schema;
	const struct schema_field *field = NULL;
	for (const char *at = path; *at;) {
		size_t length = strcspn(at + 1, ".");
		const struct schema_field *found = NULL;
		at++;
		for (size_t i = 0; schema && i < schema->field_count; i++)
			if (strlen(schema->fields[i].key) == length
			    && memcmp(schema->fields[i].key, at, length) == 0)
				found = &schema->fields[i];
		if (!schema)
			return session_fail(EXIT_NOT_FOUND, "%s has no fields", field->key);
		if (!found)
			return fail_field(schema, field ? field->key : kind->name, at, length);
		field = found;
		schema = field_members(field);
		at += length;
	}
	if (field) {
		print_field(session, path + 1, field);
		return EXIT_DONE;
	}
	print_row(session, "KIND", kind->name);
	print_row(session, "WHAT", kind->help);
	fputc('\n', session->out);
	print_fields(session, kind->schema);
	return EXIT_DONE;
}

int explain_kind(struct session *session, const struct invocation *invocation)
{
	const char *word = invocation->arguments[0], *meant;
	char name[64];
	if (!word) {
		print_kinds(session);
		return EXIT_DONE;
	}
	size_t length = strcspn(word, ".");
	snprintf(name, sizeof(name), "%.*s", (int)(length < 63 ? length : 63), word);
	const struct object_kind *kind = object_kind_guess(name);
	if (kind)
		return explain_path(session, kind, word + length);
	meant = object_kind_suggest(name);
	return session_fail(EXIT_NOT_FOUND, "there is no kind \"%s\"; %s%s%s", name,
	    meant ? "did you mean \"" : "trunkctl explain lists the kinds", meant ? meant : "",
	    meant ? "\"?" : "");
}
