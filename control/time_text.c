/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See time_text.h. */
#include "control/time_text.h"

#include <string.h>
#include <time.h>

const char *time_format(uint64_t unix_ms, char text[TIME_TEXT_BYTES])
{
	time_t seconds = (time_t)(unix_ms / 1000);
	struct tm utc;

	if (!gmtime_r(&seconds, &utc)
	    || !strftime(text, TIME_TEXT_BYTES, "%Y-%m-%dT%H:%M:%SZ", &utc))
		text[0] = '\0';
	return text;
}

json_t *time_to_json(uint64_t unix_ms)
{
	char text[TIME_TEXT_BYTES];

	return unix_ms ? json_string(time_format(unix_ms, text)) : json_null();
}

json_t *time_to_json_exact(uint64_t unix_ms)
{
	char text[TIME_TEXT_BYTES];

	if (!unix_ms)
		return json_null();
	time_format(unix_ms, text);
	return json_sprintf(
	    "%.*s.%03uZ", (int)strcspn(text, "Z"), text, (unsigned)(unix_ms % 1000));
}
