/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of base/utf8.c; jansson is the judge of what is whole. */
#include "config.h"

#include "base/utf8.h"

#include "tests/unit/cmocka_all.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

static void expect(const char *text, const char *mended)
{
	char copy[64];

	snprintf(copy, sizeof(copy), "%s", text);
	assert_string_equal(utf8_mend(copy), mended);
}

static void whole_ones_stay(void **state)
{
	(void)state;
	expect("", "");
	expect("caf\xc3\xa9", "caf\xc3\xa9");
	expect("\xe2\x82\xac \xf0\x9f\x8c\x8d \xf4\x8f\xbf\xbf",
	    "\xe2\x82\xac \xf0\x9f\x8c\x8d \xf4\x8f\xbf\xbf");
}

static void a_cut_one_goes(void **state)
{
	(void)state;
	expect("a\xc3", "a");
	expect("a\xe2\x82", "a");
	expect("a\xf0\x9f\x8c", "a");
	expect("\xf0", "");
}

static void what_is_none_becomes_a_mark(void **state)
{
	(void)state;
	expect("\xff", "?");
	expect("a\xc3z", "a?z");
	expect("\x80\xbfz", "??z");
	expect("\xc0\xafz", "??z");         /* longer than needed */
	expect("\xe0\x80\xafz", "???z");    /* also */
	expect("\xed\xa0\x80z", "???z");    /* a surrogate */
	expect("\xf4\x90\x80\x80", "????"); /* above U+10FFFF */
}

/* All texts of three bytes of one of each sort. */
static void jansson_takes_it(void **state)
{
	static const char bytes[] = "a\x80\x8f\x90\x9f\xa0\xbf\xc1\xc2\xdf\xe0\xe1\xed\xef\xf0\xf3"
	                            "\xf4\xf5\xff";
	const size_t n = sizeof(bytes) - 1;

	(void)state;
	for (size_t i = 0; i < n * n * n; i++) {
		char text[4] = {bytes[i / n / n], bytes[i / n % n], bytes[i % n], 0};
		json_t *before = json_string(text), *after;
		char mended[4];

		memcpy(mended, text, sizeof(text));
		after = json_string(utf8_mend(mended));
		assert_non_null(after);
		if (before)
			assert_string_equal(mended, text);
		json_decref(before);
		json_decref(after);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_ones_stay),
	    cmocka_unit_test(a_cut_one_goes),
	    cmocka_unit_test(what_is_none_becomes_a_mark),
	    cmocka_unit_test(jansson_takes_it),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
