/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables: cells are kept until all are there, so that what does not fit is cut or left out before
 * libsmartcols aligns the rest.
 */
#include "cli/table.h"

#include <libsmartcols.h>
#include <stdlib.h>
#include <string.h>

#include "cli/table_layout.h"
#include "cli/text_width.h"

struct cell {
	char *text; /* NULL for an empty one */
	enum table_colour colour;
};

struct table {
	const struct table_column *columns;
	size_t column_count;
	bool has_headings;
	struct cell *cells; /* column_count a row */
	size_t row_count, row_room;
	size_t next; /* column of the row that grows */
};

struct table *table_new(const struct table_column *columns, bool has_headings)
{
	struct table *table = calloc(1, sizeof(*table));
	if (!table)
		return NULL;
	table->columns = columns;
	table->has_headings = has_headings;
	while (columns[table->column_count].heading)
		table->column_count++;
	return table;
}

void table_free(struct table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->row_count * table->column_count; i++)
		free(table->cells[i].text);
	free(table->cells);
	free(table);
}

/* Without memory the row is missing, and its cells go nowhere. */
void table_row(struct table *table)
{
	if (!table)
		return;
	table->next = table->column_count;
	if (table->row_count == table->row_room) {
		size_t room = table->row_room ? 2 * table->row_room : 16;
		struct cell *grown =
		    realloc(table->cells, room * table->column_count * sizeof(*grown));
		if (!grown)
			return;
		table->cells = grown;
		table->row_room = room;
	}
	memset(&table->cells[table->row_count * table->column_count], 0,
	    table->column_count * sizeof(*table->cells));
	table->row_count++;
	table->next = 0;
}

void table_cell_coloured(struct table *table, const char *text, enum table_colour colour)
{
	if (!table || table->row_count == 0 || table->next == table->column_count)
		return;
	size_t place = (table->row_count - 1) * table->column_count + table->next++;
	table->cells[place] = (struct cell){.text = strdup(text), .colour = colour};
}

void table_cell(struct table *table, const char *text)
{
	table_cell_coloured(table, text, COLOUR_NONE);
}

struct table *table_new_properties(void)
{
	static const struct table_column columns[] = {
	    {"PROPERTY", 0}, {"VALUE", TABLE_WHOLE}, {NULL, 0}};
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

/* ---- printing ---- */

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

/* The widths of all columns, for free(); NULL without memory. */
static struct table_width *measure(const struct table *table)
{
	struct table_width *widths = calloc(table->column_count, sizeof(*widths));
	for (size_t i = 0; widths && i < table->column_count; i++) {
		struct table_width *column = &widths[i];
		column->flags = table->columns[i].flags;
		if (table->has_headings)
			column->heading = text_width(table->columns[i].heading);
		column->natural = column->heading;
		for (size_t row = 0; row < table->row_count; row++) {
			const char *text = table->cells[row * table->column_count + i].text;
			size_t width = text ? text_width(text) : 0;
			if (width > column->natural)
				column->natural = width;
		}
	}
	return widths;
}

static void add_columns(
    struct libscols_table *scols, const struct table *table, const struct table_width *widths)
{
	for (size_t i = 0; i < table->column_count; i++) {
		char *heading = NULL;
		if (widths[i].shown == 0)
			continue;
		heading = text_cut(table->columns[i].heading, widths[i].shown);
		scols_table_new_column(scols, heading ? heading : "", 0,
		    table->columns[i].flags & TABLE_RIGHT ? SCOLS_FL_RIGHT : 0);
		free(heading);
	}
}

/* The next line of a text that goes on below; NULL at its end. */
static char *take_line(const char **rest, size_t width)
{
	if (!*rest || !**rest)
		return NULL;
	size_t length = text_break(*rest, width);
	char *line = strndup(*rest, length);
	*rest += length;
	*rest += strspn(*rest, " ");
	return line;
}

static void add_cell(struct libscols_line *line, size_t place, char *text, enum table_colour colour)
{
	struct libscols_cell *cell;
	if (text)
		scols_line_refer_data(line, place, text);
	cell = scols_line_get_cell(line, place);
	if (text && cell && colour_name(colour))
		scols_cell_set_color(cell, colour_name(colour));
}

static bool is_wrapped(const struct table *table, const struct table_width *widths, size_t i)
{
	return widths[i].shown > 0 && table->columns[i].flags & TABLE_WHOLE;
}

/* One line of the screen; true when cells go on below it. */
static bool add_line(struct libscols_table *scols, const struct table *table,
    const struct table_width *widths, const struct cell *cells, const char **rests, bool is_first)
{
	struct libscols_line *line = scols_table_new_line(scols, NULL);
	size_t place = 0;
	bool goes_on = false;
	for (size_t i = 0; line && i < table->column_count; i++) {
		char *text = NULL;
		if (widths[i].shown == 0)
			continue;
		if (is_wrapped(table, widths, i))
			text = take_line(&rests[i], widths[i].shown);
		else if (is_first && cells[i].text)
			text = text_cut(cells[i].text, widths[i].shown);
		goes_on = goes_on || (is_wrapped(table, widths, i) && rests[i] && *rests[i]);
		add_cell(line, place++, text, cells[i].colour);
	}
	return goes_on;
}

static void add_row(struct libscols_table *scols, const struct table *table,
    const struct table_width *widths, const struct cell *cells)
{
	const char **rests = calloc(table->column_count, sizeof(*rests));
	bool is_first = true;
	if (!rests)
		return;
	for (size_t i = 0; i < table->column_count; i++)
		rests[i] = cells[i].text;
	while (add_line(scols, table, widths, cells, rests, is_first))
		is_first = false;
	free(rests);
}

void table_print(struct table *table, FILE *out, bool has_colours, size_t width)
{
	struct table_width *widths = table && table->row_count > 0 ? measure(table) : NULL;
	struct libscols_table *scols = widths ? scols_new_table() : NULL;
	if (scols) {
		table_layout(widths, table->column_count, width);
		scols_table_set_column_separator(scols, "  ");
		scols_table_enable_noheadings(scols, !table->has_headings);
		add_columns(scols, table, widths);
		for (size_t row = 0; row < table->row_count; row++)
			add_row(scols, table, widths, &table->cells[row * table->column_count]);
		scols_table_set_stream(scols, out);
		scols_table_enable_colors(scols, has_colours);
		scols_table_set_termforce(scols, SCOLS_TERMFORCE_NEVER);
		scols_print_table(scols);
	}
	scols_unref_table(scols);
	free(widths);
}
