/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What may stand next on a line: a small table of commands, and names from the test.
 */
#include "tests/unit/cmocka_all.h"

#include <stdlib.h>
#include <string.h>

#include "cli/complete.h"

enum { WORDS_MAX = 16 };

static const struct command_option globals[] = {
    {.name = "--control", .metavar = "unix:PATH|URL", .help = "where"},
    {.name = "-o", .metavar = "table|json", .help = "how"},
    {.name = NULL},
};

static const struct command_option options[] = {
    {.name = "--role", .metavar = "viewer|admin", .help = "what it may do"},
    {.name = "--listen", .metavar = "REGION[,...]", .help = "where"},
    {.name = "--backend", .metavar = "REGION=HOST", .help = "a server", .is_repeated = true},
    {.name = "--file", .metavar = "FILE", .help = "a file"},
    {.name = "--now", .help = "at once"},
    {.name = NULL},
};

static const struct command commands[] = {
    {"web", "make", {"NAME"}, "make one", options, NULL},
    {"web", "show", {"WEB", "[KIND[.FIELD]]"}, "show one", NULL, NULL},
    {"status", NULL, {NULL}, "all", NULL, NULL},
    {.noun = NULL},
};

static const struct command_table table = {"prog", commands, globals};

static char *printed;
static size_t printed_length;

static void names(struct complete *complete, const struct metavar_start *start)
{
	const struct invocation *typed = complete_typed(complete);
	if (metavar_start_is(start, "REGION")) {
		complete_offer(complete, "tokyo", "region");
		complete_offer(complete, "turin", "region");
		complete_offer(complete, "tokyo", "again");
		complete_offer(complete, "t$(reboot)", "hostile");
		complete_offer(complete, "t\n", "hostile");
		complete_offer(complete, "", "empty");
	}
	if (metavar_start_is(start, "WEB"))
		complete_offer(complete, "shop", "");
	if (metavar_start_is(start, "KIND"))
		complete_offer(complete, typed->arguments[0], start->has_fields ? "fields" : "");
}

/* The words of a line, single spaces between; a space at its end is an empty last word. */
static void assert_offers(const char *line, const char *wanted)
{
	static char copy[512];
	char *words[WORDS_MAX], *rest = copy, *word;
	size_t count = 0;
	snprintf(copy, sizeof(copy), "%s", line);
	while ((word = strsep(&rest, " ")) && count < WORDS_MAX)
		words[count++] = word;
	free(printed);
	FILE *out = open_memstream(&printed, &printed_length);
	complete_line(&table, count, words, names, out);
	fclose(out);
	if (strcmp(printed, wanted) != 0)
		fail_msg("\"%s\":\n%s not\n%s", line, printed, wanted);
}

static void commands_and_arguments(void **state)
{
	(void)state;
	assert_offers("", "web\tmake, show\nstatus\tall\n");
	assert_offers("w", "web\tmake, show\n");
	assert_offers("web ", "make\tmake one\nshow\tshow one\n");
	assert_offers("web s", "show\tshow one\n");
	assert_offers("web show ", "shop\t\n");
	assert_offers("web show shop ", "shop\tfields\n");
	assert_offers("web show x y ", "");
	assert_offers("web make ", "");
	assert_offers("status ", "");
	assert_offers("nonsense ", "");
	assert_offers("nonsense x --role ", "");
	assert_offers("-o json web show -- sh", "shop\t\n");
}

static void options_and_values(void **state)
{
	(void)state;
	assert_offers("-", "--control\twhere\n-o\thow\n--help\twhat there is\n");
	assert_offers("web make x --r", "--role\twhat it may do\n");
	assert_offers("web make --role viewer --r", "");
	assert_offers("web make --backend a=b --b", "--backend\ta server\n");
	assert_offers("web make x --now ",
	    "--role\twhat it may do\n--listen\twhere\n--backend\ta server\n--file\ta file\n");
	assert_offers("web make -- --r", "");
	assert_offers("-o ", "table\thow\njson\thow\n");
	assert_offers("status -o j", "json\thow\n");
	assert_offers("web make --role ", "viewer\twhat it may do\nadmin\twhat it may do\n");
	assert_offers("web make --role=a", "--role=admin\twhat it may do\n");
	assert_offers("web make --now=", "");
	assert_offers("--control ", "unix:\twhere\n");
	assert_offers("web make --file ", "files\n");
	assert_offers("web make --file=", "files\n");
}

static void names_from_elsewhere(void **state)
{
	(void)state;
	assert_offers("web make --listen ", "tokyo\tregion\nturin\tregion\n");
	assert_offers("web make --listen to", "tokyo\tregion\n");
	assert_offers("web make --listen turin,to", "turin,tokyo\tregion\n");
	assert_offers("web make --listen=turin,to", "--listen=turin,tokyo\tregion\n");
	assert_offers("web make --backend tu", "turin=\tregion\n");
	assert_offers("web make --backend turin=1", "");
}

/* Whatever is typed, nothing breaks: too many words, options and bytes. */
static void lines_without_sense(void **state)
{
	static char word[2 * COMPLETE_WORD_BYTES] = "--listen=";
	char *words[WORDS_MAX];
	(void)state;
	memset(word + 9, ',', sizeof(word) - 10);
	for (size_t i = 0; i < WORDS_MAX; i++)
		words[i] = word;
	words[0] = (char[]){"web"};
	words[1] = (char[]){"make"};
	free(printed);
	FILE *out = open_memstream(&printed, &printed_length);
	complete_line(&table, WORDS_MAX, words, names, out);
	complete_line(&table, 0, words, names, out);
	fclose(out);
	assert_string_equal(printed, "web\tmake, show\nstatus\tall\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(commands_and_arguments),
	    cmocka_unit_test(options_and_values),
	    cmocka_unit_test(names_from_elsewhere),
	    cmocka_unit_test(lines_without_sense),
	};
	int result = cmocka_run_group_tests(tests, NULL, NULL);
	free(printed);
	return result;
}
