/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/text_width.c. */
#include "cli/text_width.h"

#include "tests/unit/cmocka_all.h"

#include <locale.h>
#include <stdlib.h>

static void assert_cut(const char *text, size_t width, const char *wanted)
{
	char *cut = text_cut(text, width);
	assert_string_equal(cut, wanted);
	assert_true(text_width(cut) <= width);
	free(cut);
}

static void utf8(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_ALL, "C.UTF-8"));
	assert_int_equal(text_width(""), 0);
	assert_int_equal(text_width("tokyo"), 5);
	assert_int_equal(text_width("Zürich"), 6);
	assert_int_equal(text_width("東京"), 4);
	assert_int_equal(text_width("e\u0301"), 1);
	assert_int_equal(text_width("\xff"), 4);
	assert_int_equal(text_width("\033[2J"), 7);
	assert_cut("tokyo", 5, "tokyo");
	assert_cut("tokyo-1", 5, "toky…");
	assert_cut("東京都", 4, "東…");
	assert_cut("東京都", 5, "東京…");
	assert_cut("東京", 1, "…");
	assert_cut("\xff\xff", 5, "\xff…");
	assert_cut("東\xe4", 5, "東…");
}

static void ascii(void **state)
{
	(void)state;
	assert_non_null(setlocale(LC_ALL, "C"));
	assert_int_equal(text_width("ü"), 8);
	assert_cut("tokyo-1", 5, "toky~");
}

static void a_text_breaks_between_words(void **state)
{
	(void)state;
	assert_int_equal(text_break("one two three", 20), 13);
	assert_int_equal(text_break("one two three", 13), 13);
	assert_int_equal(text_break("one two three", 12), 7);
	assert_int_equal(text_break("one two three", 7), 7);
	assert_int_equal(text_break("one two three", 6), 3);
	assert_int_equal(text_break("wider-than-that and", 4), 15);
	assert_int_equal(text_break("", 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(utf8),
	    cmocka_unit_test(ascii),
	    cmocka_unit_test(a_text_breaks_between_words),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
