/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Tables for a terminal or a file; the one place that knows libsmartcols.  On a terminal they are
 * made to fit (table_layout.h); elsewhere they are whole.
 */
#ifndef CLI_TABLE_H
#define CLI_TABLE_H

#include <stdbool.h>
#include <stdio.h>

enum table_flags {
	TABLE_RIGHT = 1, /* numbers */
	TABLE_CUT = 2,   /* may be cut where the terminal is too narrow */
	TABLE_SPARE = 4, /* may be left out there */
	TABLE_WHOLE = 8, /* is never cut: goes on below, broken between words */
};

struct table_column {
	const char *heading;
	int flags;
};

enum table_colour { COLOUR_NONE, COLOUR_GOOD, COLOUR_WARN, COLOUR_BAD };

struct table;

/*
 * A table of the columns up to one with a NULL heading, which must outlive it.  NULL when memory
 * is out; the other functions take that.  With has_headings false the first row is data too.
 */
struct table *table_new(const struct table_column *columns, bool has_headings);
void table_free(struct table *table);

/* A table of names and their values: a row for each property of one object. */
struct table *table_new_properties(void);
void table_property(struct table *table, const char *name, const char *text);
void table_property_coloured(
    struct table *table, const char *name, const char *text, enum table_colour colour);

/* Starts a row; its cells follow from left to right.  Texts are copied. */
void table_row(struct table *table);
void table_cell(struct table *table, const char *text);
void table_cell_coloured(struct table *table, const char *text, enum table_colour colour);

/*
 * Prints it; nothing when it has no rows.  width is the terminal's, 0 for no limit.  Control
 * characters are shown as \xNN, and what was cut ends in "…".
 */
void table_print(struct table *table, FILE *out, bool has_colours, size_t width);

#endif
