/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/target.c: which control, which pin, which token, and where each may come from. */
#include "config.h"

#include "tests/unit/cmocka_all.h"

#include "base/file.h"
#include "cli/commands.h"
#include "cli/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PIN "AbSsjYe5gZzQggSlF6DeKEve0qpSQrAhnhHyFF5bc2A"

static char directory[] = "/tmp/trunkctl-target-XXXXXX", path[128], token_path[128];
static char error[TARGET_ERROR_BYTES];
static struct target target;

static int setup(void **state)
{
	static const char *const names[] = {
	    "TRUNKLINE_CONTROL", "TRUNKLINE_PIN", "TRUNKLINE_TOKEN", "TRUNKLINE_CONTEXT", "HOME"};

	(void)state;
	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
	strcpy(directory + strlen(directory) - 6, "XXXXXX");
	assert_non_null(mkdtemp(directory));
	setenv("XDG_CONFIG_HOME", directory, 1);
	snprintf(path, sizeof path, "%s/trunkline", directory);
	assert_int_equal(mkdir(path, 0700), 0);
	snprintf(path, sizeof path, "%s/trunkline/context.yaml", directory);
	snprintf(token_path, sizeof token_path, "%s/token", directory);
	return 0;
}

static int teardown(void **state)
{
	char folder[128];

	(void)state;
	target_clear(&target);
	unlink(path);
	unlink(token_path);
	snprintf(folder, sizeof folder, "%s/trunkline", directory);
	rmdir(folder);
	rmdir(directory);
	return 0;
}

static bool choose(const char *line)
{
	static struct invocation invocation;
	static char copy[1024];
	char *words[16] = {copy}, usage[COMMAND_ERROR_BYTES];
	int count = 0;

	snprintf(copy, sizeof copy, "trunkctl status %s", line);
	for (char *w = strtok(copy, " "); w; w = strtok(NULL, " "))
		words[count++] = w;
	if (!command_parse(&trunkctl_commands, count, words, &invocation, usage))
		fail_msg("%s", usage);
	target_clear(&target);
	return target_choose(&invocation, &target, error);
}

static void put(const char *where, const char *text, mode_t mode)
{
	assert_int_equal(file_write_atomic(where, text, strlen(text), mode), 0);
}

static void the_default_is_the_local_one(void **state)
{
	(void)state;
	assert_true(choose(""));
	assert_string_equal(target.where, CONTROL_DEFAULT);
	assert_false(target.has_pin);
	assert_null(target.token);
}

static void options_go_before_the_environment(void **state)
{
	(void)state;
	setenv("TRUNKLINE_CONTROL", "https://a", 1);
	setenv("TRUNKLINE_TOKEN", "tla1_env", 1);
	assert_true(choose(""));
	assert_string_equal(target.where, "https://a");
	assert_string_equal(target.token, "tla1_env");
	put(token_path, "tla1_file\n", 0600);
	char line[256];
	snprintf(
	    line, sizeof line, "--control https://b --pin " PIN " --token-file %s", token_path);
	assert_true(choose(line));
	assert_string_equal(target.where, "https://b");
	assert_string_equal(target.token, "tla1_file");
	assert_true(target.has_pin);
}

static void a_context_file_has_it_all(void **state)
{
	char text[512];

	(void)state;
	put(token_path, "  \n", 0600);
	snprintf(
	    text, sizeof text, "control: https://c\npin: " PIN "\ntoken-file: %s\n", token_path);
	put(path, text, 0644);
	assert_false(choose(""));
	put(token_path, "tla1_file", 0600);
	assert_true(choose(""));
	assert_string_equal(target.where, "https://c");
	assert_string_equal(target.token, "tla1_file");
	assert_true(target.has_pin);
}

/* Its token would go to another control. */
static void a_context_is_not_mixed_with_another_control(void **state)
{
	char line[256];

	(void)state;
	put(token_path, "tla1_file", 0600);
	put(path, "control: https://c\npin: " PIN "\ntoken-file: /nowhere\n", 0644);
	assert_true(choose("--control https://d"));
	assert_false(target.has_pin);
	assert_null(target.token);
	setenv("TRUNKLINE_CONTROL", "https://e", 1);
	assert_true(choose(""));
	assert_string_equal(target.where, "https://e");
	assert_null(target.token);
	snprintf(line, sizeof line, "--control https://d --context %s", path);
	assert_false(choose(line));
	assert_non_null(strstr(error, "not both"));
}

static void what_is_wrong_is_said(void **state)
{
	char line[256];

	(void)state;
	assert_false(choose("--pin short"));
	assert_non_null(strstr(error, "the pin \"short\" is none"));
	assert_false(choose("--context /nowhere/at/all"));
	assert_non_null(strstr(error, "cannot read /nowhere/at/all"));
	put(path, "control: https://c\ntoken: x\n", 0644);
	assert_false(choose(""));
	assert_non_null(strstr(error, "context.yaml:2:1: token"));
	put(token_path, "tla1_file", 0644);
	snprintf(line, sizeof line, "--control unix:/x --token-file %s", token_path);
	assert_false(choose(line));
	assert_non_null(strstr(error, "chmod 600"));
	assert_null(target.where);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
	    TEST(the_default_is_the_local_one),
	    TEST(options_go_before_the_environment),
	    TEST(a_context_file_has_it_all),
	    TEST(a_context_is_not_mixed_with_another_control),
	    TEST(what_is_wrong_is_said),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
