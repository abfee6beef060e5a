/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Which columns of a table are shown in a narrow terminal, and how wide.  Pure arithmetic.
 */
#ifndef CLI_TABLE_LAYOUT_H
#define CLI_TABLE_LAYOUT_H

#include <stddef.h>

enum { TABLE_GAP_COLUMNS = 2 }; /* between two columns */

struct table_width {
	size_t natural; /* of the widest cell and the heading */
	size_t heading; /* a TABLE_CUT column is cut to this, and no more than needed */
	int flags;      /* enum table_flags */
	size_t shown;   /* the answer; 0: left out */
};

/*
 * Makes the columns fit into `width` (0: no limit), as far as they let it: first those that may be
 * cut are, the widest most; then TABLE_WHOLE ones become narrower, which go on below; then TABLE_SPARE ones are left out, from the right; then names are cut
 * too.
 */
void table_layout(struct table_width *columns, size_t count, size_t width);

#endif
