/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of the API's objects as text for a person: times, round trips, shares, configs.
 * What control does not know (null) is "-".
 */
#ifndef CLI_FORMAT_H
#define CLI_FORMAT_H

#include <jansson.h>
#include <stddef.h>
#include <time.h>

enum { FORMAT_BYTES = 512 };

/* An object's member as it is, the text as long as the object; "" and 0 where there is none, or one of another type. */
const char *format_text_of(const json_t *object, const char *key);
json_int_t format_number_of(const json_t *object, const char *key);

/* Each fills `buf` (FORMAT_BYTES) and returns it. */

/* Microseconds as milliseconds: "0.12", "14.2", "187.3". */
const char *format_ms(const json_t *microseconds, char *buf);

/* A share 0 to 1 as percent: "0", "0.02", "12.5". */
const char *format_percent(const json_t *share, char *buf);

/* A rate or number: "0", "0.3", "12.5", "940". */
const char *format_rate(const json_t *number, char *buf);

const char *format_integer(const json_t *number, char *buf);

/*
 * Text from elsewhere on a terminal: control characters, also those of C1 in UTF-8, would speak to
 * the terminal itself and become spaces.  Returns text.
 */
char *format_make_printable(char *text);

/* The string, printable; "-" for null or an empty one. */
const char *format_string(const json_t *string, char *buf);

/* The strings of an array with commas between. */
const char *format_list(const json_t *array, char *buf);

/* The strings of an object, as "env=prod, tier=web", printable; "-" for an empty one. */
const char *format_map(const json_t *object, char *buf);

/* The first strings of a long array and how many more there are; `none` where it is empty. */
const char *format_first(const json_t *array, const char *none, char *buf);

/*
 * An RFC 3339 time in UTC as local time: the time of day when it is of the same day as `now`, else
 * with the date.  What is no such time stays as it is.
 */
const char *format_time(const json_t *time, time_t now, char *buf);

/* A node's config: "17", "16, 17 is on its way" or "16, refused 17: REASON". */
const char *format_config(const json_t *config, char *buf);

/* "3 tcp, 5 udp flows" of a node. */
const char *format_flows(const json_t *flows, char *buf);

/* A backend's host and port, printable: "192.0.2.1", "[2001:db8::1]:80". */
const char *format_backend(const json_t *backend, char *buf);

/* How many backends an accelerator has in each region: "frankfurt 2, ashburn 1". */
const char *format_groups(const json_t *groups, char *buf);

/* What the nodes made of an accelerator: "3 applied", "2 applied, 1 refused". */
const char *format_applied(const json_t *nodes, char *buf);

#endif
