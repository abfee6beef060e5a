/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Values as text: figures, times, configs; null is "-". */
#define _GNU_SOURCE /* timegm */
#include "tests/unit/cmocka_all.h"

#include <string.h>
#include <time.h>

#include "cli/format.h"

static char buf[FORMAT_BYTES];

static void assert_text(
    const char *(*format)(const json_t *, char *), const char *json, const char *wanted)
{
	json_t *value = json_loads(json, JSON_DECODE_ANY, NULL);
	assert_non_null(value);
	assert_string_equal(format(value, buf), wanted);
	json_decref(value);
}

static const char *format_all_or_first(const json_t *array, char *text)
{
	return format_first(array, "all", text);
}

static void figures_are_short(void **state)
{
	(void)state;
	assert_text(format_ms, "0", "0");
	assert_text(format_ms, "4", "0");
	assert_text(format_ms, "40", "0.04");
	assert_text(format_ms, "9994", "9.99");
	assert_text(format_ms, "9996", "10.0");
	assert_text(format_ms, "142345", "142.3");
	assert_text(format_ms, "99960", "100.0");
	assert_text(format_ms, "1234567", "1234.6");
	assert_text(format_ms, "null", "-");
	assert_text(format_percent, "0.000123", "0.01");
	assert_text(format_percent, "0.125", "12.5");
	assert_text(format_percent, "1", "100");
	assert_text(format_percent, "null", "-");
	assert_text(format_rate, "941.2", "941");
	assert_text(format_rate, "0.5", "0.50");
	assert_text(format_integer, "12", "12");
	assert_text(format_integer, "null", "-");
}

static void lists_and_strings(void **state)
{
	(void)state;
	assert_text(format_string, "\"x\"", "x");
	assert_text(format_string, "\"\"", "-");
	assert_text(format_string, "null", "-");
	assert_text(
	    format_string, "\"a\\u001b]0;x\\u0007b\\u009bm \\u00e9\"", "a ]0;x b  m \xc3\xa9");
	assert_text(format_backend, "{\"host\": \"h\\u001bm\", \"port\": 80}", "h m:80");
	assert_text(format_list, "[\"80\",\"81\"]", "80,81");
	assert_text(format_list, "[]", "-");
	assert_text(format_map, "{\"env\": \"prod\", \"tier\": \"\"}", "env=prod, tier=");
	assert_text(format_map, "{}", "-");
	assert_text(format_all_or_first, "[]", "all");
	assert_text(format_all_or_first, "[\"::/0\",\"10.0.0.0/8\"]", "::/0,10.0.0.0/8");
	assert_text(format_all_or_first,
	    "[\"1\",\"2\",\"3\",\"4\",\"5\",\"6\",\"7\",\"8\",\"9\",\"10\"]",
	    "1,2,3,4,5,6,7,8 and 2 more");
	assert_string_equal(format_string(NULL, buf), "-");
	assert_string_equal(format_list(NULL, buf), "-");
}

static void times_are_local(void **state)
{
	json_t *time = json_string("2026-11-21T01:02:03.456Z");
	(void)state;
	setenv("TZ", "CET-1", 1);
	tzset();
	struct tm noon = {.tm_year = 126, .tm_mon = 10, .tm_mday = 21, .tm_hour = 12};
	time_t now = timegm(&noon);
	assert_string_equal(format_time(time, now, buf), "02:02:03");
	assert_string_equal(format_time(time, now + 86400, buf), "2026-11-21 02:02");
	json_decref(time);
	time = json_string("yesterday");
	assert_string_equal(format_time(time, now, buf), "yesterday");
	json_decref(time);
	assert_string_equal(format_time(NULL, now, buf), "-");
}

static void configs(void **state)
{
	(void)state;
	assert_text(format_config, "{\"wanted\":17,\"applied\":17,\"refused\":null}", "17");
	assert_text(format_config, "{\"wanted\":17,\"applied\":16,\"refused\":null}",
	    "16, 17 is on its way");
	assert_text(format_config,
	    "{\"wanted\":17,\"applied\":16,\"refused\":{\"revision\":17,\"reason\":\"port 80 in "
	    "use\"}}",
	    "16, refused 17: port 80 in use");
}

static void backends_and_groups(void **state)
{
	(void)state;
	assert_text(format_backend, "{\"host\":\"h\",\"port\":null}", "h");
	assert_text(format_backend, "{\"host\":\"h\",\"port\":80}", "h:80");
	assert_text(format_backend, "{\"host\":\"::1\",\"port\":80}", "[::1]:80");
	assert_text(format_groups,
	    "[{\"region\":\"fra\",\"backends\":[1,2]},{\"region\":\"iad\",\"backends\":[1]}]",
	    "fra 2, iad 1");
	assert_text(format_applied,
	    "[{\"state\":\"refused\"},{\"state\":\"applied\"},{\"state\":\"applied\"}]",
	    "2 applied, 1 refused");
	assert_text(format_applied, "[]", "-");
}

static void members_as_they_are(void **state)
{
	json_t *object = json_pack("{s:s, s:i}", "name", "web", "revision", 7);
	(void)state;
	assert_string_equal(format_text_of(object, "name"), "web");
	assert_string_equal(format_text_of(object, "revision"), "");
	assert_string_equal(format_text_of(NULL, "name"), "");
	assert_int_equal(format_number_of(object, "revision"), 7);
	assert_int_equal(format_number_of(object, "name"), 0);
	assert_int_equal(format_number_of(object, "none"), 0);
	json_decref(object);
}

/* Whatever control answers, nothing leaves the buffer. */
static void long_values_are_cut(void **state)
{
	json_t *list = json_array();
	char long_text[1000];
	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	long_text[sizeof(long_text) - 1] = '\0';
	for (int i = 0; i < 100; i++)
		json_array_append_new(list, json_string(long_text));
	assert_int_equal(strlen(format_list(list, buf)), FORMAT_BYTES - 1);
	assert_int_equal(strlen(format_string(json_array_get(list, 0), buf)), FORMAT_BYTES - 1);
	json_decref(list);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(figures_are_short),
	    cmocka_unit_test(lists_and_strings),
	    cmocka_unit_test(times_are_local),
	    cmocka_unit_test(configs),
	    cmocka_unit_test(backends_and_groups),
	    cmocka_unit_test(members_as_they_are),
	    cmocka_unit_test(long_values_are_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
