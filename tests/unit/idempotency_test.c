/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Twin of control/idempotency.c and store_answers.c: the same key, the same answer, once done. */
#include "config.h"

#include "control/idempotency.h"

#include "base/err.h"
#include "tests/unit/api_fixture.h"

#define WEB                                                                                        \
	"{\"name\": \"web\", \"protocol\": \"tcp\", \"ports\": [\"80\"], \"listen\": "             \
	"[\"tokyo\"],"                                                                             \
	" \"endpoint_groups\": [{\"region\": \"oslo\", \"backends\": [{\"host\": \"::1\"}]}]}"

static bool is_disk_full;

/* The linker calls these in place of store_keep_answer(). */
int __real_store_keep_answer(
    struct store *store, const uint8_t row_hash[STORE_HASH_BYTES], const struct kept_answer *kept);
int __wrap_store_keep_answer(
    struct store *store, const uint8_t row_hash[STORE_HASH_BYTES], const struct kept_answer *kept);

int __wrap_store_keep_answer(
    struct store *store, const uint8_t row_hash[STORE_HASH_BYTES], const struct kept_answer *kept)
{
	return is_disk_full ? ERR_IO : __real_store_keep_answer(store, row_hash, kept);
}

static unsigned post(const char *path, const char *key, const char *body)
{
	char header[512];

	snprintf(header, sizeof header, "Idempotency-Key: %s\r\n", key);
	return api_ask("POST", path, header, body);
}

static void once_done_it_is_answered_again(void **state)
{
	json_t *first;

	(void)state;
	assert_int_equal(post("/v1/accelerators", "a", WEB), 201);
	first = json_incref(answer.json);
	assert_int_equal(post("/v1/accelerators", "a", WEB), 201);
	assert_true(json_equal(first, answer.json));
	assert_true(api_has_header("Location: /v1/accelerators/web"));
	assert_true(api_has_header("ETag: \""));
	json_decref(first);
	assert_int_equal(control.installation.accelerator_count, 1);
	/* Another key is another request. */
	assert_int_equal(post("/v1/accelerators", "b", WEB), 409);
	/* And the same with another body is a mistake. */
	assert_int_equal(post("/v1/accelerators", "a", "{}"), 422);
	assert_string_equal(api_text("type"), "urn:trunkline:problem:key-reused");
	assert_int_equal(post("/v1/apply", "a", WEB), 422);
}

static unsigned change(const char *method, const char *path, const char *key, const char *match)
{
	char header[512];

	snprintf(header, sizeof header, "Idempotency-Key: %s\r\nIf-Match: %s\r\n", key, match);
	return api_ask(method, path, header, *method == 'P' ? "{\"comment\": \"x\"}" : "");
}

/* The first one changed the revision that the second one still names. */
static void a_change_with_a_condition_is_answered_again(void **state)
{
	static const char web[] = "/v1/accelerators/web";
	uint64_t revision;

	(void)state;
	assert_int_equal(post("/v1/accelerators", "w", WEB), 201);
	assert_int_equal(change("PATCH", web, "a", "\"3\""), 200);
	revision = control.installation.revision;
	assert_int_equal(change("PATCH", web, "a", "\"3\""), 200);
	assert_true(api_has_header("ETag: \"4\""));
	assert_int_equal(change("PATCH", web, "b", "\"3\""), 412);
	assert_int_equal(change("PATCH", web, "a", "\"4\""), 422);
	assert_int_equal(control.installation.revision, revision);
	assert_int_equal(change("DELETE", web, "d", "\"4\""), 200);
	assert_int_equal(change("DELETE", web, "d", "\"4\""), 200);
	assert_int_equal(api_number("revision"), revision + 1);
	assert_int_equal(change("DELETE", web, "e", "\"4\""), 404);
	assert_int_equal(change("DELETE", "/v1/accelerators/web?now=true", "d", "\"4\""), 422);
}

/* What was refused was not done, and may be tried again when it can be. */
static void what_failed_is_tried_again(void **state)
{
	(void)state;
	assert_int_equal(post("/v1/confirm", "a", "{}"), 404);
	assert_int_equal(api_ask("POST", "/v1/apply", "",
	                     "{\"confirm_s\": 60, \"items\": [{\"kind\": \"Tunnel\","
	                     " \"listener\": \"tyo-1\", \"endpoint\": \"osl-1\","
	                     " \"trace\": true}]}"),
	    200);
	assert_int_equal(post("/v1/confirm", "a", "{}"), 200);
	assert_int_equal(post("/v1/confirm", "a", "{}"), 200);
}

/* Never the one without the other: what could not be kept for a second request is not done. */
static void an_answer_that_is_not_saved_undoes_its_change(void **state)
{
	uint64_t before = control.installation.revision;
	struct revision newest;

	(void)state;
	is_disk_full = true;
	assert_int_equal(post("/v1/accelerators", "a", WEB), 503);
	assert_int_equal(post("/v1/tokens", "t", "{\"name\": \"ci\", \"role\": \"viewer\"}"), 503);
	is_disk_full = false;
	assert_int_equal(control.installation.accelerator_count, 0);
	assert_int_equal(control.installation.revision, before);
	assert_int_equal(store_list_revisions(control.store, &newest, 1), 1);
	assert_int_equal(newest.number, before);
	assert_int_equal(control.access->tokens.count, 0);
	assert_int_equal(post("/v1/accelerators", "a", WEB), 201);
	assert_int_equal(control.installation.revision, before + 1);
	assert_int_equal(post("/v1/accelerators", "a", WEB), 201);
	assert_int_equal(control.installation.revision, before + 1);
}

/* A caller could make control read all of it each time. */
static void what_is_refused_at_once_reads_no_database(void **state)
{
	(void)state;
	control.installation.nodes[0].slots = 99;
	assert_int_equal(post("/v1/apply", "a", "{}"), 400);
	assert_int_equal(control.installation.nodes[0].slots, 99);
	is_disk_full = true;
	assert_int_equal(post("/v1/accelerators", "b", WEB), 503);
	is_disk_full = false;
	assert_int_equal(control.installation.nodes[0].slots, 1);
}

/* Nothing is changed, so nothing is kept: it also goes with a full disk. */
static void a_dry_run_needs_no_disk(void **state)
{
	(void)state;
	assert_int_equal(post("/v1/accelerators", "w", WEB), 201);
	is_disk_full = true;
	assert_int_equal(
	    post("/v1/apply", "a", "{\"dry_run\": true, \"prune\": true, \"items\": []}"), 200);
	assert_int_equal(json_array_size(api_at("changes")), 1);
	assert_int_equal(post("/v1/rollback", "b", "{\"dry_run\": true, \"revision\": 2}"), 200);
	assert_int_equal(json_array_size(api_at("changes")), 1);
	assert_int_equal(post("/v1/apply", "c", "{\"prune\": true, \"items\": []}"), 503);
	is_disk_full = false;
	assert_int_equal(control.installation.accelerator_count, 1);
}

/* A plan of so many tunnels is more than is kept; that it was done is. */
static void a_long_answer_is_not_given_again(void **state)
{
	char *body = malloc(API_REQUEST_BYTES);
	uint64_t before = control.installation.revision;
	size_t length;

	(void)state;
	length = (size_t)snprintf(body, API_REQUEST_BYTES, "{\"items\": [");
	for (int i = 0; i < 150; i++)
		length += (size_t)snprintf(body + length, API_REQUEST_BYTES - length,
		    "%s{\"kind\": \"Accelerator\", \"name\": \"a%d\", \"protocol\": \"tcp\", "
		    "\"ports\": "
		    "[\"%d\"], \"listen\": [\"tokyo\"], \"endpoint_groups\": [{\"region\": "
		    "\"oslo\", "
		    "\"backends\": [{\"host\": \"::1\"}]}]}",
		    i ? ", " : "", i, 1000 + i);
	snprintf(body + length, API_REQUEST_BYTES - length, "]}");
	assert_int_equal(post("/v1/apply", "a", body), 200);
	assert_true(strlen(answer.bytes) > IDEMPOTENCY_ANSWER_BYTES_MAX);
	assert_int_equal(post("/v1/apply", "a", body), 422);
	assert_string_equal(api_text("type"), "urn:trunkline:problem:key-reused");
	assert_non_null(strstr(api_text("detail"), "was done"));
	assert_int_equal(control.installation.revision, before + 1);
	free(body);
}

/* A file is not kept, and made again. */
static void a_backup_may_bear_a_key(void **state)
{
	uint64_t before = control.installation.revision;

	(void)state;
	assert_int_equal(post("/v1/backup", "a", ""), 200);
	assert_int_equal(post("/v1/backup", "a", ""), 200);
	assert_int_equal(control.installation.revision, before);
}

static void keys_that_are_none(void **state)
{
	char key[IDEMPOTENCY_KEY_CHARS_MAX + 2];

	(void)state;
	memset(key, 'x', sizeof key);
	key[sizeof key - 1] = '\0';
	assert_int_equal(post("/v1/apply", key, "{\"items\": []}"), 400);
	key[sizeof key - 2] = '\0';
	assert_int_equal(post("/v1/apply", key, "{\"items\": []}"), 200);
}

static bool is_kept(uint8_t number, uint64_t now_ms)
{
	uint8_t hash[STORE_HASH_BYTES] = {number};
	struct kept_answer found;
	int result = store_find_answer(control.store, hash, now_ms, &found);

	if (result < 0) {
		assert_int_equal(result, ERR_NOT_FOUND);
		return false;
	}
	assert_int_equal(found.sealed[0], 7);
	free(found.sealed);
	return true;
}

static void kept_answers_are_bounded(void **state)
{
	uint8_t byte = 7;
	struct kept_answer kept = {.sealed = &byte, .length = 1};

	(void)state;
	for (uint8_t i = 1; i <= 5; i++) {
		kept.expires_ms = 1000u + i;
		assert_int_equal(
		    store_keep_answer(control.store, (uint8_t[STORE_HASH_BYTES]){i}, &kept), 0);
	}
	assert_true(is_kept(5, 1000));
	assert_false(is_kept(5, 1005));
	/* By their number, */
	assert_int_equal(store_purge_answers(control.store, 1000, 3), 0);
	assert_false(is_kept(2, 1000));
	assert_true(is_kept(3, 1000));
	/* and by their age, so that a clock that is set back finds none of them. */
	assert_int_equal(store_purge_answers(control.store, 1004, 3), 0);
	assert_false(is_kept(4, 1000));
	assert_true(is_kept(5, 1000));
}

/* Those that expired go with the next that is kept. */
static void old_answers_are_forgotten(void **state)
{
	uint8_t byte = 7;
	struct kept_answer kept = {.sealed = &byte, .length = 1, .expires_ms = 1000};

	(void)state;
	assert_int_equal(
	    store_keep_answer(control.store, (uint8_t[STORE_HASH_BYTES]){1}, &kept), 0);
	assert_true(is_kept(1, 0));
	assert_int_equal(post("/v1/apply", "a", "{\"items\": []}"), 200);
	assert_false(is_kept(1, 0));
}

static void a_token_does_not_lie_in_the_clear(void **state)
{
	static const char body[] = "{\"role\": \"listener\", \"region\": \"tokyo\"}";
	char path[300], text[65536], token[400];
	size_t length;
	FILE *file;

	(void)state;
	assert_int_equal(post("/v1/node-tokens", "a", body), 201);
	snprintf(token, sizeof token, "%s", api_text("token"));
	assert_int_equal(post("/v1/node-tokens", "a", body), 201);
	assert_string_equal(api_text("token"), token);
	snprintf(path, sizeof path, "%s-wal", store_path);
	file = fopen(path, "re");
	assert_non_null(file);
	while ((length = fread(text, 1, sizeof text, file)) > 0)
		assert_null(memmem(text, length, token + 4, 40));
	fclose(file);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	    API_TEST(once_done_it_is_answered_again),
	    API_TEST(a_change_with_a_condition_is_answered_again),
	    API_TEST(what_failed_is_tried_again),
	    API_TEST(an_answer_that_is_not_saved_undoes_its_change),
	    API_TEST(what_is_refused_at_once_reads_no_database),
	    API_TEST(a_dry_run_needs_no_disk),
	    API_TEST(a_long_answer_is_not_given_again),
	    API_TEST(a_backup_may_bear_a_key),
	    API_TEST(keys_that_are_none),
	    API_TEST(kept_answers_are_bounded),
	    API_TEST(old_answers_are_forgotten),
	    API_TEST(a_token_does_not_lie_in_the_clear),
	};

	if (api_init())
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
