/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Metavars: how a value may begin.
 */
#include "tests/unit/cmocka_all.h"

#include <stdio.h>
#include <string.h>

#include "cli/metavar.h"

static char found[256];

/* "tcp REGION= KIND.": literals, names with their suffix, a point where fields may follow. */
static void note(const struct metavar_start *start, void *context)
{
	size_t used = strlen(found);
	const char suffix[2] = {start->suffix, '\0'};
	(void)context;
	snprintf(found + used, sizeof(found) - used, "%s%s%.*s%s%s", used ? " " : "",
	    start->is_name ? "" : "'", (int)start->length, start->text, suffix,
	    start->has_fields ? "." : "");
}

static void starts(void **state)
{
	static const struct {
		const char *metavar, *wanted;
	} cases[] = {
	    {"tcp|udp|tcp+udp", "'tcp 'udp 'tcp+udp"},
	    {"bbr|cubic|fixed:RATE", "'bbr 'cubic 'fixed:"},
	    {"REGION", "REGION"},
	    {"REGION[,...]", "REGION"},
	    {"nearest|REGION[,...]", "'nearest REGION"},
	    {"REGION=HOST[:PORT][,weight=N]", "REGION="},
	    {"[REGION=]CHECK[,interval=TIME,rise=N]", "REGION= CHECK"},
	    {"[tcp=|udp=]TIME", "'tcp= 'udp= TIME"},
	    {"[NAME]", "NAME"},
	    {"[KIND[.FIELD]]", "KIND."},
	    {"BACKEND,N", "BACKEND,"},
	    {"unix:PATH|URL", "'unix: URL"},
	    {"[WORD...]", "WORD"},
	    {"", ""},
	    {"[", ""},
	    {"|", ""},
	};
	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		found[0] = '\0';
		metavar_each(cases[i].metavar, note, NULL);
		if (strcmp(found, cases[i].wanted) != 0)
			fail_msg("%s: %s, not %s", cases[i].metavar, found, cases[i].wanted);
	}
}

static void lists_and_rests(void **state)
{
	(void)state;
	assert_true(metavar_is_list("REGION[,...]"));
	assert_false(metavar_is_list("REGION"));
	assert_false(metavar_is_list("[WORD...]"));
	assert_true(metavar_is_rest("[WORD...]"));
	assert_false(metavar_is_rest("REGION[,...]"));
	assert_false(metavar_is_rest("[NAME]"));
	assert_false(metavar_is_rest("KEY=VALUE[,KEY!=VALUE...]"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(starts),
	    cmocka_unit_test(lists_and_rests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
