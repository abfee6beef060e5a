/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of model/label_selector.c: what is a selector, and what it matches. */
#include "tests/unit/cmocka_all.h"

#include "base/err.h"
#include "model/label_selector.h"

#include <string.h>

static struct label labels[] = {{"env", "prod"}, {"example.com/tier", "web"}, {"old", ""}};
static const struct notes notes = {.labels = labels, .label_count = 3};
static char reason[REASON_BYTES];

static bool matches(const char *text)
{
	struct label_selector selector;

	if (label_selector_parse(text, &selector, reason))
		fail_msg("%s: %s", text, reason);
	return label_selector_matches(&selector, &notes);
}

static void all_terms_hold(void **state)
{
	struct label_selector none = {.count = 0};

	(void)state;
	assert_true(label_selector_matches(&none, &notes));
	assert_true(matches("env=prod"));
	assert_false(matches("env=dev"));
	assert_false(matches("env=pro"));
	assert_false(matches("region=prod"));
	assert_true(matches("env=prod,example.com/tier=web"));
	assert_false(matches("env=prod,example.com/tier=db"));
	assert_true(matches("old="));
	assert_false(matches("env="));
}

/* As Kubernetes has it, what lacks the label is not equal either. */
static void what_is_not(void **state)
{
	(void)state;
	assert_false(matches("env!=prod"));
	assert_true(matches("env!=dev"));
	assert_true(matches("region!=eu"));
	assert_false(matches("old!="));
	assert_true(matches("env=prod,region!=eu"));
}

static void expect_error(const char *text, const char *part)
{
	struct label_selector selector;

	assert_int_equal(label_selector_parse(text, &selector, reason), ERR_MALFORMED);
	if (!strstr(reason, part))
		fail_msg("%s: %s", text, reason);
}

static void what_is_refused(void **state)
{
	char text[LABEL_SELECTOR_BYTES + 1] = "a=b";

	(void)state;
	expect_error("", "\"\" is not KEY=VALUE");
	expect_error("env", "\"env\" is not KEY=VALUE or KEY!=VALUE, with commas between");
	expect_error("env=prod,", "\"\" is not");
	expect_error("=prod", "the key \"\" must be");
	expect_error("!=prod", "the key \"\" must be");
	expect_error("env==prod", "the value \"=prod\" must be");
	expect_error("e nv=prod", "the key \"e nv\" must be");
	expect_error("env=a&b", "the value \"a&b\" must be");
	for (int i = 0; i < LABEL_TERMS_MAX - 1; i++)
		strcat(text, ",a=b");
	assert_false(matches(text));
	strcat(text, ",a=b");
	expect_error(text, "more than 16 terms");
	memset(text, 'a', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	expect_error(text, "longer than 447 bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    cmocka_unit_test(all_terms_hold),
	    cmocka_unit_test(what_is_not),
	    cmocka_unit_test(what_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
