/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The values of command-line options.  Every error names the option, the bad part and the grammar.
 */
#include "cli/value.h"

#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/err.h"
#include "base/suggest.h"
#include "model/accelerator.h"
#include "model/congestion.h"
#include "model/name.h"

static bool fail(char *error, const char *format, ...) __attribute__((format(printf, 2, 3)));

static bool fail(char *error, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(error, VALUE_ERROR_BYTES, format, arguments);
	va_end(arguments);
	return false;
}

bool value_name(const char *what, const char *text, char *error)
{
	if (name_is_valid(text))
		return true;
	return fail(error, "%s \"%.100s\": wants " NAME_RULE, what, text);
}

/* A decimal number with no sign or space; *end is what follows it. */
static bool parse_digits(const char *text, long *number, const char **end)
{
	char *after;
	if (!isdigit((unsigned char)text[0]))
		return false;
	errno = 0;
	*number = strtol(text, &after, 10);
	*end = after;
	return errno == 0;
}

bool value_number(const char *what, const char *text, long min, long max, long *number, char *error)
{
	const char *end;
	if (parse_digits(text, number, &end) && *end == '\0' && *number >= min && *number <= max)
		return true;
	return fail(
	    error, "%s \"%.100s\": wants a whole number from %ld to %ld", what, text, min, max);
}

static long unit_seconds(const char *unit)
{
	static const struct {
		const char *unit;
		long seconds;
	} units[] = {{"", 1}, {"s", 1}, {"m", 60}, {"h", 3600}, {"d", 86400}};
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].unit, unit) == 0)
			return units[i].seconds;
	return 0;
}

bool value_duration(
    const char *what, const char *text, long min_s, long max_s, long *seconds, char *error)
{
	const char *end;
	long number, unit = 0;
	if (parse_digits(text, &number, &end))
		unit = unit_seconds(end);
	if (unit == 0)
		return fail(error,
		    "%s \"%.100s\": wants seconds, or a number with s, m, h or d, as in 90s or 1h",
		    what, text);
	if (number > max_s / unit || number * unit < min_s)
		return fail(
		    error, "%s \"%.100s\": wants %ld to %ld seconds", what, text, min_s, max_s);
	*seconds = number * unit;
	return true;
}

bool value_word(const char *what, const char *text, const char *const *words, char *error)
{
	char list[128] = "";
	size_t used = 0;
	struct suggestion suggestion;
	suggestion_begin(&suggestion, text, strlen(text));
	for (size_t i = 0; words[i]; i++) {
		if (strcmp(words[i], text) == 0)
			return true;
		suggestion_offer(&suggestion, words[i]);
		if (used < sizeof(list))
			used += (size_t)snprintf(
			    list + used, sizeof(list) - used, "%s%s", i > 0 ? ", " : "", words[i]);
	}
	if (suggestion.best)
		return fail(
		    error, "%s \"%.100s\": did you mean \"%s\"?", what, text, suggestion.best);
	return fail(error, "%s \"%.100s\": wants one of %s", what, text, list);
}

bool value_on_off(const char *what, const char *text, bool *is_on, char *error)
{
	*is_on = strcmp(text, "on") == 0;
	if (*is_on || strcmp(text, "off") == 0)
		return true;
	return fail(error, "%s \"%.100s\": wants on or off", what, text);
}

bool value_congestion(const char *what, const char *text, char *error)
{
	struct congestion congestion;
	if (congestion_parse(text, &congestion) == 0)
		return true;
	return fail(error, "%s \"%.100s\": wants " CONGESTION_RULE, what, text);
}

bool value_ports(const char *what, const char *text, json_t **ports, char *error)
{
	struct port_range ranges[ACCELERATOR_RANGES_MAX];
	size_t count;
	int rc = port_ranges_parse(text, ranges, ACCELERATOR_RANGES_MAX, &count);
	if (rc == ERR_EXISTS)
		return fail(error, "%s \"%.100s\": a port is named twice", what, text);
	if (rc == ERR_LIMIT)
		return fail(error, "%s: more than %d ranges", what, ACCELERATOR_RANGES_MAX);
	if (rc < 0 || count == 0)
		return fail(error,
		    "%s \"%.100s\": wants ports from 1 to 65535 and ranges, as in 443 or "
		    "80,8000-8010",
		    what, text);
	*ports = json_array();
	for (size_t i = 0; i < count; i++) {
		char buf[32];
		if (port_ranges_format(&ranges[i], 1, buf, sizeof(buf)) == 0)
			json_array_append_new(*ports, json_string(buf));
	}
	return true;
}

static bool array_has(const json_t *array, const char *text)
{
	size_t i;
	json_t *item;
	json_array_foreach(
	    array, i, item) if (strcmp(json_string_value(item), text) == 0) return true;
	return false;
}

/* Appends the region of `length` bytes at `text` to the array. */
static bool add_region(
    const char *what, const char *text, size_t length, json_t *regions, char *error)
{
	char name[NAME_BYTES + 1];
	snprintf(
	    name, sizeof(name), "%.*s", (int)(length < sizeof(name) ? length : sizeof(name)), text);
	if (!value_name(what, name, error))
		return false;
	if (array_has(regions, name))
		return fail(error, "%s: region \"%s\" is named twice", what, name);
	json_array_append_new(regions, json_string(name));
	return true;
}

typedef bool (*item_adder)(
    const char *what, const char *text, size_t length, json_t *list, char *error);

/* Adds the items of a text with commas between to an array or object. */
static bool each_item(const char *what, const char *text, item_adder add, json_t *list, char *error)
{
	for (;;) {
		size_t length = strcspn(text, ",");
		if (!add(what, text, length, list, error))
			return false;
		if (text[length] == '\0')
			return true;
		text += length + 1;
	}
}

/* The same to a new array. */
static bool split_list(
    const char *what, const char *text, item_adder add, json_t **list, char *error)
{
	json_t *array = json_array();
	bool is_good = each_item(what, text, add, array, error);
	*list = array;
	if (!is_good)
		json_decref(array);
	return is_good;
}

bool value_regions(const char *what, const char *text, json_t **regions, char *error)
{
	return split_list(what, text, add_region, regions, error);
}

/* Appends the block of `length` bytes at `text` to the array. */
static bool add_cidr(const char *what, const char *text, size_t length, json_t *cidrs, char *error)
{
	char block[CIDR_TEXT_BYTES], reason[CIDR_FIX_BYTES];
	struct cidr cidr;
	snprintf(block, sizeof(block), "%.*s",
	    (int)(length < sizeof(block) ? length : sizeof(block)), text);
	if (cidr_parse(block, &cidr, reason) < 0)
		return fail(error, "%s \"%s\": %s", what, block, reason);
	cidr_format(&cidr, block);
	if (array_has(cidrs, block))
		return fail(error, "%s: %s is named twice", what, block);
	json_array_append_new(cidrs, json_string(block));
	return true;
}

bool value_cidrs(const char *what, const char *text, json_t **cidrs, char *error)
{
	return split_list(what, text, add_cidr, cidrs, error);
}

static bool add_label(
    const char *what, const char *text, size_t length, json_t *labels, char *error)
{
	char pair[LABEL_KEY_BYTES + LABEL_VALUE_BYTES];
	snprintf(
	    pair, sizeof(pair), "%.*s", (int)(length < sizeof(pair) ? length : sizeof(pair)), text);
	char *equals = strchr(pair, '=');
	if (length >= sizeof(pair) || !equals)
		return fail(error, "%s \"%s\": wants KEY=VALUE, as in env=prod", what, pair);
	*equals = '\0';
	const char *wrong = label_check_key(pair);
	if (wrong)
		return fail(error, "%s: the key \"%s\" %s", what, pair, wrong);
	wrong = label_check_value(equals + 1);
	if (wrong)
		return fail(error, "%s: the value \"%s\" %s", what, equals + 1, wrong);
	if (json_object_get(labels, pair))
		return fail(error, "%s: the key \"%s\" is named twice", what, pair);
	json_object_set_new(labels, pair, json_string(equals + 1));
	return true;
}

bool value_labels(const char *what, const char *text, json_t *labels, char *error)
{
	return each_item(what, text, add_label, labels, error);
}

static bool add_label_key(
    const char *what, const char *text, size_t length, json_t *keys, char *error)
{
	char key[LABEL_KEY_BYTES + 1];
	snprintf(
	    key, sizeof(key), "%.*s", (int)(length < sizeof(key) ? length : sizeof(key)), text);
	const char *wrong = label_check_key(key);
	if (wrong)
		return fail(error, "%s: the key \"%s\" %s", what, key, wrong);
	if (array_has(keys, key))
		return fail(error, "%s: the key \"%s\" is named twice", what, key);
	json_array_append_new(keys, json_string(key));
	return true;
}

bool value_label_keys(const char *what, const char *text, json_t **keys, char *error)
{
	return split_list(what, text, add_label_key, keys, error);
}

bool value_dial(const char *what, const char *text, struct dial_value *dial, char *error)
{
	const char *equals = strchr(text, '=');
	size_t length = equals ? (size_t)(equals - text) : 0;
	char percent_of[128];
	long percent;
	if (length == 0 || length >= sizeof(dial->region))
		return fail(error, "%s \"%.100s\": wants REGION=PCT", what, text);
	memcpy(dial->region, text, length);
	dial->region[length] = '\0';
	if (!value_name(what, dial->region, error))
		return false;
	snprintf(percent_of, sizeof(percent_of), "%s \"%.80s\": PCT", what, text);
	if (!value_number(percent_of, equals + 1, 0, 100, &percent, error))
		return false;
	dial->percent = (int)percent;
	return true;
}

/* Splits REGION=HOST[:PORT][,TAIL]; *tail is NULL where there is no comma. */
static bool split_backend(const char *what, const char *text, const char *grammar,
    struct backend_value *backend, const char **tail, char *error)
{
	const char *equals = strchr(text, '=');
	const char *comma = strchr(text, ',');
	*tail = NULL;
	memset(backend, 0, sizeof(*backend));
	backend->weight = WEIGHT_UNSAID;
	if (!equals || (comma && comma < equals))
		return fail(error, "%s \"%.100s\": wants a region before \"=\", as in %s", what,
		    text, grammar);
	size_t region_length = (size_t)(equals - text);
	char region[NAME_BYTES + 1];
	snprintf(region, sizeof(region), "%.*s",
	    (int)(region_length < sizeof(region) ? region_length : sizeof(region)), text);
	if (!name_is_valid(region))
		return fail(error, "%s \"%.100s\": \"%.64s\" is not a region, as in %s", what, text,
		    region, grammar);
	memcpy(backend->region, region, strlen(region) + 1);
	size_t host_length = strcspn(equals + 1, ",");
	char host[ADDR_HOST_BYTES + 16];
	if (host_length >= sizeof(host))
		return fail(error, "%s: the host of region \"%s\" is too long", what, region);
	memcpy(host, equals + 1, host_length);
	host[host_length] = '\0';
	if (host_port_split(host, backend->host, sizeof(backend->host), &backend->port) < 0)
		return fail(error, "%s \"%.100s\": \"%.100s\" is not HOST[:PORT], as in %s", what,
		    text, host, grammar);
	*tail = comma ? comma + 1 : NULL;
	return true;
}

bool value_backend(const char *what, const char *text, struct backend_value *backend, char *error)
{
	static const char grammar[] = "REGION=HOST[:PORT][,weight=N]";
	const char *tail;
	long weight;
	if (!split_backend(what, text, grammar, backend, &tail, error))
		return false;
	if (!tail)
		return true;
	if (strncmp(tail, "weight=", 7) != 0)
		return fail(
		    error, "%s \"%.100s\": unknown \"%.60s\", as in %s", what, text, tail, grammar);
	char weight_of[128];
	snprintf(weight_of, sizeof(weight_of), "%s \"%.80s\": weight", what, text);
	if (!value_number(weight_of, tail + 7, 0, BACKEND_WEIGHT_MAX, &weight, error))
		return false;
	backend->weight = (int)weight;
	return true;
}

bool value_backend_name(
    const char *what, const char *text, struct backend_value *backend, char *error)
{
	static const char grammar[] = "REGION=HOST[:PORT]";
	const char *tail;
	if (!split_backend(what, text, grammar, backend, &tail, error))
		return false;
	if (tail)
		return fail(error, "%s \"%.100s\": wants only %s", what, text, grammar);
	return true;
}

bool value_backend_weight(
    const char *what, const char *text, struct backend_value *backend, char *error)
{
	static const char grammar[] = "REGION=HOST[:PORT],N";
	const char *tail;
	long weight;
	if (!split_backend(what, text, grammar, backend, &tail, error))
		return false;
	if (!tail)
		return fail(error, "%s \"%.100s\": wants a weight from 0 to %d, as in %s", what,
		    text, BACKEND_WEIGHT_MAX, grammar);
	char weight_of[128];
	snprintf(weight_of, sizeof(weight_of), "%s \"%.80s\": weight", what, text);
	if (!value_number(weight_of, tail, 0, BACKEND_WEIGHT_MAX, &weight, error))
		return false;
	backend->weight = (int)weight;
	return true;
}
