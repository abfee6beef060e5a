/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Values of the API's objects as text for a person.
 */
#define _GNU_SOURCE /* strptime */
#include "cli/format.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* Appends to buf, and cuts what does not fit. */
static void append(char *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void append(char *buf, const char *format, ...)
{
	size_t used = strlen(buf);
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(buf + used, FORMAT_BYTES - used, format, arguments);
	va_end(arguments);
}

const char *format_text_of(const json_t *object, const char *key)
{
	const char *text = json_string_value(json_object_get(object, key));
	return text ? text : "";
}

json_int_t format_number_of(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static const char *unknown(char *buf)
{
	memcpy(buf, "-", 2);
	return buf;
}

/* Two digits behind the point below 10, then one, then (where they are allowed to go) none. */
static const char *format_figure(double figure, int least_decimals, char *buf)
{
	int decimals = figure >= 99.95 ? least_decimals : figure >= 9.995 ? 1 : 2;
	if (figure < 0.005)
		decimals = 0;
	snprintf(buf, FORMAT_BYTES, "%.*f", decimals, figure);
	return buf;
}

const char *format_ms(const json_t *microseconds, char *buf)
{
	if (!json_is_number(microseconds))
		return unknown(buf);
	return format_figure(json_number_value(microseconds) / 1000.0, 1, buf);
}

const char *format_percent(const json_t *share, char *buf)
{
	if (!json_is_number(share))
		return unknown(buf);
	return format_figure(json_number_value(share) * 100.0, 0, buf);
}

const char *format_rate(const json_t *number, char *buf)
{
	if (!json_is_number(number))
		return unknown(buf);
	return format_figure(json_number_value(number), 0, buf);
}

const char *format_integer(const json_t *number, char *buf)
{
	if (!json_is_integer(number))
		return unknown(buf);
	snprintf(buf, FORMAT_BYTES, "%" JSON_INTEGER_FORMAT, json_integer_value(number));
	return buf;
}

char *format_make_printable(char *text)
{
	for (unsigned char *at = (unsigned char *)text; *at; at++) {
		if (*at < ' ' || *at == 0x7f)
			*at = ' ';
		else if (*at == 0xc2 && at[1] >= 0x80 && at[1] < 0xa0)
			at[0] = at[1] = ' ';
	}
	return text;
}

const char *format_string(const json_t *string, char *buf)
{
	const char *text = json_string_value(string);
	if (!text || !text[0])
		return unknown(buf);
	snprintf(buf, FORMAT_BYTES, "%s", text);
	return format_make_printable(buf);
}

const char *format_list(const json_t *array, char *buf)
{
	size_t i;
	json_t *item;
	if (json_array_size(array) == 0)
		return unknown(buf);
	buf[0] = '\0';
	json_array_foreach(array, i, item) append(
	    buf, "%s%s", i > 0 ? "," : "", json_is_string(item) ? json_string_value(item) : "?");
	return buf;
}

const char *format_map(const json_t *object, char *buf)
{
	const char *key;
	json_t *value;
	if (json_object_size(object) == 0)
		return unknown(buf);
	buf[0] = '\0';
	json_object_foreach((json_t *)object, key, value)
	{
		const char *text = json_string_value(value);
		append(buf, "%s%s=%s", buf[0] ? ", " : "", key, text ? text : "?");
	}
	return format_make_printable(buf);
}

const char *format_first(const json_t *array, const char *none, char *buf)
{
	enum { SHOWN = 8 };
	size_t count = json_array_size(array);
	buf[0] = '\0';
	for (size_t i = 0; i < count && i < SHOWN; i++) {
		const char *text = json_string_value(json_array_get(array, i));
		append(buf, "%s%s", i > 0 ? "," : "", text ? text : "?");
	}
	if (count == 0)
		append(buf, "%s", none);
	else if (count > SHOWN)
		append(buf, " and %zu more", count - SHOWN);
	return buf;
}

const char *format_time(const json_t *time, time_t now, char *buf)
{
	struct tm utc = {0}, then, today;
	const char *text = json_string_value(time);
	if (!text)
		return unknown(buf);
	const char *end = strptime(text, "%Y-%m-%dT%H:%M:%S", &utc);
	time_t seconds = end ? timegm(&utc) : 0;
	if (!end || !localtime_r(&seconds, &then) || !localtime_r(&now, &today))
		return format_string(time, buf);
	bool is_today = then.tm_year == today.tm_year && then.tm_yday == today.tm_yday;
	strftime(buf, FORMAT_BYTES, is_today ? "%H:%M:%S" : "%Y-%m-%d %H:%M", &then);
	return buf;
}

const char *format_config(const json_t *config, char *buf)
{
	const json_t *applied = json_object_get(config, "applied");
	const json_t *refused = json_object_get(config, "refused");
	json_int_t wanted = json_integer_value(json_object_get(config, "wanted"));
	format_integer(applied, buf);
	if (json_is_object(refused))
		append(buf, ", refused %" JSON_INTEGER_FORMAT ": %s",
		    json_integer_value(json_object_get(refused, "revision")),
		    json_string_value(json_object_get(refused, "reason")));
	else if (json_integer_value(applied) != wanted)
		append(buf, ", %" JSON_INTEGER_FORMAT " is on its way", wanted);
	return buf;
}

const char *format_flows(const json_t *flows, char *buf)
{
	const json_t *tcp = json_object_get(flows, "tcp"), *udp = json_object_get(flows, "udp");
	if (!json_is_integer(tcp) || !json_is_integer(udp))
		return unknown(buf);
	snprintf(buf, FORMAT_BYTES,
	    "%" JSON_INTEGER_FORMAT " tcp, %" JSON_INTEGER_FORMAT " udp flows",
	    json_integer_value(tcp), json_integer_value(udp));
	return buf;
}

const char *format_backend(const json_t *backend, char *buf)
{
	const char *host = json_string_value(json_object_get(backend, "host"));
	const json_t *port = json_object_get(backend, "port");
	if (!host)
		return unknown(buf);
	if (!json_is_integer(port)) {
		snprintf(buf, FORMAT_BYTES, "%s", host);
		return format_make_printable(buf);
	}
	const bool is_ipv6 = strchr(host, ':') != NULL;
	snprintf(buf, FORMAT_BYTES, "%s%s%s:%" JSON_INTEGER_FORMAT, is_ipv6 ? "[" : "", host,
	    is_ipv6 ? "]" : "", json_integer_value(port));
	return format_make_printable(buf);
}

const char *format_groups(const json_t *groups, char *buf)
{
	size_t i;
	json_t *group;
	buf[0] = '\0';
	json_array_foreach(groups, i, group)
	{
		const char *region = json_string_value(json_object_get(group, "region"));
		append(buf, "%s%s %zu", i > 0 ? ", " : "", region ? region : "?",
		    json_array_size(json_object_get(group, "backends")));
	}
	return buf[0] ? buf : unknown(buf);
}

const char *format_applied(const json_t *nodes, char *buf)
{
	static const char *const states[] = {"applied", "pending", "refused", "down"};
	buf[0] = '\0';
	for (size_t s = 0; s < sizeof(states) / sizeof(states[0]); s++) {
		size_t i, count = 0;
		json_t *node;
		json_array_foreach(nodes, i, node)
		{
			const char *state = json_string_value(json_object_get(node, "state"));
			if (state && strcmp(state, states[s]) == 0)
				count++;
		}
		if (count > 0)
			append(buf, "%s%zu %s", buf[0] ? ", " : "", count, states[s]);
	}
	return buf[0] ? buf : unknown(buf);
}
