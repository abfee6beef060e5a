/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of base/exposition.c: the bytes, what is escaped, and what is left out. */
#include "config.h"

#include "base/exposition.h"

#include "tests/unit/cmocka_all.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct exposition exposition;

static int set_up(void **state)
{
	(void)state;
	exposition = (struct exposition){0};
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	free(exposition.text);
	return 0;
}

static void test_a_family_has_its_help_type_and_samples(void **state)
{
	(void)state;
	exposition_family(&exposition, EXPOSITION_COUNTER, "sent_bytes", "Bytes sent");
	exposition_count(&exposition, EXPOSITION_LABELS({"node", "a"}, {"role", "b"}), UINT64_MAX);
	exposition_family(&exposition, EXPOSITION_GAUGE, "up", "1 while it is up");
	exposition_count(&exposition, EXPOSITION_NO_LABELS, 1);
	assert_string_equal(exposition.text,
	    "# HELP sent_bytes_total Bytes sent\n# TYPE sent_bytes_total counter\n"
	    "sent_bytes_total{node=\"a\",role=\"b\"} 18446744073709551615\n"
	    "# HELP up 1 while it is up\n# TYPE up gauge\nup 1\n");
	assert_int_equal(exposition.length, strlen(exposition.text));
	assert_false(exposition.has_failed);
}

static void test_texts_are_escaped(void **state)
{
	(void)state;
	exposition_family(&exposition, EXPOSITION_GAUGE, "x", "a \\ \"b\"\nc");
	exposition_count(&exposition, EXPOSITION_LABELS({"v", "\"a\\\n\""}), 2);
	assert_string_equal(exposition.text,
	    "# HELP x a \\\\ \"b\"\\nc\n# TYPE x gauge\nx{v=\"\\\"a\\\\\\n\\\"\"} 2\n");
}

static void test_what_is_no_utf8_is_mended(void **state)
{
	(void)state;
	exposition_family(&exposition, EXPOSITION_GAUGE, "x", "h");
	exposition_count(&exposition, EXPOSITION_LABELS({"v", "\xc3\xa9\xff!"}), 2);
	assert_non_null(strstr(exposition.text, "x{v=\"\xc3\xa9?!\"} 2\n"));
}

static void test_long_values_are_cut(void **state)
{
	char value[2 * EXPOSITION_LABEL_BYTES_MAX];

	(void)state;
	memset(value, 'y', sizeof(value) - 1);
	value[sizeof(value) - 1] = '\0';
	exposition_family(&exposition, EXPOSITION_GAUGE, "x", "h");
	exposition_count(&exposition, EXPOSITION_LABELS({"v", value}), 2);
	value[EXPOSITION_LABEL_BYTES_MAX] = '\0';
	assert_non_null(strstr(exposition.text, value));
	assert_null(strstr(exposition.text, strcat(value, "y")));
}

static void test_numbers(void **state)
{
	(void)state;
	exposition_family(&exposition, EXPOSITION_GAUGE, "x", "h");
	exposition_number(&exposition, EXPOSITION_NO_LABELS, 1763740000.125);
	exposition_number(&exposition, EXPOSITION_NO_LABELS, 1e-6);
	exposition_number(&exposition, EXPOSITION_NO_LABELS, NAN);
	exposition_number(&exposition, EXPOSITION_NO_LABELS, -INFINITY);
	assert_non_null(
	    strstr(exposition.text, "gauge\nx 1763740000.125\nx 1e-06\nx NaN\nx -Inf\n"));
}

static void test_a_histogram_is_cumulative(void **state)
{
	static const double bounds[] = {0.1, 0.25};
	static const uint64_t counts[] = {2, 3, 5};

	(void)state;
	exposition_family(&exposition, EXPOSITION_HISTOGRAM, "rtt_seconds", "h");
	exposition_histogram(
	    &exposition, EXPOSITION_LABELS({"peer", "a"}), bounds, counts, 2, 12.5);
	assert_non_null(strstr(exposition.text, "# TYPE rtt_seconds histogram\n"
	                                        "rtt_seconds_bucket{peer=\"a\",le=\"0.1\"} 2\n"
	                                        "rtt_seconds_bucket{peer=\"a\",le=\"0.25\"} 5\n"
	                                        "rtt_seconds_bucket{peer=\"a\",le=\"+Inf\"} 10\n"
	                                        "rtt_seconds_count{peer=\"a\"} 10\n"
	                                        "rtt_seconds_sum{peer=\"a\"} 12.5\n"));
	exposition_histogram(&exposition, EXPOSITION_NO_LABELS, bounds, counts, 2, 1);
	assert_non_null(strstr(exposition.text, "rtt_seconds_bucket{le=\"0.1\"} 2\n"));
}

/* One family that is too long does not shorten the next. */
static void test_a_family_is_cut_and_that_is_counted(void **state)
{
	static const uint64_t counts[] = {1};

	(void)state;
	exposition_family(&exposition, EXPOSITION_GAUGE, "long", "h");
	for (unsigned i = 0; i < EXPOSITION_SERIES_MAX + 5; i++)
		exposition_count(&exposition, EXPOSITION_NO_LABELS, i);
	exposition_histogram(&exposition, EXPOSITION_NO_LABELS, NULL, counts, 0, 1);
	assert_non_null(strstr(exposition.text, "\nlong 9999\n"));
	assert_null(strstr(exposition.text, "\nlong 10000\n"));
	assert_null(strstr(exposition.text, "long_sum"));
	exposition_family(&exposition, EXPOSITION_GAUGE, "next", "h");
	exposition_count(&exposition, EXPOSITION_NO_LABELS, 1);
	exposition_end(&exposition);
	assert_non_null(strstr(exposition.text, "\nnext 1\n"));
	assert_non_null(strstr(exposition.text, "\ntrunkline_metrics_series_left_out 6\n"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test_setup_teardown(
	        test_a_family_has_its_help_type_and_samples, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_texts_are_escaped, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_what_is_no_utf8_is_mended, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_long_values_are_cut, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_numbers, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(test_a_histogram_is_cumulative, set_up, tear_down),
	    cmocka_unit_test_setup_teardown(
	        test_a_family_is_cut_and_that_is_counted, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
