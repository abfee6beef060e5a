/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/table.c. */
#include "cli/table.h"

#include "tests/unit/cmocka_all.h"

#include <locale.h>
#include <stdlib.h>
#include <string.h>

static const struct table_column columns[] = {{"NODE", 0}, {"STATE", 0}, {"PORTS", TABLE_CUT},
    {"P50", TABLE_RIGHT | TABLE_SPARE}, {"RTT ms", TABLE_RIGHT}, {NULL, 0}};

static char *printed;
static size_t printed_length;

static struct table *two_rows(void)
{
	struct table *table = table_new(columns, true);
	table_row(table);
	table_cell(table, "東京-1");
	table_cell_coloured(table, "up", COLOUR_GOOD);
	table_cell(table, "80,443,8000-8010");
	table_cell(table, "9.5");
	table_cell(table, "12.5");
	table_row(table);
	table_cell(table, "oslo-1");
	table_cell_coloured(table, "down", COLOUR_BAD);
	table_cell(table, "1");
	table_cell(table, "");
	table_cell(table, "-");
	table_cell(table, "one cell too many");
	return table;
}

static void assert_prints(struct table *table, bool has_colours, size_t width, const char *wanted)
{
	free(printed);
	FILE *out = open_memstream(&printed, &printed_length);
	table_print(table, out, has_colours, width);
	fclose(out);
	assert_string_equal(printed, wanted);
	table_free(table);
}

static void whole_without_a_terminal(void **state)
{
	(void)state;
	assert_prints(two_rows(), false, 0,
	    "NODE    STATE  PORTS             P50  RTT ms\n"
	    "東京-1  up     80,443,8000-8010  9.5    12.5\n"
	    "oslo-1  down   1                           -\n");
}

static void sentences_go_on_below(void **state)
{
	static const struct table_column two[] = {
	    {"CHECK", 0}, {"FINDING", TABLE_WHOLE}, {"FIX", TABLE_WHOLE}, {NULL, 0}};
	struct table *table = table_new(two, true);
	(void)state;
	table_row(table);
	table_cell(table, "clock");
	table_cell(table, "nobody keeps the clock of this machine right");
	table_cell(table, "run chrony");
	table_row(table);
	table_cell(table, "limits");
	table_cell(table, "few files");
	table_cell(table, "");
	assert_prints(table, false, 48,
	    "CHECK   FINDING                    FIX\n"
	    "clock   nobody keeps the clock of  run chrony\n"
	    "        this machine right         \n"
	    "limits  few files                  \n");
}

static void made_to_fit(void **state)
{
	(void)state;
	assert_prints(two_rows(), false, 40,
	    "NODE    STATE  PORTS         P50  RTT ms\n"
	    "東京-1  up     80,443,8000…  9.5    12.5\n"
	    "oslo-1  down   1                       -\n");
	assert_prints(two_rows(), false, 37,
	    "NODE    STATE  PORTS           RTT ms\n"
	    "東京-1  up     80,443,8000-8…    12.5\n"
	    "oslo-1  down   1                    -\n");
}

static void colours_when_wanted(void **state)
{
	(void)state;
	assert_prints(two_rows(), true, 0,
	    "NODE    STATE  PORTS             P50  RTT ms\n"
	    "東京-1  \033[32mup   \033[0m  80,443,8000-8010  9.5    12.5\n"
	    "oslo-1  \033[31mdown \033[0m  1                           -\n");
}

static void nothing_without_rows(void **state)
{
	(void)state;
	assert_prints(table_new(columns, true), false, 80, "");
	assert_prints(NULL, false, 80, "");
	struct table *table = table_new(columns, true);
	table_cell(table, "a cell without a row");
	assert_prints(table, false, 0, "");
}

static void properties_are_whole(void **state)
{
	struct table *table = table_new_properties();
	(void)state;
	table_property(table, "pin", "0123456789abcdefghij");
	table_property_coloured(table, "problems", "none", COLOUR_NONE);
	assert_prints(table, false, 20, "pin       0123456789abcdefghij\nproblems  none\n");
}

/* What comes from elsewhere does not speak to the terminal. */
static void control_characters_are_shown(void **state)
{
	struct table *table = table_new_properties();
	(void)state;
	table_property(table, "name", "a\033[2Jb");
	assert_prints(table, false, 0, "name  a\\x1b[2Jb\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(whole_without_a_terminal),
	    cmocka_unit_test(sentences_go_on_below),
	    cmocka_unit_test(made_to_fit),
	    cmocka_unit_test(colours_when_wanted),
	    cmocka_unit_test(nothing_without_rows),
	    cmocka_unit_test(properties_are_whole),
	    cmocka_unit_test(control_characters_are_shown),
	};
	setlocale(LC_ALL, "C.UTF-8");
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	free(printed);
	return result;
}
