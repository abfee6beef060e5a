/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/client_download.c: what is answered goes to the file, what is wrong to the user. */
#include "config.h"

#include "tests/unit/cli_fixture.h"

static struct reply reply;

static void test_the_answer_is_in_the_file(void **state)
{
	char text[32] = "";
	FILE *file = tmpfile();

	(void)state;
	cli_set(200, "no JSON at all");
	assert_int_equal(client_download(session.client, "/v1/backup", file, &reply), EXIT_DONE);
	assert_true(cli_was_asked("POST /v1/backup HTTP/1.1\r\n"));
	rewind(file);
	assert_int_equal(fread(text, 1, sizeof text, file), strlen("no JSON at all"));
	assert_string_equal(text, "no JSON at all");
	fclose(file);
	reply_free(&reply);
}

static void test_a_problem_is_not(void **state)
{
	FILE *file = tmpfile();

	(void)state;
	cli_set(403, "{\"detail\": \"you may not\", \"type\": \"x\"}");
	assert_int_equal(client_download(session.client, "/v1/backup", file, &reply), EXIT_FAILED);
	assert_string_equal(reply.error, "you may not");
	assert_int_equal(ftell(file), 0);
	reply_free(&reply);
	fclose(file);
}

static void test_a_full_disk_is_told(void **state)
{
	static char much[CLI_TEXT_BYTES];
	FILE *file = fopen("/dev/full", "w");

	(void)state;
	setvbuf(file, NULL, _IONBF, 0);
	memset(much, 'x', sizeof much - 1);
	cli_set(200, much);
	assert_int_equal(client_download(session.client, "/v1/backup", file, &reply), EXIT_FAILED);
	assert_non_null(strstr(reply.error, "No space left"));
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_the_answer_is_in_the_file),
	    CLI_TEST(test_a_problem_is_not),
	    CLI_TEST(test_a_full_disk_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
