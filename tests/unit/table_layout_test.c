/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/table_layout.c. */
#include "cli/table_layout.h"

#include "tests/unit/cmocka_all.h"

#include "cli/table.h"

enum { COLUMNS = 5 };

/* A name, a text that may be cut, two numbers of which the second is spare, a spare text. */
static void lay_out(size_t width, const size_t wanted[COLUMNS])
{
	struct table_width columns[COLUMNS] = {
	    {.natural = 20, .heading = 4},
	    {.natural = 40, .heading = 9, .flags = TABLE_CUT},
	    {.natural = 6, .heading = 6, .flags = TABLE_RIGHT},
	    {.natural = 6, .heading = 3, .flags = TABLE_RIGHT | TABLE_SPARE},
	    {.natural = 10, .heading = 5, .flags = TABLE_SPARE},
	};
	size_t sum = 0;
	table_layout(columns, COLUMNS, width);
	for (size_t i = 0; i < COLUMNS; i++) {
		assert_int_equal(columns[i].shown, wanted[i]);
		sum += columns[i].shown ? columns[i].shown + (i ? TABLE_GAP_COLUMNS : 0) : 0;
	}
	assert_true(width == 0 || width < 32 || sum <= width);
}

static void from_wide_to_narrow(void **state)
{
	static const struct {
		size_t width, shown[COLUMNS];
	} cases[] = {
	    {0, {20, 40, 6, 6, 10}},  /* no terminal */
	    {90, {20, 40, 6, 6, 10}}, /* just as wide */
	    {89, {20, 39, 6, 6, 10}}, /* cut by one */
	    {62, {20, 12, 6, 6, 10}}, /* cut as far as it may */
	    {61, {20, 23, 6, 6, 0}},  /* the right one goes, and the text has its place */
	    {50, {20, 12, 6, 6, 0}}, {49, {20, 19, 6, 0, 0}}, {42, {20, 12, 6, 0, 0}},
	    {41, {19, 12, 6, 0, 0}},                      /* the name too */
	    {26, {8, 8, 6, 0, 0}}, {10, {8, 8, 6, 0, 0}}, /* numbers are never cut */
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		lay_out(cases[i].width, cases[i].shown);
}

/* What goes on below has all of its text, and its neighbours keep theirs as long as that is legible. */
static void what_is_whole_goes_on_below(void **state)
{
	struct table_width columns[] = {{.natural = 30}, {.natural = 200, .flags = TABLE_WHOLE}};
	(void)state;
	table_layout(columns, 2, 80);
	assert_int_equal(columns[0].shown, 30);
	assert_int_equal(columns[1].shown, 48);
	table_layout(columns, 2, 50);
	assert_int_equal(columns[0].shown, 24);
	assert_int_equal(columns[1].shown, 24);
	table_layout(columns, 2, 0);
	assert_int_equal(columns[1].shown, 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(from_wide_to_narrow),
	    cmocka_unit_test(what_is_whole_goes_on_below),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
