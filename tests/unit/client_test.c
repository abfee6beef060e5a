/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of cli/client.c: what is asked, and the one line that a person gets when it fails. */
#include "config.h"

#include "cli/client.h"

#include "tests/unit/cli_fixture.h"

#include <errno.h>

static struct reply reply;

static struct client *open_at(const char *where, char *error)
{
	return client_open(&(struct target){.where = (char *)where}, error);
}

static enum exit_code ask(const char *method, const char *path)
{
	return client_request(session.client, method, path, NULL, NULL, &reply);
}

static void test_an_object_is_an_answer(void **state)
{
	(void)state;
	cli_set(200, "{\"items\": [1, 2]}");
	assert_int_equal(ask("GET", "/v1/nodes?limit=3"), EXIT_DONE);
	assert_int_equal(reply.status, 200);
	assert_int_equal(json_array_size(json_object_get(reply.body, "items")), 2);
	assert_string_equal(reply.error, "");
	assert_true(cli_was_asked("GET /v1/nodes?limit=3 HTTP/1.1\r\n"));
	assert_true(cli_was_asked("Accept: application/json\r\n"));
	assert_false(cli_was_asked("If-Match"));
	assert_false(cli_was_asked("Expect"));
	reply_free(&reply);
	assert_null(reply.body);
}

static void test_a_body_goes_with_its_type(void **state)
{
	json_t *body = json_pack("{s:s}", "name", "web");

	(void)state;
	assert_int_equal(
	    client_request(session.client, "POST", "/v1/accelerators", body, NULL, &reply),
	    EXIT_DONE);
	assert_true(cli_was_asked("Content-Type: application/json\r\n"));
	assert_true(cli_was_asked("\r\n\r\n{\"name\":\"web\"}"));
	reply_free(&reply);
	assert_int_equal(
	    client_request(session.client, "PATCH", "/v1/accelerators/web", body, "\"12\"", &reply),
	    EXIT_DONE);
	assert_true(cli_was_asked("PATCH /v1/accelerators/web "));
	assert_true(cli_was_asked("Content-Type: application/merge-patch+json\r\n"));
	assert_true(cli_was_asked("If-Match: \"12\"\r\n"));
	reply_free(&reply);
	json_decref(body);
}

/* The key of the last request, to be compared with the next one's. */
static void copy_key(char key[64])
{
	const char *line = strstr(server.request, "Idempotency-Key: ");
	assert_non_null(line);
	assert_int_equal(sscanf(line, "Idempotency-Key: %63[0-9a-f]", key), 1);
	assert_int_equal(strlen(key), 32);
}

static void test_a_change_whose_answer_is_lost_is_sent_again(void **state)
{
	char first[64], second[64];

	(void)state;
	server.drops = 1;
	assert_int_equal(ask("POST", "/v1/tokens"), EXIT_DONE);
	assert_int_equal(cli_requests(), 2);
	copy_key(first);
	reply_free(&reply);
	assert_int_equal(ask("POST", "/v1/tokens"), EXIT_DONE);
	copy_key(second);
	assert_string_not_equal(first, second);
	reply_free(&reply);
	server.drops = 2;
	assert_int_equal(ask("POST", "/v1/tokens"), EXIT_UNREACHABLE);
	assert_int_equal(cli_requests(), 5);
	reply_free(&reply);
	server.drops = 1;
	assert_int_equal(ask("DELETE", "/v1/x"), EXIT_DONE);
	assert_int_equal(cli_requests(), 7);
	copy_key(first);
	reply_free(&reply);
	assert_int_equal(ask("PATCH", "/v1/x"), EXIT_DONE);
	copy_key(second);
	assert_string_not_equal(first, second);
	reply_free(&reply);
	assert_int_equal(ask("GET", "/v1/x"), EXIT_DONE);
	assert_false(cli_was_asked("Idempotency-Key"));
	reply_free(&reply);
}

static void test_an_etag_comes_back(void **state)
{
	(void)state;
	assert_int_equal(ask("GET", "/v1/x"), EXIT_DONE);
	assert_string_equal(reply.etag, "");
	reply_free(&reply);
	strcpy(server.etag, "\"17\"");
	assert_int_equal(ask("GET", "/v1/x"), EXIT_DONE);
	assert_string_equal(reply.etag, "\"17\"");
	reply_free(&reply);
}

static void expect_failure(
    unsigned status, const char *body, enum exit_code code, const char *error)
{
	cli_set(status, body);
	assert_int_equal(ask("GET", "/v1/x"), code);
	assert_null(reply.body);
	assert_string_equal(reply.error, error);
	reply_free(&reply);
	assert_null(reply.problem);
}

static void test_a_problem_is_one_line(void **state)
{
	(void)state;
	expect_failure(409,
	    "{\"type\": \"urn:trunkline:problem:port-taken\", \"detail\": \"port 80 is taken\", "
	    "\"fix\": \"choose another\"}",
	    EXIT_FAILED, "port 80 is taken; choose another");
	expect_failure(500, "{\"title\": \"Internal fault\"}", EXIT_FAILED, "Internal fault");
	expect_failure(404,
	    "{\"type\": \"urn:trunkline:problem:not-found\", \"detail\": \"there is none\"}",
	    EXIT_NOT_FOUND, "there is none");
	/* A control that is older does not know the path at all. */
	expect_failure(404,
	    "{\"type\": \"urn:trunkline:problem:no-route\", \"detail\": \"there is no path\"}",
	    EXIT_FAILED, "there is no path");
}

/* Text of others goes to a terminal: nothing in it may speak to the terminal itself. */
static void test_control_characters_are_taken_out(void **state)
{
	(void)state;
	expect_failure(
	    422, "{\"detail\": \"a\\u001b[2Jb\\nc\\u007fd\"}", EXIT_FAILED, "a [2Jb c d");
}

static void test_another_server_is_not_taken_for_control(void **state)
{
	static const char *const bodies[] = {
	    "<html>", "", "[]", "{\"a\": 1, \"a\": 2}", "\"text\"", "{\"cut\": "};

	(void)state;
	for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) {
		cli_set(200, bodies[i]);
		assert_int_equal(ask("GET", "/"), EXIT_FAILED);
		assert_null(reply.body);
		assert_non_null(strstr(reply.error, "answered HTTP 200 without a reason"));
		reply_free(&reply);
	}
	cli_set(502, "<html>Bad gateway</html>");
	assert_int_equal(ask("GET", "/"), EXIT_FAILED);
	assert_non_null(strstr(reply.error, "answered HTTP 502"));
}

static void test_where_nobody_is(void **state)
{
	char error[CLIENT_ERROR_BYTES], wanted[300];
	struct client *client = open_at("unix:/tmp/trunkctl-test.nobody", error);

	(void)state;
	assert_int_equal(
	    client_request(client, "GET", "/v1/nodes", NULL, NULL, &reply), EXIT_UNREACHABLE);
	snprintf(wanted, sizeof wanted,
	    "control at unix:/tmp/trunkctl-test.nobody is not reachable: %s; start "
	    "trunkline-control, or say where it is with --control or TRUNKLINE_CONTROL",
	    strerror(ENOENT));
	assert_string_equal(reply.error, wanted);
	assert_int_equal(reply.status, 0);
	client_close(client);
}

static void test_where_must_be_a_path_or_a_url(void **state)
{
	static const char *const wrong[] = {
	    "", "unix:", "/run/control", "ftp://host", "localhost:8080", "file:///etc/passwd"};
	static const char *const right[] = {
	    "unix:/x", "http://localhost", "https://[::1]:8443/", "http://h///"};
	char error[CLIENT_ERROR_BYTES];
	struct client *client;

	(void)state;
	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		assert_null(open_at(wrong[i], error));
		assert_non_null(strstr(error, "wants unix:PATH or https://HOST:PORT"));
	}
	for (size_t i = 0; i < sizeof right / sizeof *right; i++) {
		client = open_at(right[i], error);
		assert_non_null(client);
		client_close(client);
	}
}

/* Where anybody on the way could read it, no token goes. */
static void test_a_token_goes_where_nobody_listens(void **state)
{
	static char secret[] = "tla1_secret";
	char error[CLIENT_ERROR_BYTES];
	struct client *client;

	(void)state;
	assert_null(client_open(
	    &(struct target){.where = (char *)"http://192.0.2.1", .token = secret}, error));
	assert_non_null(strstr(error, "only sent over https://"));
	assert_null(strstr(error, secret));
	client = client_open(&(struct target){.where = server.where, .token = secret}, error);
	cli_set(200, "{}");
	assert_int_equal(client_request(client, "GET", "/v1/nodes", NULL, NULL, &reply), EXIT_DONE);
	assert_true(cli_was_asked("Authorization: Bearer tla1_secret\r\n"));
	reply_free(&reply);
	client_close(client);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    CLI_TEST(test_an_object_is_an_answer),
	    CLI_TEST(test_a_body_goes_with_its_type),
	    CLI_TEST(test_a_change_whose_answer_is_lost_is_sent_again),
	    CLI_TEST(test_an_etag_comes_back),
	    CLI_TEST(test_a_problem_is_one_line),
	    CLI_TEST(test_control_characters_are_taken_out),
	    CLI_TEST(test_another_server_is_not_taken_for_control),
	    CLI_TEST(test_where_nobody_is),
	    CLI_TEST(test_where_must_be_a_path_or_a_url),
	    CLI_TEST(test_a_token_goes_where_nobody_listens),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
