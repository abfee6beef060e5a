/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See error.h. */
#include "model/error.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>

int model_error_set(
    struct model_error *error, const char *field, const char *fix, const char *format, ...)
{
	va_list args;

	snprintf(error->field, sizeof(error->field), "%s", field);
	snprintf(error->fix, sizeof(error->fix), "%s", fix);
	va_start(args, format);
	vsnprintf(error->reason, sizeof(error->reason), format, args);
	va_end(args);
	return ERR_INVALID;
}

void model_error_from_schema(struct model_error *error, const struct schema_errors *errors)
{
	const struct schema_error *first = &errors->list[0];

	if (errors->count == 0)
		model_error_set(error, "", "", "not understood");
	else
		model_error_set(error, first->path, "", "%s", first->text);
}
