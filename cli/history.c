/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A line of history in block characters, U+2581 to U+2588, or in ASCII.
 */
#include "cli/history.h"

#include <string.h>

enum { LEVELS = 8 };

static const char *const utf8_bars[LEVELS] = {"\xe2\x96\x81", "\xe2\x96\x82", "\xe2\x96\x83",
    "\xe2\x96\x84", "\xe2\x96\x85", "\xe2\x96\x86", "\xe2\x96\x87", "\xe2\x96\x88"};
static const char *const ascii_bars[LEVELS] = {"_", ".", "-", "=", "+", "*", "%", "#"};

bool history_range(const json_t *values_us, double *least_us, double *greatest_us)
{
	bool has_value = false;
	size_t i;
	json_t *item;
	json_array_foreach(values_us, i, item)
	{
		if (!json_is_number(item))
			continue;
		double value = json_number_value(item);
		if (!has_value || value < *least_us)
			*least_us = value;
		if (!has_value || value > *greatest_us)
			*greatest_us = value;
		has_value = true;
	}
	return has_value;
}

const char *history_line(const json_t *values_us, bool is_utf8, char *line)
{
	double least = 0, greatest = 0;
	size_t count = json_array_size(values_us);
	size_t first = count > HISTORY_SECONDS ? count - HISTORY_SECONDS : 0;
	const char *const *bars = is_utf8 ? utf8_bars : ascii_bars;
	line[0] = '\0';
	if (!history_range(values_us, &least, &greatest))
		return line;
	double span = greatest - least;
	if (span < HISTORY_SPAN_MIN_US)
		span = HISTORY_SPAN_MIN_US;
	char *at = line;
	for (size_t i = first; i < count; i++) {
		const json_t *item = json_array_get(values_us, i);
		const char *bar = " ";
		if (json_is_number(item)) {
			double share = (json_number_value(item) - least) / span;
			if (share > 0.999)
				share = 0.999;
			if (share < 0)
				share = 0;
			bar = bars[(int)(share * LEVELS)];
		}
		at = stpcpy(at, bar);
	}
	return line;
}
