/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See congestion.h. */
#include "model/congestion.h"

#include "base/err.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

static const struct unit {
	const char *name;
	uint64_t bps;
} units[] = {{"gbit", 1000000000}, {"mbit", 1000000}, {"kbit", 1000}};

enum { UNITS = sizeof(units) / sizeof(units[0]) };

/* A whole number and a unit; 0 for what is neither, or out of range. */
static uint64_t parse_rate(const char *text)
{
	uint64_t number = 0, bps = 0;
	size_t digits = strspn(text, "0123456789");

	if (digits == 0 || digits > 12)
		return 0;
	for (size_t i = 0; i < digits; i++)
		number = number * 10 + (uint64_t)(text[i] - '0');
	for (size_t i = 0; i < UNITS; i++) {
		if (strcmp(text + digits, units[i].name) == 0
		    && number <= CONGESTION_RATE_MAX_BPS / units[i].bps)
			bps = number * units[i].bps;
	}
	return bps >= CONGESTION_RATE_MIN_BPS ? bps : 0;
}

int congestion_parse(const char *text, struct congestion *congestion)
{
	static const char fixed[] = "fixed:";
	uint64_t rate_bps;

	if (strcmp(text, "bbr") == 0) {
		*congestion = (struct congestion){CONGESTION_BBR, 0};
		return 0;
	}
	if (strcmp(text, "cubic") == 0) {
		*congestion = (struct congestion){CONGESTION_CUBIC, 0};
		return 0;
	}
	if (strncmp(text, fixed, strlen(fixed)) != 0
	    || (rate_bps = parse_rate(text + strlen(fixed))) == 0)
		return ERR_INVALID;
	*congestion = (struct congestion){CONGESTION_FIXED, rate_bps};
	return 0;
}

static void format_rate(uint64_t bps, char text[CONGESTION_TEXT_BYTES])
{
	size_t i = 0;

	while (i + 1 < UNITS && bps % units[i].bps)
		i++;
	snprintf(
	    text, CONGESTION_TEXT_BYTES, "fixed:%" PRIu64 "%s", bps / units[i].bps, units[i].name);
}

const char *congestion_format(const struct congestion *congestion, char text[CONGESTION_TEXT_BYTES])
{
	if (congestion->kind == CONGESTION_FIXED)
		format_rate(congestion->rate_bps, text);
	else
		snprintf(text, CONGESTION_TEXT_BYTES, "%s",
		    congestion->kind == CONGESTION_CUBIC ? "cubic" : "bbr");
	return text;
}

const char *congestion_check(const void *text)
{
	struct congestion congestion;

	return congestion_parse(text, &congestion) == 0 ? NULL : "must be " CONGESTION_RULE;
}
