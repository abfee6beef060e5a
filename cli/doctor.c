/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * trunkctl doctor: what control finds wrong with nodes, machines and tunnels, and with this trunkctl.
 */
#include "config.h"

#include <string.h>

#include "cli/commands.h"
#include "cli/format.h"

/* Control cannot see which trunkctl asks. */
static void add_own_version(json_t *doctor)
{
	const char *version = json_string_value(json_object_get(doctor, "version"));
	json_t *wrong = json_object_get(doctor, "wrong");
	char detail[FORMAT_BYTES];
	if (!version || strcmp(version, PACKAGE_VERSION) == 0)
		return;
	snprintf(detail, sizeof(detail), "this trunkctl is of version %s, control of %s",
	    PACKAGE_VERSION, version);
	json_array_insert_new(json_object_get(doctor, "findings"), 0,
	    json_pack("{s:s, s:s, s:n, s:s, s:s}", "level", "wrong", "check", "version", "node",
	        "detail", detail, "fix", "install the same version everywhere"));
	json_integer_set(wrong, json_integer_value(wrong) + 1);
}

static void print_findings(struct session *session, const json_t *findings)
{
	static const struct table_column columns[] = {{"CHECK", 0}, {"LEVEL", 0},
	    {"FINDING", TABLE_WHOLE}, {"WHAT TO DO", TABLE_WHOLE}, {NULL, 0}};
	struct table *table = table_new(columns, true);
	char buf[FORMAT_BYTES];
	size_t i;
	json_t *finding;
	json_array_foreach(findings, i, finding)
	{
		const char *level = format_string(json_object_get(finding, "level"), buf);
		enum table_colour colour = strcmp(level, "wrong") == 0 ? COLOUR_BAD : COLOUR_WARN;
		char check[FORMAT_BYTES];
		table_row(table);
		table_cell(table, format_string(json_object_get(finding, "check"), check));
		table_cell_coloured(table, level, colour);
		table_cell_coloured(
		    table, format_string(json_object_get(finding, "detail"), buf), colour);
		table_cell(table, format_string(json_object_get(finding, "fix"), buf));
	}
	session_print_table(session, table);
}

static void print_doctor(struct session *session, const json_t *doctor)
{
	char checks[FORMAT_BYTES], nodes[FORMAT_BYTES];
	const json_t *findings = json_object_get(doctor, "findings");
	print_findings(session, findings);
	if (json_array_size(findings) > 0)
		return;
	format_list(json_object_get(doctor, "checks"), checks);
	fprintf(session->out, "All is well: %s, over %s nodes.\n", checks,
	    format_integer(json_object_get(doctor, "nodes"), nodes));
}

int doctor_run(struct session *session, const struct invocation *invocation)
{
	json_t *doctor;
	(void)invocation;
	enum exit_code code = session_get(session, "/v1/doctor", NULL, NULL, &doctor);
	if (code != EXIT_DONE)
		return code;
	add_own_version(doctor);
	if (!session_print_value(session, doctor))
		print_doctor(session, doctor);
	if (json_integer_value(json_object_get(doctor, "wrong")) > 0)
		code = EXIT_FAILED;
	json_decref(doctor);
	return code;
}
