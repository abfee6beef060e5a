/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See faults.h. */
#include "control/faults.h"

#include "base/utf8.h"

#include <stdarg.h>
#include <stdio.h>

/* Texts may have been cut within a character. */
static json_t *mended_string(const char *text)
{
	char copy[REASON_BYTES];

	_Static_assert((int)POINTER_BYTES <= (int)REASON_BYTES, "a pointer fits too");
	snprintf(copy, sizeof(copy), "%s", text);
	return json_string(utf8_mend(copy));
}

/* No fault may go unheard: without memory for its words it is a null, which counts as one too. */
static void add(
    json_t *faults, const char *pointer, bool is_about_key, const char *detail, const char *fix)
{
	json_t *fault;

	if (json_array_size(faults) >= FAULTS_MAX)
		return;
	fault = json_pack(
	    "{s:o, s:o}", "pointer", mended_string(pointer), "detail", mended_string(detail));
	if (fix[0])
		json_object_set_new(fault, "fix", mended_string(fix));
	if (is_about_key)
		json_object_set_new(fault, "at_key", json_true());
	json_array_append_new(faults, fault ? fault : json_null());
}

void faults_add(json_t *faults, const char *pointer, bool is_about_key, const char *fix,
    const char *format, ...)
{
	char detail[REASON_BYTES];
	va_list args;

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	add(faults, pointer, is_about_key, detail, fix);
}

void faults_add_schema(json_t *faults, const char *base, const struct schema_errors *errors)
{
	char pointer[POINTER_BYTES], text[REASON_BYTES];

	for (size_t i = 0; i < errors->count; i++) {
		const struct schema_error *error = &errors->list[i];

		schema_path_pointer(base, error->path, pointer, sizeof(pointer));
		add(faults, pointer, error->is_about_key,
		    schema_error_format(error, NULL, text, sizeof(text)), "");
	}
}

static void add_at(
    json_t *faults, const char *base, const char *field, const char *detail, const char *fix)
{
	char pointer[POINTER_BYTES];

	add(faults, schema_path_pointer(base, field, pointer, sizeof(pointer)), false, detail, fix);
}

void faults_add_model(json_t *faults, const char *base, const struct model_error *error)
{
	add_at(faults, base, error->field, error->reason, error->fix);
}

void faults_add_problem(json_t *faults, const char *base, const struct problem *problem)
{
	add_at(faults, base, problem->field, problem->detail, problem->fix);
}
