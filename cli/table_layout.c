/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See table_layout.h. */
#include "cli/table_layout.h"

#include <stdbool.h>

#include "cli/table.h"

static size_t total(const struct table_width *columns, size_t count)
{
	size_t sum = 0;
	for (size_t i = 0; i < count; i++)
		if (columns[i].shown > 0)
			sum += (sum > 0 ? TABLE_GAP_COLUMNS : 0) + columns[i].shown;
	return sum;
}

enum {
	CUT_LEAST = 12,  /* columns that are left of one that may be cut */
	WRAP_LEAST = 24, /* of one that goes on below */
	NAME_LEAST = 8,  /* of any other text, when there is no other way */
};

enum loss { LOSS_CUT, LOSS_WRAP, LOSS_HARD };

static bool may_lose(const struct table_width *column, enum loss loss)
{
	size_t least = column->heading > CUT_LEAST ? column->heading : CUT_LEAST;
	if (loss == LOSS_HARD)
		return !(column->flags & (TABLE_RIGHT | TABLE_WHOLE)) && column->shown > NAME_LEAST;
	if (loss == LOSS_WRAP)
		return column->flags & TABLE_WHOLE && column->shown > WRAP_LEAST;
	return column->flags & TABLE_CUT && column->shown > least;
}

/* The widest of those that can still lose a column of the terminal; NULL when none can. */
static struct table_width *widest(struct table_width *columns, size_t count, enum loss loss)
{
	struct table_width *best = NULL;
	for (size_t i = 0; i < count; i++)
		if (may_lose(&columns[i], loss) && (!best || columns[i].shown > best->shown))
			best = &columns[i];
	return best;
}

static bool narrow(struct table_width *columns, size_t count, size_t width, enum loss loss)
{
	while (total(columns, count) > width) {
		struct table_width *column = widest(columns, count, loss);
		if (!column)
			return false;
		column->shown--;
	}
	return true;
}

/* Without loss of a name or a column. */
static bool fit(struct table_width *columns, size_t count, size_t width)
{
	return narrow(columns, count, width, LOSS_CUT) || narrow(columns, count, width, LOSS_WRAP);
}

static void restore(struct table_width *columns, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (columns[i].shown > 0)
			columns[i].shown = columns[i].natural;
}

static bool leave_one_out(struct table_width *columns, size_t count)
{
	for (size_t i = count; i-- > 0;) {
		if (columns[i].shown > 0 && columns[i].flags & TABLE_SPARE) {
			columns[i].shown = 0;
			return true;
		}
	}
	return false;
}

void table_layout(struct table_width *columns, size_t count, size_t width)
{
	for (size_t i = 0; i < count; i++)
		columns[i].shown = columns[i].natural;
	if (width == 0 || fit(columns, count, width))
		return;
	while (leave_one_out(columns, count)) {
		restore(columns, count);
		if (fit(columns, count, width))
			return;
	}
	narrow(columns, count, width, LOSS_HARD);
}
