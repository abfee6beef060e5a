/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api.c: HTTP as clients and strangers speak it, on a real UNIX socket. */
#include "config.h"

#include "control/api.h"

#include "base/err.h"
#include "tests/unit/api_fixture.h"

#include <fcntl.h>
#include <sys/stat.h>

static void test_an_answer_is_json_and_not_kept(void **state)
{
	(void)state;
	assert_int_equal(api_get("/v1/nodes"), 200);
	assert_true(api_has_header("Content-Type: application/json\r\n"));
	assert_true(api_has_header("Cache-Control: no-store\r\n"));
	assert_string_equal(api_text("items/0/name"), "osl-1");
}

static void test_a_problem_has_its_own_type(void **state)
{
	(void)state;
	assert_int_equal(api_get("/v1/nodes/nobody"), 404);
	assert_true(api_has_header("Content-Type: application/problem+json\r\n"));
	assert_string_equal(api_text("detail"), "there is no node \"nobody\"");
	assert_int_equal(api_number("status"), 404);
}

/* The same status and headers, and not a byte more, also of what would go on for ever. */
static void test_head_is_get_without_the_body(void **state)
{
	char length[64];

	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	assert_int_equal(api_get("/v1/accelerators/web"), 200);
	snprintf(length, sizeof length, "Content-Length: %zu\r\n",
	    strlen(strstr(answer.bytes, "\r\n\r\n") + 4));
	assert_int_equal(api_ask("HEAD", "/v1/accelerators/web", "", ""), 200);
	assert_true(api_has_header(length));
	assert_true(api_has_header("ETag: "));
	assert_string_equal(strstr(answer.bytes, "\r\n\r\n"), "\r\n\r\n");
	assert_int_equal(api_ask("HEAD", "/v1/accelerators/nobody", "", ""), 404);
	assert_string_equal(strstr(answer.bytes, "\r\n\r\n"), "\r\n\r\n");
	assert_int_equal(api_ask("HEAD", "/v1/events", "", ""), 200);
	assert_true(api_has_header("Content-Type: text/event-stream\r\n"));
	assert_string_equal(strstr(answer.bytes, "\r\n\r\n"), "\r\n\r\n");
}

static void test_another_method_is_told_which(void **state)
{
	(void)state;
	assert_int_equal(api_ask("PUT", "/v1/nodes/osl-1", "", ""), 405);
	assert_true(api_has_header("Allow: GET, HEAD, PATCH, DELETE\r\n"));
	assert_int_equal(api_get("/v1/nothing"), 404);
	assert_false(api_has_header("Allow:"));
}

static void test_bodies_that_are_no_object(void **state)
{
	char deep[4096];

	(void)state;
	assert_int_equal(api_ask("POST", "/v1/accelerators", "", ""), 400);
	assert_int_equal(api_ask("POST", "/v1/accelerators", "", "{"), 400);
	assert_non_null(strstr(api_text("detail"), "line 1"));
	assert_int_equal(api_ask("POST", "/v1/accelerators", "", "[]"), 400);
	assert_string_equal(api_text("detail"), "the body must be an object");
	assert_int_equal(
	    api_ask("POST", "/v1/accelerators", "", "{\"name\": \"a\", \"name\": \"b\"}"), 400);
	memset(deep, '[', sizeof deep - 1);
	deep[sizeof deep - 1] = '\0';
	assert_int_equal(api_ask("POST", "/v1/accelerators", "", deep), 400);
	assert_non_null(strstr(api_text("detail"), "too deep"));
}

/* The sender gets the answer, though nothing of its body is kept. */
static void test_a_body_above_the_cap_is_refused(void **state)
{
	static char bytes[API_BODY_BYTES_MAX + 4096];
	int head = snprintf(bytes, sizeof bytes,
	    "POST /v1/accelerators HTTP/1.1\r\nHost: control\r\nConnection: close\r\n"
	    "Content-Length: %d\r\n\r\n",
	    API_BODY_BYTES_MAX + 1);

	(void)state;
	memset(bytes + head, ' ', API_BODY_BYTES_MAX + 1);
	assert_int_equal(api_say(bytes, (size_t)head + API_BODY_BYTES_MAX + 1), 413);
	assert_int_equal(api_get("/v1/status"), 200);
}

static void test_a_connection_serves_many_requests(void **state)
{
	static const char one[] = "GET /v1/status HTTP/1.1\r\nHost: c\r\n\r\n"
	                          "GET /v1/nodes HTTP/1.1\r\nHost: c\r\n\r\n"
	                          "GET /v1/nodes HTTP/1.1\r\nHost: c\r\nConnection: close\r\n\r\n";
	unsigned answers = 0;

	(void)state;
	assert_int_equal(api_say(one, sizeof one - 1), 200);
	for (const char *at = answer.bytes; (at = strstr(at, "HTTP/1.1 200")); at++)
		answers++;
	assert_int_equal(answers, 3);
}

/* Somebody who holds a connection, or breaks it off, keeps nobody else from being served. */
static void test_half_a_request_holds_up_nobody(void **state)
{
	int waits = api_connect(), goes = api_connect();

	(void)state;
	assert_int_equal(send(waits, "GET /v1/sta", 11, 0), 11);
	assert_int_equal(
	    send(goes, "POST /v1/accelerators HTTP/1.1\r\nContent-Length: 9\r\n\r\n{", 54, 0), 54);
	rounds_one(control.loop);
	close(goes);
	assert_int_equal(api_get("/v1/status"), 200);
	close(waits);
}

static void test_what_is_no_http_is_refused(void **state)
{
	static const char nonsense[] = "\x16\x03\x01 no request\r\n\r\n";

	(void)state;
	assert_int_equal(api_say(nonsense, sizeof nonsense - 1), 400);
	assert_int_equal(api_get("/v1/status"), 200);
}

static void test_flags_are_true_or_false(void **state)
{
	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	assert_int_equal(api_ask("DELETE", "/v1/accelerators/web?now=yes", "", ""), 400);
	assert_string_equal(api_text("field"), "now");
	assert_int_equal(api_ask("DELETE", "/v1/accelerators/web?now=true", "", ""), 200);
}

/* Who may open it may change everything. */
static void test_the_socket_is_the_owners(void **state)
{
	struct stat status;

	(void)state;
	assert_int_equal(stat(api_path, &status), 0);
	assert_true(S_ISSOCK(status.st_mode));
	assert_int_equal(status.st_mode & 0777, 0600);
}

static void test_a_revision_names_who_asked(void **state)
{
	char who[32];

	(void)state;
	control_add_accelerator("web", 80, "tokyo", "oslo");
	assert_int_equal(api_ask("DELETE", "/v1/accelerators/web", "", ""), 200);
	assert_int_equal(api_get("/v1/revisions?limit=1"), 200);
	snprintf(who, sizeof who, "uid %u (", (unsigned)getuid());
	assert_int_equal(strncmp(api_text("items/0/who"), who, strlen(who)), 0);
}

static int start_second(struct api **second, const char *path)
{
	return api_start(second, &control, &(struct api_config){.socket_path = path});
}

/* An old socket may go: the state's lock says that nobody serves there. Another file may not. */
static void test_only_a_socket_is_replaced(void **state)
{
	struct api *second;
	char file[80], longest[200];

	(void)state;
	snprintf(file, sizeof file, "%s/file", api_directory);
	close(open(file, O_CREAT | O_WRONLY, 0600));
	assert_true(start_second(&second, file) < 0);
	assert_null(second);
	assert_int_equal(access(file, F_OK), 0);
	unlink(file);
	memset(longest, 'x', sizeof longest - 1);
	longest[sizeof longest - 1] = '\0';
	assert_int_equal(start_second(&second, longest), ERR_INVALID);
	assert_int_equal(start_second(&second, api_path), 0);
	assert_int_equal(api_get("/v1/status"), 200);
	api_stop(second);
	assert_int_equal(access(api_path, F_OK), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(test_an_answer_is_json_and_not_kept),
	    API_TEST(test_a_problem_has_its_own_type),
	    API_TEST(test_head_is_get_without_the_body),
	    API_TEST(test_another_method_is_told_which),
	    API_TEST(test_bodies_that_are_no_object),
	    API_TEST(test_a_body_above_the_cap_is_refused),
	    API_TEST(test_a_connection_serves_many_requests),
	    API_TEST(test_half_a_request_holds_up_nobody),
	    API_TEST(test_what_is_no_http_is_refused),
	    API_TEST(test_flags_are_true_or_false),
	    API_TEST(test_the_socket_is_the_owners),
	    API_TEST(test_a_revision_names_who_asked),
	    API_TEST(test_only_a_socket_is_replaced),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
