/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/api_tokens.c: tokens made, listed and revoked by the API, and used at once. */
#include "config.h"

#include "tests/unit/api_fixture.h"

static char secret[128];

/* The status of the answer to a request that bears the last token made. */
static unsigned ask(const char *method, const char *path)
{
	char header[256];

	snprintf(header, sizeof header, "Authorization: Bearer %s\r\n", secret);
	return api_ask(method, path, header, "");
}

static unsigned make(const char *body)
{
	unsigned status = api_ask("POST", "/v1/tokens", "", body);

	snprintf(secret, sizeof secret, "%s", api_text("token"));
	return status;
}

static void test_a_tokens_life(void **state)
{
	(void)state;
	assert_int_equal(make("{\"name\": \"ci\", \"role\": \"operator\", \"ttl_s\": 60}"), 201);
	assert_int_equal(strncmp(secret, "tla1_", 5), 0);
	assert_string_equal(api_text("state"), "good");
	assert_int_equal(ask("GET", "/v1/nodes"), 200);
	assert_int_equal(ask("GET", "/v1/tokens"), 403);
	assert_non_null(strstr(api_text("detail"), "token ci has the role operator"));
	assert_int_equal(ask("DELETE", "/v1/accelerators/none"), 404);
	assert_int_equal(api_get("/v1/tokens"), 200);
	assert_string_equal(api_text("items/0/name"), "ci");
	assert_true(json_is_string(api_at("items/0/used")));
	assert_null(strstr(answer.bytes, secret));
	assert_int_equal(api_ask("DELETE", "/v1/tokens/ci", "", ""), 200);
	assert_int_equal(ask("GET", "/v1/nodes"), 401);
	assert_true(api_has_header("WWW-Authenticate: Bearer"));
	assert_int_equal(api_ask("DELETE", "/v1/tokens/ci", "", ""), 404);
}

/* Not even in what is remembered of changes. */
static void test_the_secret_is_shown_once(void **state)
{
	char path[300];

	(void)state;
	assert_int_equal(make("{\"name\": \"ci\", \"role\": \"viewer\"}"), 201);
	assert_int_equal(api_get("/v1/revisions"), 200);
	assert_string_equal(api_text("items/0/what"), "token ci created: viewer");
	assert_null(strstr(answer.bytes, secret + 5));
	for (int i = 0; i < 2; i++) {
		static char bytes[1 << 20];
		FILE *file;
		size_t length;

		snprintf(path, sizeof path, "%s%s", store_path, i ? "-wal" : "");
		file = fopen(path, "r");
		assert_non_null(file);
		length = fread(bytes, 1, sizeof bytes, file);
		fclose(file);
		assert_null(memmem(bytes, length, secret + 5, 16));
	}
}

static void test_an_expired_one_is_told(void **state)
{
	(void)state;
	assert_int_equal(make("{\"name\": \"ci\", \"role\": \"viewer\"}"), 201);
	control.access->tokens.tokens[0].expires_ms = control_expiry_ms(&control);
	assert_int_equal(ask("GET", "/v1/nodes"), 401);
	assert_non_null(strstr(api_text("detail"), "has expired at"));
	assert_int_equal(api_get("/v1/tokens"), 200);
	assert_string_equal(api_text("items/0/state"), "expired");
}

static void test_what_is_wrong_is_said(void **state)
{
	(void)state;
	assert_int_equal(make("{\"name\": \"a b\", \"role\": \"viewer\"}"), 422);
	assert_int_equal(make("{\"name\": \"ci\", \"role\": \"none\"}"), 422);
	assert_string_equal(api_text("detail"), "role: must be viewer, operator or admin");
	assert_int_equal(make("{\"name\": \"ci\"}"), 400);
	assert_int_equal(make("{\"name\": \"ci\", \"role\": \"viewer\", \"ttl_s\": 0}"), 422);
	assert_int_equal(make("{\"name\": \"ci\", \"role\": \"viewer\"}"), 201);
	assert_int_equal(make("{\"name\": \"ci\", \"role\": \"viewer\"}"), 409);
	assert_string_equal(api_text("field"), "name");
}

static void test_there_is_a_most(void **state)
{
	char body[128];

	(void)state;
	for (int i = 0; i < API_TOKENS_MAX; i++) {
		snprintf(body, sizeof body, "{\"name\": \"t%d\", \"role\": \"viewer\"}", i);
		assert_int_equal(make(body), 201);
	}
	assert_int_equal(make("{\"name\": \"more\", \"role\": \"viewer\"}"), 422);
	assert_int_equal(api_ask("DELETE", "/v1/tokens/t7", "", ""), 200);
	assert_int_equal(make("{\"name\": \"more\", \"role\": \"viewer\"}"), 201);
	assert_int_equal(ask("GET", "/v1/status"), 200);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(test_a_tokens_life),
	    API_TEST(test_the_secret_is_shown_once),
	    API_TEST(test_an_expired_one_is_told),
	    API_TEST(test_what_is_wrong_is_said),
	    API_TEST(test_there_is_a_most),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
