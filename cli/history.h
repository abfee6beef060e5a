/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of history: one character a second, the higher the value the higher the bar.
 */
#ifndef CLI_HISTORY_H
#define CLI_HISTORY_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum {
	HISTORY_SECONDS = 60,
	HISTORY_LINE_BYTES = HISTORY_SECONDS * 3 + 1, /* a block character has 3 bytes in UTF-8 */
	HISTORY_SPAN_MIN_US = 1000, /* less variation than this is drawn as flat as it is */
};

/* The least and greatest number of the array; false when it has none. */
bool history_range(const json_t *values_us, double *least_us, double *greatest_us);

/*
 * The last 60 values (numbers or null, oldest first) as a line in `line` (HISTORY_LINE_BYTES), from
 * the lowest bar for the least value to the highest for the greatest; a second without a value is
 * a space.  In ASCII where is_utf8 is false.  Returns `line`; "" when there are no values.
 */
const char *history_line(const json_t *values_us, bool is_utf8, char *line);

#endif
