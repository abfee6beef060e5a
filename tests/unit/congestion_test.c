/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Congestion control in words: what is taken, what is refused, and one form of each. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "model/congestion.h"

static void there_and_back(void **state)
{
	static const struct {
		const char *text, *again;
		enum congestion_kind kind;
		uint64_t rate_bps;
	} cases[] = {
	    {"bbr", "bbr", CONGESTION_BBR, 0},
	    {"cubic", "cubic", CONGESTION_CUBIC, 0},
	    {"fixed:200mbit", "fixed:200mbit", CONGESTION_FIXED, 200000000},
	    {"fixed:64kbit", "fixed:64kbit", CONGESTION_FIXED, 64000},
	    {"fixed:1500kbit", "fixed:1500kbit", CONGESTION_FIXED, 1500000},
	    {"fixed:3000mbit", "fixed:3gbit", CONGESTION_FIXED, 3000000000},
	    {"fixed:400gbit", "fixed:400gbit", CONGESTION_FIXED, 400000000000},
	    {"fixed:399999999999kbit", NULL, CONGESTION_FIXED, 0},
	    {"fixed:400000000kbit", "fixed:400gbit", CONGESTION_FIXED, 400000000000},
	    {"fixed:399999999kbit", "fixed:399999999kbit", CONGESTION_FIXED, 399999999000},
	};
	char text[CONGESTION_TEXT_BYTES];

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct congestion got = {0};

		if (!cases[i].again) {
			assert_int_equal(congestion_parse(cases[i].text, &got), ERR_INVALID);
			continue;
		}
		assert_int_equal(congestion_parse(cases[i].text, &got), 0);
		assert_int_equal(got.kind, cases[i].kind);
		assert_int_equal(got.rate_bps, cases[i].rate_bps);
		assert_string_equal(congestion_format(&got, text), cases[i].again);
		assert_null(congestion_check(cases[i].text));
	}
}

static void refused(void **state)
{
	static const char *const texts[] = {"", "BBR", "bbr2", "reno", "fixed",
	    "fixed:", "fixed:0mbit", "fixed:63kbit", "fixed:401gbit", "fixed:200", "fixed:200mbps",
	    "fixed:-1mbit", "fixed:1.5gbit", "fixed:mbit", "fixed: 1mbit",
	    "fixed:99999999999999999999gbit"};
	struct congestion got = {CONGESTION_CUBIC, 7};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (congestion_parse(texts[i], &got) != ERR_INVALID)
			fail_msg("taken: %s", texts[i]);
		assert_non_null(congestion_check(texts[i]));
	}
	assert_int_equal(got.kind, CONGESTION_CUBIC);
	assert_int_equal(got.rate_bps, 7);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(there_and_back),
	    cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
