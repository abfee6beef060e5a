/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/session.c: requests whose errors are told, and values in the form that was asked for. */
#include "config.h"

#include "cli/session.h"

#include "tests/unit/cli_fixture.h"

/* What goes to stderr while it is caught. */
static char told[4096];
static int saved_stderr, catching;

static void begin_catching(void)
{
	FILE *file = tmpfile();

	assert_non_null(file);
	fflush(stderr);
	saved_stderr = dup(STDERR_FILENO);
	catching = dup(fileno(file));
	dup2(catching, STDERR_FILENO);
	fclose(file);
}

static void end_catching(void)
{
	ssize_t length;

	fflush(stderr);
	dup2(saved_stderr, STDERR_FILENO);
	length = pread(catching, told, sizeof told - 1, 0);
	told[length > 0 ? length : 0] = '\0';
	close(saved_stderr);
	close(catching);
}

static void test_a_failure_is_one_line_and_its_code(void **state)
{
	enum exit_code code;

	(void)state;
	begin_catching();
	code = session_fail(EXIT_USAGE, "%s is %d", "it", 7);
	end_catching();
	assert_int_equal(code, EXIT_USAGE);
	assert_string_equal(told, "trunkctl: it is 7\n");
}

static void test_an_answer_is_the_callers(void **state)
{
	json_t *answer;

	(void)state;
	cli_set(200, "{\"name\": \"a\"}");
	assert_int_equal(session_request(&session, "GET", "/v1/x", NULL, &answer), EXIT_DONE);
	assert_string_equal(json_string_value(json_object_get(answer, "name")), "a");
	json_decref(answer);
}

static void test_a_refusal_is_told_and_there_is_no_answer(void **state)
{
	json_t *answer = json_true();
	enum exit_code code;

	(void)state;
	cli_set(404, "{\"type\": \"x:not-found\", \"detail\": \"there is none\"}");
	begin_catching();
	code = session_get(&session, "/v1/nodes", "osl-1", NULL, &answer);
	end_catching();
	assert_int_equal(code, EXIT_NOT_FOUND);
	assert_null(answer);
	assert_string_equal(told, "trunkctl: there is none\n");
}

static void test_each_error_of_a_refusal_is_a_line_with_its_option(void **state)
{
	static const struct command_option name = {.name = "--name"}, ttl = {.name = "--ttl"};
	static struct invocation invocation = {.value_count = 2};
	json_t *answer;

	(void)state;
	invocation.values[0].option = &name;
	invocation.values[1].option = &ttl;
	invocation.values[0].value = invocation.values[1].value = "x";
	session.invocation = &invocation;
	cli_set(422,
	    "{\"detail\": \"bad\", \"errors\": [{\"pointer\": \"/name\", \"detail\": \"bad\","
	    " \"fix\": \"mend it\"}, {\"pointer\": \"/role\", \"detail\": \"is\\nmissing\"}]}");
	begin_catching();
	assert_int_equal(session_request(&session, "POST", "/v1/x", NULL, &answer), EXIT_FAILED);
	end_catching();
	assert_null(answer);
	assert_string_equal(told, "trunkctl: --name: bad; mend it\ntrunkctl: is missing\n");
}

/* What the faults alone would not tell. */
static void test_what_is_said_of_all_is_told_last(void **state)
{
	static const struct invocation nothing;
	json_t *answer;

	(void)state;
	session.invocation = &nothing;
	cli_set(422, "{\"detail\": \"revision 2 is old\", \"fix\": \"apply it\", \"errors\": "
	             "[{\"pointer\": \"/items/0/ports\", \"detail\": \"gone\"}]}");
	begin_catching();
	assert_int_equal(session_request(&session, "POST", "/v1/x", NULL, &answer), EXIT_FAILED);
	end_catching();
	assert_string_equal(told, "trunkctl: gone\ntrunkctl: revision 2 is old; apply it\n");
}

static void test_names_are_put_behind_the_path(void **state)
{
	json_t *answer;

	(void)state;
	session_get(&session, "/v1/tunnels", "tyo-1", "osl-1", &answer);
	assert_true(cli_was_asked("GET /v1/tunnels/tyo-1/osl-1 "));
	json_decref(answer);
	session_get(&session, "/v1/status", NULL, NULL, &answer);
	assert_true(cli_was_asked("GET /v1/status "));
	json_decref(answer);
}

static void print_as(enum output_format format, bool is_printed, const char *wanted)
{
	json_t *value = json_pack("{s:s}", "a", "b");

	session.format = format;
	cli_open_output();
	assert_int_equal(session_print_value(&session, value), is_printed);
	fclose(session.out);
	cli_assert_printed(wanted);
	json_decref(value);
}

static void test_values_are_printed_unless_a_table_is_wanted(void **state)
{
	(void)state;
	print_as(OUTPUT_TABLE, false, "");
	print_as(OUTPUT_JSON, true, "{\n  \"a\": \"b\"\n}\n");
	print_as(OUTPUT_YAML, true, "a: b\n");
}

static void add_row(struct table *table, const json_t *item)
{
	table_row(table);
	table_cell(table, json_string_value(item));
}

static void test_each_item_is_a_row(void **state)
{
	static const struct table_column columns[] = {{"NAME", 0}, {NULL, 0}};
	json_t *answer = json_pack("{s:[s, s]}", "items", "a", "b");

	(void)state;
	cli_open_output();
	session_print_items(&session, columns, answer, add_row);
	fclose(session.out);
	cli_assert_printed("NAME\na\nb\n");
	json_decref(answer);
}

static void test_what_is_deleted_is_said_with_its_revision(void **state)
{
	enum exit_code code;

	(void)state;
	cli_set(200, "{\"revision\": 7}");
	cli_open_output();
	assert_int_equal(session_delete(&session, "/v1/x/a", "x", "a", "gone"), EXIT_DONE);
	fclose(session.out);
	cli_assert_printed("x a gone (revision 7)\n");
	assert_true(cli_was_asked("DELETE /v1/x/a "));
	cli_set(404, "{\"type\": \"x:not-found\", \"detail\": \"there is none\"}");
	cli_open_output();
	begin_catching();
	code = session_delete(&session, "/v1/x/a", "x", "a", "gone");
	end_catching();
	fclose(session.out);
	assert_int_equal(code, EXIT_NOT_FOUND);
	cli_assert_printed("");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_a_failure_is_one_line_and_its_code),
	    CLI_TEST(test_an_answer_is_the_callers),
	    CLI_TEST(test_a_refusal_is_told_and_there_is_no_answer),
	    CLI_TEST(test_each_error_of_a_refusal_is_a_line_with_its_option),
	    CLI_TEST(test_what_is_said_of_all_is_told_last),
	    CLI_TEST(test_names_are_put_behind_the_path),
	    CLI_TEST(test_values_are_printed_unless_a_table_is_wanted),
	    CLI_TEST(test_each_item_is_a_row),
	    CLI_TEST(test_what_is_deleted_is_said_with_its_revision),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
