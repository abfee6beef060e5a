/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The command line's form of a health check; see health_check.h. */
#include "config.h"

#include "model/health_check.h"

#include "base/err.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SPEC_BYTES = 2048, MS_PER_S = 1000, MS_PER_MIN = 60000 };

enum value_type { VALUE_TEXT, VALUE_TIME, VALUE_NUMBER, VALUE_PORT };

static const struct key {
	const char *name;
	enum value_type type;
	size_t offset, size;
	const char *field; /* in errors */
} keys[] = {
#define KEY(name, type, member, field)                                                             \
	{                                                                                          \
		name, type, offsetof(struct health_check, member),                                 \
		    sizeof(((struct health_check *)0)->member), field                              \
	}
    KEY("status", VALUE_TEXT, status, "status"),
    KEY("body", VALUE_TEXT, body, "body"),
    KEY("host", VALUE_TEXT, host, "host"),
    KEY("verify", VALUE_TEXT, verify, "verify"),
    KEY("send", VALUE_TEXT, send, "send"),
    KEY("expect", VALUE_TEXT, expect, "expect"),
    KEY("interval", VALUE_TIME, interval_ms, "interval_ms"),
    KEY("timeout", VALUE_TIME, timeout_ms, "timeout_ms"),
    KEY("rise", VALUE_NUMBER, rise, "rise"),
    KEY("fall", VALUE_NUMBER, fall, "fall"),
    KEY("port", VALUE_PORT, port, "port"),
#undef KEY
};
enum { KEY_COUNT = sizeof(keys) / sizeof(keys[0]) };

/* ---- reading ---- */

static bool take_number(const char *text, const char **end, uint32_t *number)
{
	char *stop;
	unsigned long value = strtoul(text, &stop, 10);

	if (stop == text || *text < '0' || *text > '9' || value > UINT32_MAX / MS_PER_MIN)
		return false;
	*number = (uint32_t)value;
	*end = stop;
	return true;
}

/* "500ms", "2s", "1m", "2": in milliseconds. */
static bool take_time(const char *text, uint32_t *ms)
{
	const char *unit;

	if (!take_number(text, &unit, ms))
		return false;
	if (strcmp(unit, "ms") == 0)
		return true;
	if (*unit && strcmp(unit, "s") && strcmp(unit, "m"))
		return false;
	*ms *= *unit == 'm' ? MS_PER_MIN : MS_PER_S;
	return true;
}

static bool store_number(const struct key *key, void *place, uint32_t number)
{
	if (key->type == VALUE_PORT) {
		*(uint16_t *)place = (uint16_t)number;
		return number >= 1 && number <= 65535;
	}
	*(uint32_t *)place = number;
	return true;
}

static int take_value(
    const struct key *key, const char *value, struct health_check *check, struct model_error *error)
{
	void *place = (char *)check + key->offset;
	uint32_t number = 0;
	const char *end = "";
	bool is_good;

	if (key->type == VALUE_TEXT) {
		snprintf(place, key->size, "%s", value);
		is_good = *value && strlen(value) < key->size;
	} else if (key->type == VALUE_TIME) {
		is_good = take_time(value, &number) && store_number(key, place, number);
	} else {
		is_good =
		    take_number(value, &end, &number) && !*end && store_number(key, place, number);
	}
	if (is_good)
		return 0;
	return model_error_set(error, key->field,
	    key->type == VALUE_TIME ? "write a time as 500ms or 2s" : "", "\"%s\" is no %s", value,
	    key->name);
}

static int take_key(char *text, struct health_check *check, struct model_error *error)
{
	char *value = strchr(text, '=');

	if (value)
		*value++ = '\0';
	for (size_t i = 0; value && i < KEY_COUNT; i++)
		if (strcmp(keys[i].name, text) == 0)
			return take_value(&keys[i], value, check, error);
	return model_error_set(error, "",
	    "the keys are status, body, host, verify, send, expect, interval, timeout, rise, fall "
	    "and port",
	    "\"%s\" is not KEY=VALUE of a health check", text);
}

static int take_kind(const char *text, struct health_check *check, struct model_error *error)
{
	for (int i = 0; health_kind_names[i]; i++) {
		if (strcmp(health_kind_names[i], text) == 0) {
			check->kind = (enum health_kind)i;
			return 0;
		}
	}
	return model_error_set(error, "kind",
	    "the kinds are auto, none, tcp, http:/PATH, https:/PATH, udp:send=DATA, dns:NAME, "
	    "sip-options, a2s, quake3, quic and icmp",
	    "\"%s\" is no kind of health check", text);
}

/* What follows the kind's colon: a path, a name, or (of udp) the first KEY=VALUE. */
static int take_main(char *text, struct health_check *check, struct model_error *error)
{
	char *place = check->kind == HEALTH_DNS ? check->name : check->path;

	if (check->kind == HEALTH_UDP)
		return take_key(text, check, error);
	if (check->kind != HEALTH_HTTP && check->kind != HEALTH_HTTPS && check->kind != HEALTH_DNS)
		return model_error_set(error, "kind", "leave it out",
		    "nothing goes behind the colon of %s", health_kind_names[check->kind]);
	if (strlen(text) >= HEALTH_TEXT_BYTES)
		return model_error_set(error, "kind", "", "\"%.20s...\" is too long", text);
	strcpy(place, text);
	return 0;
}

/* The table's own checks, with its words. */
static int check_by_schema(struct health_check *check, struct model_error *error)
{
	json_t *json = schema_to_json(&health_check_schema, check, 0);
	struct schema_errors errors;
	int result =
	    schema_from_json(&health_check_schema, json, 0, check, &errors) < 0 ? ERR_INVALID : 0;

	json_decref(json);
	if (result == 0)
		return health_check_validate(check, error);
	return model_error_set(error, errors.count ? errors.list[0].path : "", "", "%s %s",
	    errors.count ? errors.list[0].path : "the health check",
	    errors.count ? errors.list[0].text : "is wrong");
}

int health_check_parse(const char *text, struct health_check *check, struct model_error *error)
{
	char spec[SPEC_BYTES], *rest = spec, *main_part;
	int result;

	health_check_default(check);
	if (strlen(text) >= sizeof(spec))
		return model_error_set(error, "", "", "the health check is too long");
	strcpy(spec, text);
	char *kind = strsep(&rest, ",");
	main_part = strchr(kind, ':');
	if (main_part)
		*main_part++ = '\0';
	result = take_kind(kind, check, error);
	if (result == 0 && main_part)
		result = take_main(main_part, check, error);
	while (result == 0 && rest)
		result = take_key(strsep(&rest, ","), check, error);
	return result == 0 ? check_by_schema(check, error) : result;
}

/* ---- writing ---- */

static void __attribute__((format(printf, 3, 4)))
add(char *buf, size_t size, const char *format, ...)
{
	size_t used = strlen(buf);
	va_list args;

	va_start(args, format);
	vsnprintf(buf + used, size - used, format, args);
	va_end(args);
}

static void add_time(char *buf, size_t size, const char *key, uint32_t ms)
{
	if (ms % MS_PER_S)
		add(buf, size, ",%s=%ums", key, ms);
	else
		add(buf, size, ",%s=%us", key, ms / MS_PER_S);
}

const char *health_check_text(const struct health_check *check, char *buf, size_t size)
{
	char separator = check->kind == HEALTH_UDP ? ':' : ',';

	snprintf(buf, size, "%s", health_kind_names[check->kind]);
	if (check->path[0] || check->name[0])
		add(buf, size, ":%s%s", check->path, check->name);
	for (size_t i = 0; i < KEY_COUNT; i++) {
		const char *value = (const char *)check + keys[i].offset;

		if (keys[i].type != VALUE_TEXT || !*value)
			continue;
		add(buf, size, "%c%s=%s", separator, keys[i].name, value);
		separator = ',';
	}
	if (check->kind == HEALTH_NONE || check->kind == HEALTH_AUTO)
		return buf;
	add_time(buf, size, "interval", check->interval_ms);
	add_time(buf, size, "timeout", check->timeout_ms);
	add(buf, size, ",rise=%u,fall=%u", check->rise, check->fall);
	if (check->port)
		add(buf, size, ",port=%u", check->port);
	return buf;
}
