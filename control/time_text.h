/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Times as the API writes them: RFC 3339 in UTC. */
#ifndef CONTROL_TIME_TEXT_H
#define CONTROL_TIME_TEXT_H

#include <jansson.h>
#include <stdint.h>

enum { TIME_TEXT_BYTES = 32 };

/* UNIX time in milliseconds, written to the second; returns text. */
const char *time_format(uint64_t unix_ms, char text[TIME_TEXT_BYTES]);

/* A new string, or null for 0. */
json_t *time_to_json(uint64_t unix_ms);

/* As time_to_json(), but to the millisecond. */
json_t *time_to_json_exact(uint64_t unix_ms);

#endif
