/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables by libsmartcols.
 */
#include "cli/table.h"

#include <libsmartcols.h>
#include <stdlib.h>

struct table {
	struct libscols_table *scols;
	struct libscols_line *line;
	size_t cell;
};

struct table *table_new(const struct table_column *columns, bool has_headings)
{
	struct table *table = calloc(1, sizeof(*table));
	if (!table)
		return NULL;
	table->scols = scols_new_table();
	if (!table->scols) {
		free(table);
		return NULL;
	}
	scols_table_set_column_separator(table->scols, "  ");
	scols_table_enable_noheadings(table->scols, !has_headings);
	for (; columns->heading; columns++) {
		int flags = 0;
		if (columns->flags & TABLE_RIGHT)
			flags |= SCOLS_FL_RIGHT;
		if (columns->flags & TABLE_CUT)
			flags |= SCOLS_FL_TRUNC;
		scols_table_new_column(table->scols, columns->heading, 0, flags);
	}
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	scols_unref_table(table->scols);
	free(table);
}

void table_row(struct table *table)
{
	if (!table)
		return;
	table->line = scols_table_new_line(table->scols, NULL);
	table->cell = 0;
}

static const char *colour_name(enum table_colour colour)
{
	switch (colour) {
	case COLOUR_GOOD:
		return "green";
	case COLOUR_WARN:
		return "yellow";
	case COLOUR_BAD:
		return "red";
	case COLOUR_NONE:
		break;
	}
	return NULL;
}

void table_cell_coloured(struct table *table, const char *text, enum table_colour colour)
{
	if (!table || !table->line)
		return;
	scols_line_set_data(table->line, table->cell, text);
	struct libscols_cell *cell = scols_line_get_cell(table->line, table->cell);
	if (cell && colour_name(colour))
		scols_cell_set_color(cell, colour_name(colour));
	table->cell++;
}

void table_cell(struct table *table, const char *text)
{
	table_cell_coloured(table, text, COLOUR_NONE);
}

struct table *table_new_properties(void)
{
	static const struct table_column columns[] = {{"PROPERTY", 0}, {"VALUE", 0}, {NULL, 0}};
	return table_new(columns, false);
}

void table_property_coloured(
    struct table *table, const char *name, const char *text, enum table_colour colour)
{
	table_row(table);
	table_cell(table, name);
	table_cell_coloured(table, text, colour);
}

void table_property(struct table *table, const char *name, const char *text)
{
	table_property_coloured(table, name, text, COLOUR_NONE);
}

void table_print(struct table *table, FILE *out, bool has_colours, size_t width)
{
	if (!table)
		return;
	scols_table_set_stream(table->scols, out);
	scols_table_enable_colors(table->scols, has_colours);
	scols_table_set_termforce(
	    table->scols, width > 0 ? SCOLS_TERMFORCE_ALWAYS : SCOLS_TERMFORCE_NEVER);
	if (width > 0)
		scols_table_set_termwidth(table->scols, width);
	scols_print_table(table->scols);
}
