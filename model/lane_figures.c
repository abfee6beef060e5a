/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See lane_figures.h. */
#include "model/lane_figures.h"

#define X(name)                                                                                    \
	{SCHEMA_MEMBER(#name, struct lane_figures, name), .type = SCHEMA_U64, .max = INT64_MAX},
static const struct schema_field fields[] = {LANE_FIGURES(X)};
#undef X
const struct schema lane_figures_schema = SCHEMA(struct lane_figures, fields);

void lane_figures_add(struct lane_figures *to, const struct lane_figures *from)
{
#define X(name) to->name += from->name;
	LANE_FIGURES(X)
#undef X
}
