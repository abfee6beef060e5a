/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Suggestions: slips are recognised, other words are not.
 */
#include "base/suggest.h"

#include <string.h>

#include "tests/unit/cmocka_all.h"

static const char *nearest(const char *word)
{
	static const char *const candidates[] = {
	    "protocol", "ports", "region", "regions", "backend", "tcp", "udp"};
	struct suggestion suggestion;

	suggestion_begin(&suggestion, word, strlen(word));
	for (size_t i = 0; i < sizeof(candidates) / sizeof(candidates[0]); i++)
		suggestion_offer(&suggestion, candidates[i]);
	return suggestion.best ? suggestion.best : "";
}

static void slips_are_recognised(void **state)
{
	(void)state;
	assert_string_equal(nearest("protocl"), "protocol");
	assert_string_equal(nearest("portocol"), "protocol");
	assert_string_equal(nearest("prots"), "ports");
	assert_string_equal(nearest("regin"), "region");
	assert_string_equal(nearest("regionss"), "regions");
	assert_string_equal(nearest("tpc"), "tcp");
	assert_string_equal(nearest("Backend"), "backend");
}

static void other_words_are_not(void **state)
{
	char longer[200];

	(void)state;
	assert_string_equal(nearest(""), "");
	assert_string_equal(nearest("x"), "");
	assert_string_equal(nearest("weight"), "");
	assert_string_equal(nearest("abc"), "");
	memset(longer, 'p', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	assert_string_equal(nearest(longer), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(slips_are_recognised),
	    cmocka_unit_test(other_words_are_not),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
